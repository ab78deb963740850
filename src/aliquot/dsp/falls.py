"""Which low-pass, if any, makes a long-term spectrum end as it does.

A recording's long-term spectrum in dB is taken for a *natural* spectrum plus the response of the
filters it went through::

    level(f) = natural(f) + gentle(f; order, edge) + steep(f; order, edge)

Natural spectra of music fall by some 8 dB per octave and wander: they are modelled as a Gaussian
process over log-frequency whose slope varies about that mean. Under it, each pair of filters
(one gentle or none, one steep or none: a tape's slope and the edge of a later codec can both be
there) has a likelihood, and all pairs together give a probability for every possible cut-off. A
little more than its median is the estimate, its mass near there the confidence. So a natural slope
is told from a filter's by being no steeper, and bending no faster, than music's do.

A steep fall is then located exactly as the truth is defined: where the 1/12-octave spectrum lies
20 dB below the natural one continued from below the fall.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np

from aliquot.dsp.spectrum_profile import Floats, first_dead, grid, shelf_start, smoothed_db

# The natural spectrum: fitted once by maximum likelihood to the originals of the training music.
NATURAL_SLOPE_DB = -8.0
SLOPE_SPREAD_DB = 3.0
"""Spread of the slope from file to file, dB per octave."""
WANDER_DB = 6.0
"""Spread of the slope within a file, dB per octave."""
WANDER_OCTAVES = 0.5
"""Distance over which the slope forgets itself."""
NOTES_DB = ((700.0, 3.0), (2_000.0, 2.5), (5_000.0, 1.5), (10_000.0, 1.2))
"""Roughness of neighbouring 1/12-octave bands: notes below, noise above."""
LOSS_DB = 20.0
DEEP_DB = 64.0
"""Responses are followed no further down: stop bands differ there."""
TEMPER = 2.0
"""Real spectra have heavier tails than Gaussian ones; log-likelihoods are divided by this."""
QUANTILE = 0.55
"""Of the cut-off's probability: above the median, since too low an estimate does more harm."""

_GENTLE: tuple[tuple[str, int], ...] = (
    *(("butterworth", order) for order in (2, 3, 4, 6, 8)),
    ("bessel", 4),
    ("bessel", 8),
)
_STEEP: tuple[tuple[str, int], ...] = tuple(
    ("butterworth", order) for order in (8, 12, 20, 40, 150)
)
_TABLE = 96
_EDGE_LOWEST_HZ = 1_200.0
_FEWEST_POINTS = 16
_STEEP_DB_PER_OCTAVE = 48.0
"""What falls like this crosses 20 dB of loss before the natural spectrum has changed its course."""
_LEAKAGE_DB = 90.0
"""Sound so far below the strongest bin is what a Hann window lets through of it."""
_RATE_ENDS_BELOW_HZ = 19_000.0
"""A Nyquist frequency lower than this is itself a cut-off, with emptiness above it."""


@dataclass(frozen=True, slots=True)
class Fall:
    """Where a spectrum ends.

    Attributes:
        cutoff_hz: Where it lies 20 dB below its natural course; Nyquist if nowhere.
        confidence: Probability, 0-1, that this is right within max(300 Hz, 10 %).
        slope_db_per_octave: From 3 to 20 dB of loss; 0 if there is no fall.
    """

    cutoff_hz: float
    confidence: float
    slope_db_per_octave: float


@dataclass(frozen=True, slots=True)
class _Filters:
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
    return np.maximum(level[:: 960 // _TABLE], -DEEP_DB), three, twenty


def _filters(
    family: tuple[tuple[str, int], ...], freqs_hz: Floats, edges_hz: Floats, warp_rate: float
) -> _Filters:
    """All filters of a family at all edges; ``warp_rate`` 0 is analogue, else bilinear's rate."""

    def warp(freq: Floats) -> Floats:
        return np.log2(np.tan(np.pi * freq / warp_rate)) if warp_rate else np.log2(freq)

    top = warp_rate / 2 * 0.9995 if warp_rate else 16 * edges_hz[-1]
    fine = np.geomspace(500.0, top, 4_000)
    course = warp(fine)
    at, edges = warp(np.minimum(freqs_hz, top)), warp(edges_hz)
    index = np.rint((at[:, None] - edges[None]) * _TABLE).astype(int) + 4 * _TABLE
    index = np.clip(index, 0, 8 * _TABLE)
    response, loss_hz, slope = [], [], []
    for name, order in family:
        level, three, twenty = _shape(name, order)
        response.append(level[index])
        start, end = (np.interp(edges + octaves, course, fine) for octaves in (three, twenty))
        loss_hz.append(end)
        slope.append((LOSS_DB - 3) / np.log2(np.maximum(end / start, 1.001)))
    count = len(family) * edges_hz.size
    return _Filters(
        np.hstack(response), np.hstack(loss_hz), np.hstack(slope), np.full(count, -np.log(count))
    )


def _join(*parts: _Filters) -> _Filters:
    """One list with "no filter" in front; it and all filters together are equally probable."""
    points = parts[0].response.shape[0]
    share = np.log(0.5 / len(parts))
    return _Filters(
        np.hstack([np.zeros((points, 1)), *(part.response for part in parts)]),
        np.concatenate([[np.inf], *(part.loss_hz for part in parts)]),
        np.concatenate([[0.0], *(part.slope for part in parts)]),
        np.concatenate([[np.log(0.5)], *(part.log_prior + share for part in parts)]),
    )


def _candidates(freqs_hz: Floats, sample_rate: int) -> tuple[_Filters, _Filters]:
    nyquist = sample_rate / 2
    octaves = np.log2(nyquist / _EDGE_LOWEST_HZ)
    coarse = _EDGE_LOWEST_HZ * 2 ** (np.arange(int(24 * octaves)) / 24)
    close = _EDGE_LOWEST_HZ * 2 ** (np.arange(int(_TABLE * (octaves + 0.08))) / _TABLE)
    gentle = _join(
        _filters(_GENTLE, freqs_hz, coarse, 0.0), _filters(_GENTLE, freqs_hz, coarse, sample_rate)
    )
    return gentle, _join(_filters(_STEEP, freqs_hz, close, 0.0))


def _wander(a: Floats, b: Floats) -> Floats:
    """Covariance of a natural spectrum at octaves ``a`` and ``b``, level free, slope wandering."""
    x, y = a[:, None] / WANDER_OCTAVES, b[None] / WANDER_OCTAVES
    path = 2 * np.minimum(x, y) + np.exp(-x) + np.exp(-y) - 1 - np.exp(-np.abs(x - y))
    scale = (WANDER_DB * WANDER_OCTAVES) ** 2
    return np.asarray(scale * path + 400.0 + SLOPE_SPREAD_DB**2 * np.outer(a, b))


def _covariance(freqs_hz: Floats) -> Floats:
    """:func:`_wander` plus what neighbouring bands share in their overlapping windows."""
    octaves = np.log2(freqs_hz / freqs_hz[0])
    knots, spread = np.array(NOTES_DB).T
    notes = np.interp(np.log2(freqs_hz), np.log2(knots), spread)
    overlap = np.maximum(0.0, 1 - 12 * np.abs(octaves[:, None] - octaves[None]))
    uneven = 0.3 * np.eye(freqs_hz.size)
    return np.asarray(_wander(octaves, octaves) + np.outer(notes, notes) * overlap + uneven)


def locate_fall(power: Floats, sample_rate: int, full_scale: float) -> Fall:
    """Find where a long-term spectrum ends.

    Args:
        power: ``(bins,)`` long-term power of an even-sized real FFT.
        sample_rate: In Hz.
        full_scale: Power per bin that white noise of 0 dBFS rms has.

    Returns:
        The fall. For silence, and for sound with nothing above 700 Hz, the confidence is 0.
    """
    nyquist = sample_rate / 2
    freqs = grid(sample_rate)
    if not np.any(power[1:] > 0):
        return Fall(nyquist, 0.0, 0.0)
    levels = smoothed_db(power, sample_rate, freqs)
    if levels.max() < 10 * np.log10(power.max()) - _LEAKAGE_DB:
        return Fall(float(freqs[0]), 0.0, 0.0)
    inside = int(np.searchsorted(freqs, nyquist * 0.985))
    shelf = shelf_start(levels[:inside], 10 * float(np.log10(full_scale)))
    # The last points before Nyquist show a converter's filter if the rate is what ends the sound.
    count = inside if nyquist >= _RATE_ENDS_BELOW_HZ else freqs.size
    if shelf < inside:
        floor = 10 ** (float(np.median(levels[shelf:inside])) / 10)
        power = np.maximum(power - floor, 0.0)
        levels = smoothed_db(power, sample_rate, freqs)
        count = shelf + 1
    count = min(count, first_dead(levels) + 1)
    if count < _FEWEST_POINTS:
        return Fall(float(min(freqs[count - 1], nyquist)), 0.0, 0.0)
    return _weigh(_Profile(power, sample_rate, freqs[:count], levels[:count]))


@dataclass(frozen=True, slots=True)
class _Profile:
    power: Floats
    sample_rate: int
    freqs_hz: Floats
    levels_db: Floats

    @property
    def octaves(self) -> Floats:
        """Octaves above the first point."""
        return np.asarray(np.log2(self.freqs_hz / self.freqs_hz[0]))

    @property
    def deviation(self) -> Floats:
        """Levels less the mean natural slope, zero on average."""
        line = NATURAL_SLOPE_DB * self.octaves
        return np.asarray(self.levels_db - line - (self.levels_db - line).mean())


def _weigh(profile: _Profile) -> Fall:
    """Posterior over all pairs of filters, reduced to one over the cut-off."""
    nyquist = profile.sample_rate / 2
    gentle, steep = _candidates(profile.freqs_hz, profile.sample_rate)
    whiten = np.linalg.inv(np.linalg.cholesky(_covariance(profile.freqs_hz)))
    seen = whiten @ profile.deviation
    first, second = whiten @ gentle.response, whiten @ steep.response
    log_p = -(first.T @ second) / TEMPER
    log_p -= (((first**2).sum(0) - 2 * seen @ first) / (2 * TEMPER) - gentle.log_prior)[:, None]
    log_p -= ((seen[:, None] - second) ** 2).sum(0) / (2 * TEMPER) - steep.log_prior
    best = np.unravel_index(int(log_p.argmax()), log_p.shape)
    chance = np.exp(log_p - log_p.max())
    cutoff = np.minimum(np.minimum(gentle.loss_hz[:, None], steep.loss_hz), nyquist)
    place = np.rint(np.log2(np.maximum(cutoff / _EDGE_LOWEST_HZ, 1)) * _TABLE).astype(int)
    mass = np.bincount(place.ravel(), chance.ravel() / chance.sum())
    places_hz = np.minimum(_EDGE_LOWEST_HZ * 2 ** (np.arange(mass.size) / _TABLE), nyquist)
    middle = float(places_hz[np.searchsorted(np.cumsum(mass), QUANTILE)])
    near = np.abs(places_hz - middle) <= max(300.0, 0.1 * middle)
    i, j = int(best[0]), int(best[1])
    steeper = steep.loss_hz[j] <= gentle.loss_hz[i]
    slope = float(steep.slope[j] if steeper else gentle.slope[i])
    if slope >= _STEEP_DB_PER_OCTAVE:
        middle = _crossing(profile, gentle.response[:, i] + steep.response[:, j], middle)
    return Fall(min(middle, nyquist), float(min(1.0, mass[near].sum())), slope)


def _crossing(profile: _Profile, response: Floats, near_hz: float) -> float:
    """Where the spectrum leaves its natural course, known from below the fall, by 20 dB."""
    nyquist = profile.sample_rate / 2
    known = response > -8.0
    if known.sum() < _FEWEST_POINTS // 2:
        return near_hz
    fine = near_hz * np.arange(0.85, 1.15, 0.002)
    fine = fine[fine < (nyquist * 0.985 if nyquist >= _RATE_ENDS_BELOW_HZ else nyquist * 1.03)]
    octaves = profile.octaves
    there = np.log2(fine / profile.freqs_hz[0])
    covariance = _covariance(profile.freqs_hz)[np.ix_(known, known)]
    natural = _wander(there, octaves[known]) @ np.linalg.solve(
        covariance, (profile.deviation - response)[known]
    )
    offset = profile.levels_db - profile.deviation
    natural += np.interp(there, octaves[[0, -1]], offset[[0, -1]])
    natural += NATURAL_SLOPE_DB * np.maximum(there - octaves[-1], 0)
    kept = np.flatnonzero(
        smoothed_db(profile.power, profile.sample_rate, fine) >= natural - LOSS_DB
    )
    after = int(kept[-1]) + 1 if kept.size else 0
    return float(fine[after]) if after < fine.size else near_hz
