"""What the default model is shown of a recording: the given band as seen from the cut-off.

Everything is placed by its distance from the cut-off in octaves, not by its frequency. So what is
learned of one cut-off holds for all, and every recording is an example for each.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from aliquot.models.excitation import BLOCK_BINS, TINY
from aliquot.models.layers import hats, mean_over_frames, warped_bands, warped_place

ANCHOR_END = 0.97
"""Where the third-octave that levels are relative to ends, over the cut-off."""
LEAST, MOST = -15.0, 6.0
"""Log10 power over the anchor beyond which bands are not told apart."""
DEEPEST = -7.0
"""The same for what is shown. What lies deeper tells filters no better, and how deep it lies is
chance: by rounding errors behind a wall, or none, levels would differ by decibels."""
SHORT, LONG = 17, 61
"""Frames over which levels are averaged."""
OUTER = 1 + LONG // 2
"""Frames at each end that are seen and not described; one more than the means need: the anchor is
averaged with its neighbours."""
AUDIBLE = -13.0
"""Log10 power of an anchor below which a frame is silence and does not count."""


class Description(NamedTuple):
    """What is shown of mid and side, signal by signal, for all frames but the outer ones.

    Attributes:
        shown: ``(2 * batch, frames - 2 * OUTER, SHOWN)``.
        levels: ``(batch, 2, frames - 2 * OUTER, input_bands)`` log10 power of the bands over the
            anchor.
    """

    shown: Tensor
    levels: Tensor


def octaves(first: float, last: float, step: float) -> list[float]:
    """From ``first`` to ``last`` in equal steps."""
    return [first + index * step for index in range(round((last - first) / step) + 1)]


BELOW = [*octaves(0.0, 3.0, 1 / 12), *octaves(3 + 1 / 6, 7.5, 1 / 6)]
"""Octaves under the anchor's end at which the given band is shown."""
ABOVE = octaves(0.0, 1.5, 1 / 8)
"""Octaves over the cut-off at which what is left there is shown: how it falls tells the filter."""
FALL = 0.4
"""Log10 power per octave by which music falls on average: what is shown is centred on it."""
SPREAD_STRIDE = 3
SHOWN = 3 * len(BELOW) + len(BELOW[::SPREAD_STRIDE]) + len(ABOVE) + 2
UNDER = octaves(0.0, 4.0, 1 / 6)
"""Octaves under the anchor's end at which the whole recording's long-term spectrum is shown."""
OUTLINE = len(UNDER) + len(ABOVE) + 2
FLAT = octaves(0.0, 2.0, 1 / 4)
"""Octaves under the cut-off at which the flatness of the given band is shown."""
FLATNESS = 3 * len(FLAT)
"""Numbers that tell flatness: now, and averaged over either time."""


class Describer(nn.Module):
    """Describe band powers.

    Levels below the cut-off, now, on average over 17 and over 61 frames, and how much they vary;
    levels above it; and the anchor's course. No more: what else was tried (the other signal's
    level, finer courses, flatness) lowered the loss on training music and raised it on other
    artists'.
    """

    below: Tensor
    above: Tensor
    flat: Tensor
    under: Tensor
    index: Tensor
    triangles: Tensor

    def __init__(self, bins: int, bands: int) -> None:
        super().__init__()
        self.bins, self.bands = bins, bands
        places = (("below", BELOW), ("above", ABOVE), ("flat", FLAT), ("under", UNDER))
        for name, octaves_away in places:
            self.register_buffer(name, torch.tensor(octaves_away), persistent=False)
        self.register_buffer("index", torch.arange(bins).float(), persistent=False)
        triangles = warped_bands(bands, 0.0, bins).T.contiguous()
        self.register_buffer("triangles", triangles, persistent=False)

    def anchor(self, bands: Tensor, cutoff_bin: Tensor) -> Tensor:
        """Mean power of the last third-octave of the given band, ``(batch, 2, frames, 1)``.

        Averaged over three frames. It ends right below the cut-off: keeping clear of slopes by the
        guard was measured to cost 0.2 dB of envelope, and the bands tell the slope. A thousandth of
        the given band with its treble emphasised is added, so that a hole that a codec left there
        is no silence.
        """
        rows = self.top(bands, cutoff_bin)[..., 0].clamp(max=1e12)
        result: Tensor = fn.avg_pool1d(rows, 3, 1, 1)[..., None]
        return result

    def top(self, bands: Tensor, cutoff_bin: Tensor) -> Tensor:
        """What the anchor is in each frame, ``(batch, channels, frames, 1)``."""
        edge = ANCHOR_END * cutoff_bin[:, None]
        below = self.index < edge
        last = below & (self.index >= edge * 2 ** (-1 / 3))
        top = last.float() @ self.triangles  # (batch, bands)
        whole = ((self.index / edge) ** 3 * below) @ self.triangles
        weight = top / top.sum(dim=1, keepdim=True) + 1e-3 * whole / edge
        return bands @ weight[:, None, :, None]

    def outline(self, bands: Tensor, cutoff_bin: Tensor) -> Tensor:
        """The long-term spectrum of a recording as seen from the cut-off.

        How it falls at the cut-off is what the filter does, which a moment shows less clearly; its
        course below tells what kind of music this is.

        Args:
            bands: ``(batch, input_bands)`` mean power over the recording; zeros if nobody knows.
            cutoff_bin: ``(batch,)``.

        Returns:
            ``(batch, OUTLINE)``; zeros but for the cut-off where ``bands`` are.
        """
        rows = bands[:, None, None]
        base = torch.log10(self.top(rows, cutoff_bin) + TINY)
        levels = (torch.log10(rows + TINY) - base).clamp(LEAST, MOST)
        cutoff = cutoff_bin[:, None]
        below = self.read(levels, ANCHOR_END * cutoff * 2**-self.under).clamp(min=DEEPEST)
        above = self.read(levels, cutoff * 2**self.above).clamp(min=DEEPEST)
        known = (bands.sum(dim=1, keepdim=True) > 0).float()
        shown = torch.cat([below - FALL * self.under, above], dim=3)[:, 0, 0]
        return torch.cat([known * shown, known, torch.log(cutoff / 300.0)], dim=1)

    def forward(self, bands: Tensor, anchor: Tensor, cutoff_bin: Tensor) -> Description:
        """Describe.

        Args:
            bands: ``(batch, 2, frames, input_bands)`` mean power of mid and side.
            anchor: ``(batch, 2, frames, 1)`` power.
            cutoff_bin: ``(batch,)``.
        """
        floor = torch.log10(anchor + TINY)
        levels = (torch.log10(bands + TINY) - floor).clamp(LEAST, MOST)
        cutoff = cutoff_bin[:, None]
        below = self.read(levels, ANCHOR_END * cutoff * 2**-self.below).clamp(min=DEEPEST)
        above = self.read(levels, cutoff * 2**self.above).clamp(min=DEEPEST)
        below = below - FALL * self.below
        counts = (floor - AUDIBLE).clamp(0, 1)
        absolute = (below + floor)[..., ::SPREAD_STRIDE]
        means = averaged(torch.cat([below, floor, absolute, absolute.square()], dim=3), counts)
        count = len(BELOW)
        mean, square = means[LONG][..., count + 1 :].chunk(2, dim=3)
        below, above, floor, levels = (inner(row) for row in (below, above, floor, levels))
        shown = [
            below,
            means[SHORT][..., :count],
            means[LONG][..., :count],
            ((square - mean.square()).clamp(min=0) + 0.01).sqrt(),  # rounding must not show
            above,
            *(floor - means[width][..., count : count + 1] for width in (SHORT, LONG)),
        ]
        return Description(torch.cat(shown, dim=3).flatten(0, 1), levels)

    def read(self, levels: Tensor, bin_: Tensor) -> Tensor:
        """Levels of bands at frequencies in bins, ``(batch, n)``, between the bands' centres."""
        weights = hats(warped_place(bin_, self.bands, self.bins), self.bands)
        return levels @ weights[:, None]

    def flatness(self, flatness: Tensor, cutoff_bin: Tensor) -> Tensor:
        """Flatness below the cut-off, now and on average over 17 and over 61 frames.

        Whether treble has lines shows in the given band over some time, hardly in a moment: means
        over a whole recording follow each other (correlation 0.8 over the dev split, 0.6 over
        validation), moments do not (0.1 to 0.3 within a recording).

        Args:
            flatness: ``(batch, 2, frames, blocks)`` from :func:`excitation.flatness`.
            cutoff_bin: ``(batch,)``.

        Returns:
            ``(batch, 2, frames - 2 * OUTER, FLATNESS)``.
        """
        place = cutoff_bin[:, None] * 2**-self.flat / BLOCK_BINS - 1
        shown = flatness @ hats(place, flatness.shape[3])[:, None]
        rows = shown.flatten(0, 1)
        means = [mean_over_frames(rows, width, OUTER) for width in (SHORT, LONG)]
        return torch.cat([inner(shown), *(mean.reshape(inner(shown).shape) for mean in means)], 3)


def inner(rows: Tensor) -> Tensor:
    """The frames that are described, of ``(batch, 2, frames, n)``."""
    return rows[:, :, OUTER : rows.shape[2] - OUTER]


def averaged(rows: Tensor, weight: Tensor) -> dict[int, Tensor]:
    """Weighted means over 17 and over 61 frames around each inner one; 0 where all weights are.

    Args:
        rows: ``(batch, 2, frames, n)``.
        weight: ``(batch, 2, frames, 1)``, 0 to 1.
    """
    batch, channels, frames, count = rows.shape
    both = torch.cat([rows * weight, weight], dim=3).reshape(batch * channels, frames, count + 1)
    means = {}
    for width in (SHORT, LONG):
        mean = mean_over_frames(both, width, OUTER)
        mean = mean.reshape(batch, channels, frames - 2 * OUTER, count + 1)
        means[width] = mean[..., :count] / (mean[..., count:] + 1e-6)
    return means
