"""Which low-pass, if any, makes a long-term spectrum end as it does.

A recording's long-term spectrum in dB is taken for a *natural* spectrum plus the response of a
filter it went through, up to where a cliff ends all content or a noise floor covers it::

    level(f) = natural(f) + filter(f; family, order, edge)

Under what is natural for music (:mod:`aliquot.dsp.natural`) every filter, and none, has a
likelihood, and all together give a probability for every possible cut-off: the filter's, or the
cliff's where that comes first. A little more than its median is the estimate, its mass near there
the confidence. So a natural slope is told from a filter's by falling and bending no faster than
music's do.

What ends steeply is then located exactly as the truth is defined: where the 1/12-octave spectrum
lies 20 dB below the natural one continued from below the fall.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot.dsp import natural
from aliquot.dsp.candidates import EDGE_LOWEST_HZ, LOSS_DB, TABLE, filters
from aliquot.dsp.spectrum_profile import (
    STEPS,
    Floats,
    cliff_start,
    grid,
    shelf_start,
    smoothed_db,
)

FILTERED = 0.05
"""Probability that a gentle filter was there at all, before anything is heard."""
FILTERED_TWICE = 1e-5
"""The same where a cliff has been seen that no everyday codec or converter makes: that cliff is
the end, and what falls below it was most likely dark by nature, as strings are."""
EVERYDAY_EDGE_HZ = 15_000.0
"""Codecs and converters end here or higher, or at the file's own Nyquist frequency."""
QUANTILE = 0.60
"""Of the cut-off's probability: what lies there is the end, or says that there is a slope. Above
the median, since a slope that is the music's own must not be taken for a filter's."""
SLOPE_QUANTILE = 0.40
"""Of the probability of slopes alone, if there is one. Below the median: where a reading is a sixth
too high nothing is put into a gap, which costs three times what a sixth too low does."""

_FEWEST_POINTS = 16
_STEEP_DB_PER_OCTAVE = 48.0
"""What falls like this crosses 20 dB of loss before the natural spectrum has changed its course."""
_CLIFF_DB_PER_OCTAVE = 150.0
"""How steep a cliff is said to be: at least this."""
_LEAKAGE_DB = 90.0
"""Sound so far below the strongest bin is what a Hann window lets through of it."""
_RANGE_DB = 125.0
"""A slope is followed this far down from the strongest band; below lies rounding."""
_COVERED = 0.25
"""Confidence that a recording is whole of which noise covers all but the bass."""
_SHOULDER = STEPS // 6
"""So many points before a cliff may already belong to it."""
_CLEAR_DB = 6.0
"""A point counts if it lies this far above what covers it."""
_DEEP_DB = 60.0
"""So far down the lowest point may be a floor that a slope meets too near to Nyquist for a shelf to
show: what lies just above it is not listened to, or it would be music that turns level."""
_RATE_ENDS_BELOW_HZ = 19_000.0
"""A Nyquist frequency lower than this is itself a cut-off, with emptiness above it."""
_CONVERTED = 0.98
"""Share of such a Nyquist frequency over which no converter leaves anything: soxr's best is 20 dB
down there, SciPy's ``decimate`` at 0.9."""


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
class _Profile:
    """What is heard of a spectrum: ``levels_db`` up to a cliff or a floor."""

    power: Floats
    sample_rate: int
    freqs_hz: Floats
    levels_db: Floats
    ends: bool
    """Whether a cliff follows, rather than noise or the Nyquist frequency."""

    @property
    def deviation(self) -> Floats:
        """Levels less the mean natural course, zero on average."""
        return np.asarray(self.levels_db - natural.mean_db(self.freqs_hz) - self.offset_db)

    @property
    def offset_db(self) -> float:
        return float((self.levels_db - natural.mean_db(self.freqs_hz)).mean())


def locate_fall(power: Floats, sample_rate: int) -> Fall:
    """Find where a long-term spectrum ends.

    Args:
        power: ``(bins,)`` long-term power of an even-sized real FFT.
        sample_rate: In Hz.

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
    profile = _heard(power, sample_rate)
    count = profile.freqs_hz.size
    if count < _FEWEST_POINTS and not profile.ends and nyquist >= _RATE_ENDS_BELOW_HZ:
        return Fall(nyquist, _COVERED, 0.0)
    if count < _FEWEST_POINTS:
        return Fall(float(min(freqs[count], nyquist)), 0.0, 0.0)
    return _weigh(profile)


def _heard(power: Floats, sample_rate: int) -> _Profile:
    """The part of a spectrum that is neither floor nor emptiness."""
    nyquist = sample_rate / 2
    freqs = grid(sample_rate)
    levels = smoothed_db(power, sample_rate, freqs, _RANGE_DB)
    inside = int(np.searchsorted(freqs, nyquist * 0.985))
    shelf = shelf_start(levels[:inside])
    # The last points before Nyquist show a converter's filter if the rate is what ends the sound.
    count = inside if nyquist >= _RATE_ENDS_BELOW_HZ else freqs.size
    floor_db = float(levels.max()) - _RANGE_DB
    if shelf < inside:
        floor_db = float(np.median(levels[shelf:inside]))
        power = np.maximum(power - 10 ** (floor_db / 10), 0.0)
        levels = smoothed_db(power, sample_rate, freqs, _RANGE_DB)
        count = shelf + 1
    elif levels.max() - levels[:inside].min() > _DEEP_DB:
        floor_db = float(levels[:inside].min())
    cliff = cliff_start(levels[:count])
    clear = np.flatnonzero(levels[:cliff] >= floor_db + _CLEAR_DB)
    end = int(clear[-1]) + 1 if clear.size else 0
    # Gaps between notes that the floor fills are no deeper than it, for all one knows.
    heard = np.maximum(levels[:end], floor_db)
    return _Profile(power, sample_rate, freqs[:end], heard, cliff < count and end == cliff)


def _weigh(profile: _Profile) -> Fall:
    """Posterior over filters, reduced to one over the cut-off."""
    nyquist = profile.sample_rate / 2
    count = profile.levels_db.size
    tried = filters(profile.sample_rate)
    edge = nyquist
    if profile.ends or nyquist < _RATE_ENDS_BELOW_HZ:
        before = np.arange(count) < count - _SHOULDER
        edge = _crossing(
            profile, before, np.zeros(count), float(min(profile.freqs_hz[-1], nyquist))
        )
    if nyquist < _RATE_ENDS_BELOW_HZ:
        edge = min(edge, _CONVERTED * nyquist)
    seen = tried.whitener[:count, :count] @ profile.deviation
    log_p = seen @ tried.whitened[:count] - tried.energy[count - 1] / 2
    everyday = edge >= min(EVERYDAY_EDGE_HZ, 0.9 * nyquist)
    filtered = FILTERED if everyday else FILTERED_TWICE
    log_p += np.log(filtered) + tried.log_prior
    log_p = np.concatenate([[np.log(1 - filtered)], log_p])
    ends = np.minimum(np.concatenate([[edge], tried.loss_hz]), edge)
    chance = np.exp(log_p - log_p.max())
    place = np.rint(np.log2(np.maximum(ends / EDGE_LOWEST_HZ, 1)) * TABLE).astype(int)
    mass = np.bincount(place, chance / chance.sum())
    places_hz = np.minimum(EDGE_LOWEST_HZ * 2 ** (np.arange(mass.size) / TABLE), edge)
    middle = float(places_hz[np.searchsorted(np.cumsum(mass), QUANTILE)])
    step = 2 ** (-1 / TABLE)
    if middle < edge * step:
        slopes = np.cumsum(np.where(places_hz < edge * step, mass, 0.0))
        middle = float(places_hz[np.searchsorted(slopes, SLOPE_QUANTILE * slopes[-1])])
    within = max(300.0, 0.1 * middle)
    sure = float(min(1.0, mass[np.abs(places_hz - middle) <= within].sum()))
    if middle >= edge * step:
        return Fall(edge, sure, _CLIFF_DB_PER_OCTAVE if edge < nyquist else 0.0)
    # The filter that explains this end, even if another one with another end is the likeliest.
    best = int(np.argmax(np.where(np.abs(ends[1:] - middle) <= within, log_p[1:], -np.inf)))
    slope = float(tried.slope[best])
    if slope >= _STEEP_DB_PER_OCTAVE:
        response = tried.response[:count, best]
        middle = _crossing(profile, response > -8.0, response, middle)
    return Fall(min(middle, edge), sure, slope)


def _crossing(
    profile: _Profile, known: NDArray[np.bool_], response: Floats, near_hz: float
) -> float:
    """Where the spectrum leaves its natural course, known from below the fall, by 20 dB."""
    nyquist = profile.sample_rate / 2
    if known.sum() < _FEWEST_POINTS // 2:
        return near_hz
    fine = near_hz * np.arange(0.85, 1.25, 0.002)
    fine = fine[fine < (nyquist * 0.985 if nyquist >= _RATE_ENDS_BELOW_HZ else nyquist * 1.03)]
    here, there = natural.octaves(profile.freqs_hz[known]), natural.octaves(fine)
    covariance = natural.covariance(profile.freqs_hz)[np.ix_(known, known)]
    usual = natural.course(there, here) @ np.linalg.solve(
        covariance, (profile.deviation - response)[known]
    )
    usual += natural.mean_db(fine) + profile.offset_db
    kept = np.flatnonzero(smoothed_db(profile.power, profile.sample_rate, fine) >= usual - LOSS_DB)
    after = int(kept[-1]) + 1 if kept.size else 0
    return float(fine[after]) if after < fine.size else near_hz
