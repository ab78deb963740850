"""The default model: excitation and envelope in the short-time spectrum, mid and side together.

Spectral band replication (Dietz et al., 2002) with its side information predicted from the given
band: the missing bins are filled with a mixture of the given band's top, flattened and copied
upward, of noise, and of what a gentle slope has left there itself, whitened; a small temporal
convolutional network predicts, for every frame and band, the level and the mixture. Blocks are
ConvNeXt's (Liu et al., 2022) over frames.

    spectrum ─► description ─┬─► linear map ───────────┬─► level, mixture per band
        │                    └─► blocks over frames ───┘                   │
        ├─► whitened remains ───────────┐                                  │
        ├─► flattened copy ─────────────┤                                  ▼
    noise ──────────────────────────────┴──────► mixture · level · fade-in ─► high

Properties that hold by construction, not by training:

- levels scale: all levels are relative to the last third-octave of the given band (the anchor), so
  what the network does not know is continued from there, twice the input is twice the output (down
  to -160 dBFS), silence gives exact silence, and a silent side signal stays silent;
- copies keep the distances of partials, and their phase turns with the frame's number;
- swapped channels give swapped levels: the side's noise follows the middle's as far as their given
  bands are correlated (a sound on the left alone stays there) times a predicted share;
- nothing is put below ``cutoff - guard / 2``.
"""

import math

import torch
from torch import Tensor, nn

from aliquot.models import comb, excitation
from aliquot.models.config import SpectralConfig
from aliquot.models.description import FLATNESS, OUTER, OUTLINE, SHOWN, Describer, inner
from aliquot.models.excitation import BLOCK_BINS, PANNED, TINY
from aliquot.models.layers import Block, Styles, hats, steadied, warped_bands, warped_place
from aliquot.models.leakage import leakage

LOWEST_OCTAVE, HIGHEST_OCTAVE = -0.1, 3.3
"""Where the first and the last output band lie over the cut-off."""
MAP_SCALE = 0.1
"""Of the maps' weights over what is trained: a step must not move hundreds of products at once."""
MIX_START, MIX_SCALE, FLAT_SCALE = 3.0, 10.0, 100.0
"""Logit of the copy's share at first, and scales of its changes. A tenth is noise: with much more,
gaps between lines are full, and roughness does not follow the share."""
MAPS_AT = (120.0, 280.0, 650.0)
"""Cut-offs in bins that have linear maps of their own; those between take a mixture."""
LEAKING = 2.0
"""What may be leakage is taken for it up to this many times the leakage that is expected."""
LOUDEST = 3.5
"""Log10 level over the anchor that no band exceeds."""


class Spectral(nn.Module):
    """Predict the missing high band of a mid/side spectrum.

    Shape:
        - spectrum: ``(batch, 2, 2, frames, bins)``: mid and side, real and imaginary part, of the
          unscaled periodic-Hann STFT
        - cutoff_bin: ``(batch,)``; where the given band ends, in bins
        - long_term: ``(batch, bins)``; :meth:`aliquot.dsp.longterm.LongTerm.at`, zeros if unknown
        - noise: ``(batch, 2, 2, frames - 2 * context, bins)``; the STFT of white noise of unit
          variance, for the inner frames; or of the topmost bins, from a multiple of 16 on
        - frame: ``(batch,)``; the number of the spectrum's first frame in the recording
        - high: as ``noise``; zero below the fade-in. The outer ``context`` frames on both sides are
          seen but not restored, so every result has seen all that it depends on

    Attributes:
        mixed: Whether the blocks compute in bfloat16, as training sets it on a GPU; what is
            measured and made with their results never does.
    """

    index: Tensor
    triangles: Tensor
    analysis: Tensor
    band_centres: Tensor
    octaves: Tensor
    leakage: Tensor
    mixed = False

    def __init__(self, config: SpectralConfig) -> None:
        super().__init__()
        if config.window != 4 * config.hop:
            raise ValueError(f"window must be four hops, got {config.window} and {config.hop}")
        self.config = config
        bins = config.bins
        band_in = warped_bands(config.input_bands, 0.0, bins)
        self.register_buffer("index", torch.arange(bins).float(), persistent=False)
        self.register_buffer("triangles", band_in.T.contiguous(), persistent=False)
        self.register_buffer(
            "analysis", (band_in / band_in.sum(1, keepdim=True)).T.contiguous(), persistent=False
        )
        centres = (band_in * torch.arange(bins)).sum(1) / band_in.sum(1)
        self.register_buffer("band_centres", centres, persistent=False)
        octaves = torch.linspace(LOWEST_OCTAVE, HIGHEST_OCTAVE, config.output_bands)
        self.register_buffer("octaves", octaves, persistent=False)
        leaks = leakage(self.triangles, self.analysis)
        self.register_buffer("leakage", leaks, persistent=False)
        self.describe = Describer(bins, config.input_bands)
        mapped = SHOWN + 1 + OUTLINE
        self.maps = nn.Parameter(torch.zeros(len(MAPS_AT), mapped, config.output_bands))
        self.enter = nn.Linear(mapped, config.width)
        self.blocks = nn.ModuleList(
            Block(config.width, config.kernel, dilation, config.expansion, config.dropout)
            for dilation in config.dilations
        )
        self.styles = Styles(OUTLINE, config.width, 2 * len(config.dilations) * config.width)
        self.norm = nn.LayerNorm(config.width)
        self.leave = nn.Linear(config.width, 4 * config.output_bands)
        self.tonal = nn.Linear(FLATNESS + 1, config.output_bands)
        nn.init.normal_(self.leave.weight, std=0.01)
        nn.init.zeros_(self.leave.bias)
        nn.init.zeros_(self.tonal.weight)
        nn.init.zeros_(self.tonal.bias)

    def forward(
        self,
        spectrum: Tensor,
        cutoff_bin: Tensor,
        long_term: Tensor,
        noise: Tensor,
        frame: Tensor,
    ) -> Tensor:
        """Return the high band; see the class for shapes."""
        return self.restore(spectrum, cutoff_bin, long_term, noise, frame)[0]

    def restore(
        self,
        spectrum: Tensor,
        cutoff_bin: Tensor,
        long_term: Tensor,
        noise: Tensor,
        frame: Tensor,
        stride: int = 1,
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, for frames ``context, context + stride, ...``, and the levels.

        Returns:
            The high band ``(batch, 2, 2, frames, bins)`` and the log10 level over the anchor
            ``(batch, 2, frames, bands)``.
        """
        unit = 1 / (0.375 * self.config.window)  # white noise of unit variance has power 1 in it
        scale = math.sqrt(unit)
        edge = cutoff_bin - self.config.guard(cutoff_bin)
        power = unit * spectrum.square().sum(dim=2)  # (batch, 2, frames, bins)
        first = self.config.bins - noise.shape[4]
        index = self.index[first:]
        context, frames = self.config.context, spectrum.shape[3]
        restored = slice(context, frames - context, stride)
        seen = slice(context - OUTER, frames - context - OUTER, stride)
        found = self.predict(power @ self.analysis, cutoff_bin, long_term @ self.analysis)
        anchor, level, mix, share, trust = (values[:, :, seen] for values in found)
        panning = excitation.panning(spectrum, power, edge, self.index, unit)
        outer = context - PANNED // 2
        panning = panning[:, :, outer:-outer:stride]
        block_power = excitation.block_means(power)
        flat = self.describe.flatness(excitation.flatness(power, block_power), cutoff_bin)
        within = power[:, :, context - comb.BEYOND : comb.BEYOND - context]
        width, comb_like = (row[:, ::stride] for row in comb.distance(within, edge))
        lines = torch.cat([flat[:, :, seen], comb_like[:, None].expand(-1, 2, -1, -1)], dim=3)
        mix = MIX_START + MIX_SCALE * mix + FLAT_SCALE * self.tonal(lines)
        spectrum, block_power = spectrum[:, :, :, restored], block_power[:, :, restored]
        flattened = excitation.flattened(spectrum, block_power, edge, scale)
        number = frame[:, None, None] + torch.arange(context, frames - context, stride)[:, None]
        copied = excitation.copy_up(flattened, edge, index, width, number)
        ramp = self.fade_in(cutoff_bin, index)  # (batch, bins made)
        over = self.between(cutoff_bin, index)[:, None]
        gain = torch.exp(math.log(10.0) * (level @ over))
        gain = gain * anchor.sqrt() * (ramp / scale)[:, None, None]
        block_power = block_power[..., first // BLOCK_BINS :]  # of bins made
        white = excitation.whitened(spectrum[..., first:], block_power, scale)
        remains = (trust @ over) * excitation.audible(block_power)
        remains_gain = (gain * (remains + 1e-9).sqrt())[:, :, None]
        gain = gain * (1 - remains).clamp(min=1e-6).sqrt()
        tonal = torch.sigmoid(mix) @ over
        noise = excitation.panned(noise, (share @ over) * panning)
        high = excitation.mixed(copied, noise, gain, tonal, scale) + white * remains_gain
        return high, level

    def fade_in(self, cutoff_bin: Tensor, index: Tensor) -> Tensor:
        """Amplitude with which the generated band sets in, ``(batch, len(index))``."""
        guard = self.config.guard(cutoff_bin)[:, None]
        ramp = ((index - cutoff_bin[:, None] + 0.5 * guard) / (0.25 * guard)).clamp(0, 1)
        return ramp * ramp * (3 - 2 * ramp)

    def between(self, cutoff_bin: Tensor, bin_: Tensor) -> Tensor:
        """Weights that read output bands at frequencies in bins, ``(batch, output_bands, n)``."""
        place = torch.log2(bin_.clamp(min=1.0) / cutoff_bin[:, None]) - LOWEST_OCTAVE
        count = self.config.output_bands
        return hats(place * ((count - 1) / (HIGHEST_OCTAVE - LOWEST_OCTAVE)), count)

    def output_centres(self, cutoff_bin: Tensor) -> Tensor:
        """Middles of the output bands in bins, ``(batch, output_bands)``."""
        return cutoff_bin[:, None] * 2**self.octaves

    def mapped(self, shown: Tensor, outline: Tensor, cutoff_bin: Tensor) -> Tensor:
        """What the linear maps make of the description, ``(batch, 2, frames, output_bands)``."""
        places = torch.log(torch.tensor(MAPS_AT, device=shown.device))
        step = places[1] - places[0]
        near = hats((torch.log(cutoff_bin)[:, None] - places[0]) / step, len(MAPS_AT))
        maps = (near[:, :, 0] @ self.maps.flatten(1)).reshape(-1, 1, *self.maps.shape[1:])
        moments, whole = maps[:, :, :-OUTLINE], maps[:, :, -OUTLINE:]
        both = shown.reshape(maps.shape[0], 2, *shown.shape[1:]) @ moments
        return MAP_SCALE * (both + outline[:, None, None] @ whole)

    def body(self, shown: Tensor, outline: Tensor) -> Tensor:
        """What the blocks make of a description and of the recording's, for each frame."""
        outline = outline[:, None].expand(-1, 2, -1).reshape(shown.shape[0], 1, -1)
        moments, whole = self.enter.weight[:, :-OUTLINE], self.enter.weight[:, -OUTLINE:]
        x = shown @ moments.T + outline @ whole.T + self.enter.bias
        styles = self.styles(outline).chunk(len(self.blocks), dim=2)
        for block, style in zip(self.blocks, styles, strict=True):
            x = block(x, style)
        out: Tensor = self.leave(self.norm(x))
        return out

    def unleaked(self, bands: Tensor) -> Tensor:
        """Band powers without what the window may have let through of others."""
        return (bands - LEAKING * (bands @ self.leakage)).clamp(min=0)

    def predict(
        self, bands: Tensor, cutoff_bin: Tensor, long_term: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What to add, from a description of the given band.

        Args:
            bands: ``(batch, 2, frames, input_bands)`` mean power of mid and side, which go through
                the same network.
            cutoff_bin: ``(batch,)``.
            long_term: ``(batch, input_bands)`` mean power of the whole recording; zeros if unknown.

        Returns:
            For all frames but ``OUTER`` at each end: the anchor ``(batch, 2, frames, 1)`` in power,
            and ``(batch, 2, frames, output_bands)`` each: the log10 level over its root, what the
            frame adds to the copy's share, the share of the panning that noise keeps (of one
            channel), and the share in power of what remains above the cut-off.

        The level is a guess, or that of what remains above the cut-off, raised to the guess's mean
        over time, as far as it is trusted: its course is the true one, a filter's loss is steady.
        """
        anchor = self.describe.anchor(bands, cutoff_bin)
        real = self.unleaked(bands)
        shown, levels = self.describe(real, anchor, cutoff_bin)
        anchor, real, bands = inner(anchor), inner(real), inner(bands)
        batch, _, frames, _ = bands.shape
        outline = self.describe.outline(self.unleaked(long_term), cutoff_bin)
        known = torch.log(cutoff_bin / 300.0)[:, None, None, None].expand(batch, 2, frames, 1)
        shown = torch.cat([shown, known.flatten(0, 1)], dim=2)
        if self.mixed:
            with torch.autocast(shown.device.type, torch.bfloat16):
                out = self.body(shown, outline).float()
        else:
            out = self.body(shown, outline)
        out = out.reshape(batch, 2, frames, 4, -1)
        guess = out[:, :, :, 0] + self.mapped(shown, outline, cutoff_bin)
        guess = 4.0 * torch.tanh(guess / 4.0) + self.config.level_offset  # within 80 dB
        share = torch.sigmoid(out[:, :1, :, 2])
        centres = self.output_centres(cutoff_bin).clamp(max=self.config.bins - 1)
        places = warped_place(centres, self.config.input_bands, self.config.bins)
        places = hats(places, self.config.input_bands)[:, None]
        trust = torch.sigmoid(out[:, :, :, 3]) * (real / (bands + TINY) @ places)
        left = 0.5 * levels.float() @ places
        lost = steadied(guess - left, trust, self.config.steady)
        level = (guess + trust * (left + lost - guess)).clamp(max=LOUDEST)
        return anchor, level, out[:, :, :, 1], share, trust
