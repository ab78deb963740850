"""How far apart the given band repeats itself: by that distance copies keep partials in step.

Partials of a tone lie at multiples of one frequency, those above the cut-off too. Copied by another
distance than a multiple of it they land between their places; copied by one they are where they
belong. The distance is the lag at which the spectrum resembles itself most: the largest value of
the autocorrelation of the log power, less its course, near half the width of the given band.
"""

import math

import torch
from torch import Tensor

from aliquot.models.excitation import BLOCK_BINS, TINY, near_blocks
from aliquot.models.layers import mean_over_frames

SEEN = 512
"""Topmost bins of the given band that are looked at, less their lowest eighth."""
POOLED = 9
"""Frames (0.1 s) over which the log power is averaged."""
STEADY = 33
"""Frames (0.4 s) over which the autocorrelation is averaged to read a lag between bins: an error
grows with every copy, and lines would waver."""
BEYOND = POOLED // 2 + STEADY // 2
"""Frames on each side that a distance depends on."""
QUEFRENCIES = 341
"""Of the log spectrum, those that are kept: lines closer than three bins are none."""
NEAREST, FARTHEST = 0.3, 0.62
"""Lags looked at, over the width of what is seen."""
LEAST = 0.3
"""Correlation from which on a band is a comb: noise has up to so much by chance."""
LOWEST, HIGHEST = -0.5, 2.5
"""Log10 power over its course beyond which nothing counts."""
_FIRST_LAG, _LAST_LAG = 16, 320


def distance(power: Tensor, edge: Tensor) -> tuple[Tensor, Tensor]:
    """The distance in bins by which the top of the given band is best copied upward.

    Args:
        power: ``(batch, 2, frames + 2 * BEYOND, bins)`` of mid and side.
        edge: ``(batch,)``; where the given band ends, in bins.

    Returns:
        Two ``(batch, frames, 1)``: the distance, half of the given band in multiples of four
        bins where it is no comb, and how much of a comb it is: a correlation, 0 to 1.
    """
    top = edge.floor()[:, None]  # (batch, 1)
    lines, inside = relief(power, top)
    found, strength = peak(autocorrelation(lines), top, inside.sum(dim=1, keepdim=True))
    usual = 4 * torch.floor(top / 8)[:, None]
    return torch.where(strength > LEAST, found, usual.expand_as(found)), strength


def relief(power: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
    """Log10 power below ``top`` less its course, averaged over time, with zero mean.

    Args:
        power: ``(batch, 2, frames, bins)`` of mid and side.
        top: ``(batch, 1)`` in bins.

    Returns:
        ``(batch, frames - POOLED + 1, SEEN)``, 0 outside; and 1 inside, ``(batch, SEEN)``.
    """
    place = torch.arange(SEEN, device=power.device)
    bin_ = top - SEEN + place
    inside = (bin_ >= (top / 8).floor()).to(power.dtype)
    source = bin_.clamp(min=0).long()
    if source.shape[0] == 1:
        rows = power.index_select(3, source[0])
    else:
        rows = power.gather(3, source[:, None, None].expand(-1, 2, power.shape[2], -1))
    logs = torch.log10(rows[:, 0] + rows[:, 1] + TINY)
    blocks = logs.reshape(*logs.shape[:2], SEEN // BLOCK_BINS, BLOCK_BINS).mean(dim=3)
    middles = inside[:, BLOCK_BINS // 2 :: BLOCK_BINS]
    course = blocks @ near_blocks(place, middles)
    inside = inside[:, None]
    lines = mean_over_frames((logs - course).clamp(LOWEST, HIGHEST), POOLED, POOLED // 2)
    mean = (lines * inside).sum(dim=2, keepdim=True) / inside.sum(dim=2, keepdim=True)
    return (lines - mean) * inside, inside[:, 0]


def autocorrelation(lines: Tensor) -> Tensor:
    """Sums of products at lag 0 and at ``_FIRST_LAG`` to ``_LAST_LAG``, in the last dimension.

    By way of the power of a transform twice as long (Wiener and Khinchin), as products with
    matrices, which a graph does fastest. Their cosines are whole numbers: 1/127 is near enough for
    a maximum, and a file holds them as bytes.
    """
    turn = math.pi / SEEN
    place = torch.arange(SEEN, device=lines.device, dtype=lines.dtype)
    quefrency = torch.arange(QUEFRENCIES, device=lines.device, dtype=lines.dtype)
    lag = torch.arange(_FIRST_LAG - 1, _LAST_LAG + 1, device=lines.device, dtype=lines.dtype)
    lag = lag * (lag >= _FIRST_LAG)  # the first stands for 0
    angle = turn * place[:, None] * quefrency
    waves = torch.round(127 * torch.cat([torch.cos(angle), torch.sin(angle)], dim=1))
    cosines = torch.round(127 * torch.cos(turn * quefrency[:, None] * lag))
    parts = (lines @ waves).square()
    return (parts[..., :QUEFRENCIES] + parts[..., QUEFRENCIES:]) @ cosines


def peak(sums: Tensor, top: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """The lag of the largest correlation, between bins, and that correlation.

    Args:
        sums: From :func:`autocorrelation`, of ``frames + STEADY - 1`` frames.
        top: ``(batch, 1)`` in bins.
        count: ``(batch, 1)``; bins looked at.

    Returns:
        Two ``(batch, frames, 1)``: lags in bins, and correlations up to 1.
    """
    lag = torch.arange(_FIRST_LAG, _LAST_LAG + 1, device=sums.device)
    width = top.clamp(max=SEEN)
    allowed = (lag >= NEAREST * width) & (lag <= FARTHEST * width)
    fair = count / (count - lag).clamp(min=8)  # fewer products at longer lags
    # Rounding errors of silence, whose logarithms are all alike, are no comb.
    alike = sums[..., 1:] * fair[:, None] / (sums[..., :1] + 1e3)
    steady = mean_over_frames(alike, STEADY, STEADY // 2)
    alike = alike[:, STEADY // 2 : alike.shape[1] - STEADY // 2]
    last = lag.shape[0] - 2
    best = (alike - 4 * (~allowed)[:, None].to(alike.dtype)).argmax(dim=2, keepdim=True)
    best = best.clamp(1, last)
    before, at, after = (steady.gather(2, best + step) for step in (-1, 0, 1))
    bent = (before - 2 * at + after).clamp(max=-1e-6)  # a parabola through three values
    between = (0.5 * (before - after) / bent).clamp(-1, 1)
    strength = alike.gather(2, best).clamp(0, 1)
    return best.to(alike.dtype) + _FIRST_LAG + between, strength
