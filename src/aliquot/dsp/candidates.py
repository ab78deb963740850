"""The low-pass filters by which a spectrum may end: gentle ones, steep ones, and pairs of both.

Gentle filters are analogue (tapes, radios) or digital at the file's own rate (bilinear); steep ones
stand for resamplers and codecs alike. Each is a response smoothed as the spectrum is.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np

from aliquot.dsp.spectrum_profile import Floats

LOSS_DB = 20.0
"""A spectrum has ended where it has lost this much."""
DEEP_DB = 64.0
"""Responses are followed no further down: stop bands differ there."""
_GENTLE: tuple[tuple[str, int], ...] = (
    *(("butterworth", order) for order in (2, 3, 4, 6, 8)),
    ("bessel", 4),
    ("bessel", 8),
)
_STEEP: tuple[tuple[str, int], ...] = tuple(
    ("butterworth", order) for order in (8, 12, 20, 40, 150)
)

TABLE = 96
"""Steps per octave in which filters are tabulated."""
EDGE_LOWEST_HZ = 1_200.0
"""No filter is tried below."""
PAIRED_GENTLE, PAIRED_STEEP = slice(None, None, 2), slice(None, None, 4)
"""Pairs are tried in coarser steps: there are many, and where they end the steep edge shows."""
_TOGETHER = 1.1
"""A slope and an edge that end so close are one fall: AAC rolls off before its edge."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Responses ``(points, filters)`` in dB, the loss points and slopes ``(filters,)``."""

    response: Floats
    loss_hz: Floats
    slope: Floats
    log_prior: Floats


def _power_response(family: str, order: int, octaves: Floats) -> Floats:
    """Power gain at ``octaves`` above the -3 dB point."""
    ratio = 2.0 ** np.clip(octaves, -5.0, min(5.0, 30 / order))
    if family == "butterworth":
        return np.asarray(1 / (1 + ratio ** (2 * order)))
    terms = [
        factorial(2 * order - k) / (2.0 ** (order - k) * factorial(k) * factorial(order - k))
        for k in range(order + 1)
    ]

    def gain(angular: Floats) -> Floats:
        value = np.polynomial.polynomial.polyval(1j * angular, terms)
        return np.asarray(terms[0] ** 2 / np.abs(value) ** 2)

    scan = np.geomspace(0.01, 30.0, 20_000)
    return gain(ratio * float(np.interp(-0.5, -gain(scan), scan)))


@lru_cache(maxsize=32)
def _shape(family: str, order: int) -> tuple[Floats, float, float]:
    """A response smoothed over 1/12 octave, and the octaves at which 3 and 20 dB are lost."""
    fine = np.arange(-4 * 960 - 40, 4 * 960 + 41) / 960
    weight = 2.0**fine
    power = np.cumsum(_power_response(family, order, fine) * weight)
    weight = np.cumsum(weight)
    smooth = (power[80:] - power[:-80]) / (weight[80:] - weight[:-80])
    level = 10 * np.log10(np.maximum(smooth, 1e-20))
    octaves = fine[40:-40]
    three, twenty = (float(octaves[np.argmax(level < -loss)]) for loss in (3.0, LOSS_DB))
    return np.maximum(level[:: 960 // TABLE], -DEEP_DB), three, twenty


def _family(
    family: tuple[tuple[str, int], ...], freqs_hz: Floats, edges_hz: Floats, warp_rate: float
) -> Filters:
    """All filters of one list at all edges; ``warp_rate`` 0 is analogue, else bilinear's rate."""

    def warp(freq: Floats) -> Floats:
        return np.log2(np.tan(np.pi * freq / warp_rate)) if warp_rate else np.log2(freq)

    top = warp_rate / 2 * 0.9995 if warp_rate else 16 * edges_hz[-1]
    fine = np.geomspace(500.0, top, 4_000)
    course = warp(fine)
    at, edges = warp(np.minimum(freqs_hz, top)), warp(edges_hz)
    index = np.rint((at[:, None] - edges[None]) * TABLE).astype(int) + 4 * TABLE
    index = np.clip(index, 0, 8 * TABLE)
    response, loss_hz, slope = [], [], []
    for name, order in family:
        level, three, twenty = _shape(name, order)
        response.append(level[index])
        start, end = (np.interp(edges + octaves, course, fine) for octaves in (three, twenty))
        loss_hz.append(end)
        slope.append((LOSS_DB - 3) / np.log2(np.maximum(end / start, 1.001)))
    count = len(family) * edges_hz.size
    return Filters(
        np.hstack(response), np.hstack(loss_hz), np.hstack(slope), np.full(count, -np.log(count))
    )


def _join(*parts: Filters) -> Filters:
    """One list of all, each part as probable as the others."""
    share = np.log(1 / len(parts))
    return Filters(
        np.hstack([part.response for part in parts]),
        np.concatenate([part.loss_hz for part in parts]),
        np.concatenate([part.slope for part in parts]),
        np.concatenate([part.log_prior + share for part in parts]),
    )


def candidates(freqs_hz: Floats, sample_rate: int) -> tuple[Filters, Filters]:
    """All gentle and all steep filters at the points of a profile; steep edges lie closer.

    Args:
        freqs_hz: ``(points,)``.
        sample_rate: In Hz.

    Returns:
        The gentle and the steep ones, each with a log prior of its own that sums to 1.
    """
    nyquist = sample_rate / 2
    octaves = np.log2(nyquist / EDGE_LOWEST_HZ)
    coarse = EDGE_LOWEST_HZ * 2 ** (np.arange(int(24 * octaves)) / 24)
    close = EDGE_LOWEST_HZ * 2 ** (np.arange(int(TABLE * (octaves + 0.08))) / TABLE)
    gentle = _join(
        _family(_GENTLE, freqs_hz, coarse, 0.0), _family(_GENTLE, freqs_hz, coarse, sample_rate)
    )
    return gentle, _family(_STEEP, freqs_hz, close, 0.0)


def explanation(index: int, gentle: Filters, steep: Filters) -> tuple[Floats, float]:
    """Undo the numbering of hypotheses: none, the gentle, the steep ones, then the pairs.

    Args:
        index: Of the hypothesis.
        gentle: As from :func:`candidates`.
        steep: Likewise.

    Returns:
        ``(points,)`` response in dB and the slope where 20 dB are lost, dB per octave.
    """
    if index == 0:
        return np.zeros(gentle.response.shape[0]), 0.0
    index -= 1
    if index < gentle.slope.size:
        return gentle.response[:, index], float(gentle.slope[index])
    index -= gentle.slope.size
    if index < steep.slope.size:
        return steep.response[:, index], float(steep.slope[index])
    row, column = divmod(index - steep.slope.size, steep.slope[PAIRED_STEEP].size)
    i, j = row * PAIRED_GENTLE.step, column * PAIRED_STEEP.step
    ends = gentle.loss_hz[i], steep.loss_hz[j]
    if max(ends) <= _TOGETHER * min(ends):
        return steep.response[:, j], float(steep.slope[j])
    slope = steep.slope[j] if ends[1] < ends[0] else gentle.slope[i]
    return gentle.response[:, i] + steep.response[:, j], float(slope)
