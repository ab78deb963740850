"""What tells restored music from originals while a generator is trained.

Three views of a waveform, each seen at several resolutions:

- :class:`ScaleDiscriminator`, on samples: grouped strided convolutions with wide filters, on the
  waveform and on coarser ones, made by averaging (Kumar et al., "MelGAN", 2019, section 2.2);
- :class:`SpectrogramDiscriminator`, on "a spectrogram which displays the sound intensity in
  decibels", as the founding paper encodes music, with several windows (Jang et al., "UnivNet",
  2021, section 2.2);
- :class:`PairDiscriminator`, on the complex spectrum of both channels at once (Défossez et al.,
  "EnCodec", 2022, section 3.4), in parts of the band that each have layers of their own (Kumar et
  al., "High-fidelity audio compression with improved RVQGAN", 2023, section 3.4).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn
from torch.nn.utils.parametrizations import weight_norm

RANGE_DB = 100.0
"""What lies this far below a full-scale sine is silence."""
CONTRAST, MIDDLE = 10.0, 0.3
"""Levels are judged in steps of 10 dB about -70 dB, where treble lies."""
LOUDNESS = 10.0
"""Gain before waveforms are judged: music has an rms of a tenth, and critics learn from the first
steps on only from numbers near one."""


class Judgement(NamedTuple):
    """What discriminators make of a batch.

    Attributes:
        scores: One tensor per discriminator, ``(batch, ...)``; higher is more like an original.
        features: For each discriminator, what each of its layers has seen.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    """Everything needed to rebuild the discriminators, and nothing else.

    Attributes:
        width: Channels of the first layer on samples; MelGAN's are 16. Twice as many of all
            layers on spectrograms; UnivNet's are 32.
        scales: Waveforms looked at, each with half the rate of the one before; 0 for none.
        windows: Samples of an STFT frame of each spectrogram; empty for none.
        pairs: The same of complex spectra of two channels, whose layers are ``width`` wide.
    """

    width: int = 16
    scales: int = 3
    windows: tuple[int, ...] = (512, 1024, 2048)
    pairs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if not self.scales and not self.windows and not self.pairs:
            raise ValueError("there must be at least one scale, one window or one pair")


NARROW = DiscriminatorConfig(width=4)
"""1.3 million parameters: trains on two CPU cores."""


def decibels(waves: Tensor, window: int) -> Tensor:
    """Level of each bin, from 0 at -100 dB to 1 for a sine at full scale.

    Args:
        waves: ``(batch, samples)``, at least ``window`` samples.
        window: Samples of a periodic-Hann frame; frames are a quarter of it apart.

    Returns:
        ``(batch, frames, bins)``.
    """
    power = torch.view_as_real(spectrum(waves, window)).square().sum(dim=-1) * (4 / window) ** 2
    floor = 10 ** (-RANGE_DB / 10)
    return (1 + 10 / RANGE_DB * torch.log10(power + floor)).transpose(1, 2)


def spectrum(waves: Tensor, window: int) -> Tensor:
    """Complex spectrum ``(batch, bins, frames)`` of waves ``(batch, samples)``, uncentred."""
    taper = torch.hann_window(window, device=waves.device)
    result: Tensor = torch.stft(
        waves, window, window // 4, window=taper, center=False, return_complex=True
    )
    return result


COMPRESSION = 0.3
"""Magnitudes are raised to this power before complex spectra are judged; angles stay."""


def compressed(waves: Tensor, window: int) -> Tensor:
    """Complex spectra of channels with compressed magnitudes.

    Args:
        waves: ``(batch, channels, samples)``.
        window: Samples of a periodic-Hann frame; frames are a quarter of it apart.

    Returns:
        ``(batch, 2 * channels, frames, bins)``; white noise of unit variance has magnitudes about
        one, its real and imaginary parts side by side.
    """
    batch, channels, _ = waves.shape
    rows = (0.375 * window) ** -0.5 * spectrum(waves.flatten(0, 1), window).transpose(1, 2)
    planes = torch.stack([rows.real, rows.imag], dim=1)  # apart: halves of numbers are slow
    power = planes.square().sum(dim=1, keepdim=True)
    planes = planes * (power + 1e-6) ** ((COMPRESSION - 1) / 2)
    return planes.reshape(batch, 2 * channels, *planes.shape[2:])


class Critic(nn.Module):
    """A stack of convolutions that keeps what each has seen; the last gives the scores."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def judge(self, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores and features of one view of the sound."""
        features = []
        for layer in self.layers[:-1]:
            y = fn.leaky_relu(layer(y), 0.2)
            features.append(y)
        return self.layers[-1](y), features


class ScaleDiscriminator(Critic):
    """Judge a waveform. Shape: ``(batch, samples)`` to scores ``(batch, 1, samples / 256)``.

    Args:
        width: Channels of the first layer; the widest has 64 times as many.
        halvings: How many times the rate is halved first.
    """

    def __init__(self, width: int, halvings: int) -> None:
        widths = [width, 4 * width, 16 * width, 64 * width, 64 * width]
        layers: list[nn.Module] = [nn.Conv1d(1, width, 15, padding=7)]
        for inputs, outputs in pairwise(widths):
            groups = math.gcd(inputs, max(1, inputs // 4))
            layers.append(nn.Conv1d(inputs, outputs, 41, stride=4, padding=20, groups=groups))
        layers += [
            nn.Conv1d(widths[-1], widths[-1], 5, padding=2),
            nn.Conv1d(widths[-1], 1, 3, padding=1),
        ]
        super().__init__(layers)
        self.halvings = halvings

    def forward(self, waves: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        y = LOUDNESS * waves[:, None]
        for _ in range(self.halvings):
            y = fn.avg_pool1d(y, 4, 2, padding=1, count_include_pad=False)
        return self.judge(y)


class SpectrogramDiscriminator(Critic):
    """Judge a spectrogram in decibels.

    Shape: ``(batch, samples)`` to scores ``(batch, 1, frames, bins / 8)``.

    Args:
        width: Channels of all layers.
        window: Samples of an STFT frame.
    """

    def __init__(self, width: int, window: int) -> None:
        wide, stride = (3, 9), (1, 2)
        layers: list[nn.Module] = [nn.Conv2d(1, width, wide, padding=(1, 4))]
        layers += [nn.Conv2d(width, width, wide, stride=stride, padding=(1, 4)) for _ in range(3)]
        layers += [
            nn.Conv2d(width, width, 3, padding=1),
            nn.Conv2d(width, 1, 3, padding=1),
        ]
        super().__init__(layers)
        self.window = window

    def forward(self, waves: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        return self.judge(CONTRAST * (decibels(waves, self.window) - MIDDLE)[:, None])


class PartCritic(Critic):
    """A critic of planes as they are."""

    def forward(self, planes: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        return self.judge(planes)


class PairDiscriminator(nn.Module):
    """Judge the complex spectrum of two channels, in :data:`PARTS` equal parts of the band.

    Shape: ``(batch, 2, samples)`` to scores ``(batch, 1, frames, bins / 4)``.

    Args:
        width: Channels of all layers.
        window: Samples of an STFT frame.
    """

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.parts = nn.ModuleList(PartCritic(_pair_layers(width)) for _ in range(PARTS))

    def forward(self, waves: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        planes = compressed(waves, self.window)[..., : self.window // 2]
        parts = planes.chunk(PARTS, dim=3)
        found = [part(y) for part, y in zip(self.parts, parts, strict=True)]
        scores = torch.cat([scores for scores, _ in found], dim=3)
        return scores, [layer for _, features in found for layer in features]


PARTS = 4


def _pair_layers(width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(4, width, (3, 9), stride=(1, 2), padding=(1, 4)),
        nn.Conv2d(width, width, (3, 9), stride=(1, 2), padding=(1, 4)),
        nn.Conv2d(width, width, 3, dilation=(2, 1), padding=(2, 1)),
        nn.Conv2d(width, 1, 3, padding=1),
    ]


class Discriminators(nn.Module):
    """All discriminators of a run.

    Shape: ``(batch, channels, samples)`` to a :class:`Judgement`. Channels are judged one by one:
    its tensors have ``batch * channels`` examples, but for pairs, where there must be two.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        scales = [ScaleDiscriminator(config.width, halvings) for halvings in range(config.scales)]
        spectra = [SpectrogramDiscriminator(2 * config.width, window) for window in config.windows]
        self.critics = nn.ModuleList([*scales, *spectra])
        self.pairs = nn.ModuleList(PairDiscriminator(config.width, w) for w in config.pairs)

    def forward(self, waves: Tensor) -> Judgement:
        """Return the scores and features of all."""
        flat = waves.flatten(0, 1)
        found = [critic(flat) for critic in self.critics] + [pair(waves) for pair in self.pairs]
        return Judgement([scores for scores, _ in found], [features for _, features in found])
