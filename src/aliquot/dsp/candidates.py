"""The low-pass filters by which a spectrum may fall off gradually: devices' and textbooks'.

Analogue ones (tapes, radios) and digital ones at the file's own rate (bilinear), each a response
smoothed as the spectrum is. Cliffs, as of resamplers and codecs, need no candidates: they are seen.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np

from aliquot.dsp.natural import covariance
from aliquot.dsp.spectrum_profile import Floats, grid

LOSS_DB = 20.0
"""A spectrum has ended where it has lost this much."""
FAMILIES: tuple[tuple[str, int], ...] = (
    *(("butterworth", order) for order in (2, 3, 4, 5, 6, 8, 10, 12)),
    *(("bessel", order) for order in (3, 4, 6, 8)),
    ("cascade", 4),
    ("chebyshev", 6),
    ("chebyshev", 8),
)

TABLE = 96
"""Steps per octave in which responses are tabulated."""
EDGES = 24
"""Filters per octave of cut-offs."""
EDGE_LOWEST_HZ = 1_000.0
"""No filter with a -3 dB point below this is tried."""
ANALOGUE = 0.2
"""Share of the analogue ones."""
_RIPPLE = 10**0.005 - 1
"""Of Chebyshev filters: 0.05 dB."""
_BELOW, _ABOVE = 4, 9
"""Octaves about the -3 dB point over which responses are tabulated; the bilinear transform
stretches the last octave before Nyquist to many."""
_LOWEST_POWER = 1e-20


@dataclass(frozen=True, slots=True)
class Filters:
    """What a profile is held against.

    Attributes:
        response: ``(points, filters)`` in dB, at all points of the grid.
        loss_hz: ``(filters,)``, where 20 dB are lost.
        slope: ``(filters,)``, from 3 to 20 dB of loss, dB per octave.
        log_prior: ``(filters,)``, sums to 1.
        whitener: ``(points, points)``, lower triangular: makes natural deviations white. Its upper
            left part whitens the first points of a profile.
        whitened: ``(points, filters)``, the responses so whitened.
        energy: ``(points, filters)``, sums of their squares up to each point.
    """

    response: Floats
    loss_hz: Floats
    slope: Floats
    log_prior: Floats
    whitener: Floats
    whitened: Floats
    energy: Floats


def _power_response(family: str, order: int, octaves: Floats) -> Floats:
    """Power gain at ``octaves`` above the -3 dB point, or above a Chebyshev filter's edge."""
    ratio = 2.0 ** np.clip(octaves, -5.0, 30 / order)
    if family == "butterworth":
        return np.asarray(1 / (1 + ratio ** (2 * order)))
    if family == "cascade":
        return np.asarray((1 + (2 ** (1 / order) - 1) * ratio**2) ** -float(order))
    if family == "chebyshev":
        inside = np.cos(order * np.arccos(np.minimum(ratio, 1.0)))
        outside = np.cosh(order * np.arccosh(np.maximum(ratio, 1.0)))
        return np.asarray(1 / (1 + _RIPPLE * np.where(ratio < 1, inside, outside) ** 2))
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
    fine = np.arange(-_BELOW * 960 - 40, _ABOVE * 960 + 41) / 960
    gain = _power_response(family, order, fine)
    weight = 2.0**fine
    power = np.cumsum(gain * weight)
    weight = np.cumsum(weight)
    smooth = (power[80:] - power[:-80]) / (weight[80:] - weight[:-80])
    # Far down, the difference of two sums drowns in rounding; the gain itself is straight there.
    smooth = np.where(gain[40:-40] < 1e-8, gain[40:-40], smooth)
    level = 10 * np.log10(np.maximum(smooth, _LOWEST_POWER))
    octaves = fine[40:-40]
    three, twenty = (float(octaves[np.argmax(level < -loss)]) for loss in (3.0, LOSS_DB))
    return level[:: 960 // TABLE], three, twenty


def _family(
    freqs_hz: Floats, edges_hz: Floats, warp_rate: float
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Responses, losses, slopes; ``warp_rate`` 0 is analogue, else bilinear's rate."""

    def warp(freq: Floats) -> Floats:
        return np.log2(np.tan(np.pi * freq / warp_rate)) if warp_rate else np.log2(freq)

    top = warp_rate / 2 * 0.9995 if warp_rate else 16 * edges_hz[-1]
    fine = np.geomspace(500.0, top, 4_000)
    course = warp(fine)
    at, edges = warp(np.minimum(freqs_hz, top)), warp(edges_hz)
    index = np.rint((at[:, None] - edges[None] + _BELOW) * TABLE).astype(int)
    index = np.clip(index, 0, (_BELOW + _ABOVE) * TABLE)
    responses, losses, slopes = [], [], []
    for name, order in FAMILIES:
        level, three, twenty = _shape(name, order)
        responses.append(level[index])
        start, end = (np.interp(edges + octaves, course, fine) for octaves in (three, twenty))
        losses.append(end)
        slopes.append((LOSS_DB - 3) / np.log2(np.maximum(end / start, 1.001)))
    return responses, losses, slopes


@lru_cache(maxsize=4)
def filters(sample_rate: int) -> Filters:
    """All filters at the points of a profile, whitened by what is natural.

    Args:
        sample_rate: In Hz.

    Returns:
        Every family, analogue and bilinear, all equally likely.
    """
    freqs = grid(sample_rate)
    octaves = np.log2(0.95 * sample_rate / 2 / EDGE_LOWEST_HZ)
    edges = EDGE_LOWEST_HZ * 2 ** (np.arange(max(1, int(EDGES * octaves))) / EDGES)
    both = [_family(freqs, edges, 0.0), _family(freqs, edges, sample_rate)]
    response, loss_hz, slope = (
        np.concatenate([part for kind in both for part in kind[number]], axis=-1)
        for number in range(3)
    )
    share = np.repeat([ANALOGUE, 1 - ANALOGUE], loss_hz.size // 2)
    log_prior = np.log(share / (loss_hz.size // 2))
    whitener = np.linalg.inv(np.linalg.cholesky(covariance(freqs)))
    whitened = whitener @ response
    return Filters(
        response, loss_hz, slope, log_prior, whitener, whitened, np.cumsum(whitened**2, axis=0)
    )
