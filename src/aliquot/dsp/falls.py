"""Which low-pass, if any, makes a long-term spectrum end as it does.

A recording's long-term spectrum in dB is taken for a *natural* spectrum plus the response of the
filters it went through::

    level(f) = natural(f) + gentle(f; order, edge) + steep(f; order, edge)

Natural spectra of music fall by some 8 dB per octave and wander: they are modelled as a Gaussian
process over log-frequency whose slope varies about that mean. Under it, no filter, each gentle one,
each steep one and each pair of both (a tape's slope and the edge of a later codec, which is rare)
has a likelihood, and all together give a probability for every possible cut-off. A little more
than its median is the estimate, its mass near there the confidence. So a natural slope is told
from a filter's by being no steeper, and bending no faster, than music's do.

A steep fall is then located exactly as the truth is defined: where the 1/12-octave spectrum lies
20 dB below the natural one continued from below the fall.
"""

from dataclasses import dataclass

import numpy as np

from aliquot.dsp.candidates import (
    EDGE_LOWEST_HZ,
    LOSS_DB,
    PAIRED_GENTLE,
    PAIRED_STEEP,
    TABLE,
    candidates,
    explanation,
)
from aliquot.dsp.spectrum_profile import Floats, first_dead, grid, shelf_start, smoothed_db

# The natural spectrum: fitted once to the originals of the training music, mean and roughness by
# maximum likelihood, the wander by how often filters laid over them are found.
NATURAL_SLOPE_DB = -8.0
SLOPE_SPREAD_DB = 3.0
"""Spread of the slope from file to file, dB per octave."""
WANDER_DB = 4.5
"""Spread of the slope within a file, dB per octave."""
WANDER_OCTAVES = 1.0
"""Distance over which the slope forgets itself."""
NOTES_DB = ((700.0, 3.0), (2_000.0, 2.5), (5_000.0, 1.5), (10_000.0, 1.2))
"""Roughness of neighbouring 1/12-octave bands: notes below, noise above."""
TEMPER = 2.0
"""Real spectra have heavier tails than Gaussian ones; log-likelihoods are divided by this."""
QUANTILE = 0.60
"""Of the cut-off's probability: above the median, since too low an estimate does more harm."""

BOTH = 0.05
"""Probability of a gentle and a steep filter together, against that of either alone: were it no
less, a steep edge would leave every slope below it open to being taken for a second filter."""
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
    """Posterior over filters and pairs of them, reduced to one over the cut-off."""
    nyquist = profile.sample_rate / 2
    gentle, steep = candidates(profile.freqs_hz, profile.sample_rate)
    whiten = np.linalg.inv(np.linalg.cholesky(_covariance(profile.freqs_hz)))
    seen = whiten @ profile.deviation
    first, second = whiten @ gentle.response, whiten @ steep.response
    # Log-posteriors against that of no filter at all.
    slow = (seen @ first - (first**2).sum(0) / 2) / TEMPER + gentle.log_prior
    fast = (seen @ second - (second**2).sum(0) / 2) / TEMPER + steep.log_prior
    i, j = np.arange(slow.size)[PAIRED_GENTLE], np.arange(fast.size)[PAIRED_STEEP]
    both = slow[i][:, None] + fast[j] - first[:, i].T @ second[:, j] / TEMPER
    both += np.log(BOTH * slow.size / i.size * fast.size / j.size)
    log_p = np.concatenate([[0.0], slow, fast, both.ravel()])
    ends = np.minimum(gentle.loss_hz[i][:, None], steep.loss_hz[j]).ravel()
    ends = np.minimum(np.concatenate([[nyquist], gentle.loss_hz, steep.loss_hz, ends]), nyquist)
    chance = np.exp(log_p - log_p.max())
    place = np.rint(np.log2(np.maximum(ends / EDGE_LOWEST_HZ, 1)) * TABLE).astype(int)
    mass = np.bincount(place, chance / chance.sum())
    places_hz = np.minimum(EDGE_LOWEST_HZ * 2 ** (np.arange(mass.size) / TABLE), nyquist)
    middle = float(places_hz[np.searchsorted(np.cumsum(mass), QUANTILE)])
    within = max(300.0, 0.1 * middle)
    sure = float(min(1.0, mass[np.abs(places_hz - middle) <= within].sum()))
    # The filter that explains this end, even if another one with another end is the likeliest.
    best = int(np.argmax(np.where(np.abs(ends - middle) <= within, log_p, -np.inf)))
    response, slope = explanation(best, gentle, steep)
    if slope >= _STEEP_DB_PER_OCTAVE:
        middle = _crossing(profile, response, middle)
    return Fall(min(middle, nyquist), sure, slope)


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
