"""How long-term spectra of music run when nobody has filtered them.

Levels of 1/12-octave bands, in dB over log-frequency, are taken for a Gaussian process: a gently
bent line whose slope differs from recording to recording, a wander about it that forgets itself
within an octave, and the unevenness of notes. Constants lie near those of the highest likelihood of
the training originals, artists counting equally (`benchmarks/fit_natural.py`), and where filters
laid over them are found best and dark music is least taken for filtered (docs/decisions/0018).
"""

import numpy as np

from aliquot.dsp.spectrum_profile import LOWEST_HZ, Floats

SLOPE_DB = -7.7
"""Mean slope in the middle, dB per octave."""
BEND_DB = -0.9
"""Mean bend, dB per octave squared: the higher, the faster spectra fall."""
SLOPE_SPREAD_DB = 2.5
"""Spread of the slope from recording to recording; fits lie at 1.7 to 1.9, darker music exists."""
WANDER_DB = 5.0
"""Spread of the levels about their line; fits lie at 4.3 to 5.7."""
WANDER_OCTAVES = 1.1
"""Distance over which the wander forgets itself."""
DETAIL_DB, DETAIL_OCTAVES = 1.1, 0.09
"""A finer wander: formants, the gaps between the harmonics of few instruments."""
NOTES_DB = ((700.0, 2.2), (2_000.0, 2.7), (5_000.0, 1.0), (10_000.0, 0.9))
"""Roughness of neighbouring bands: notes below, noise above."""
UNEVEN_DB = 0.6
"""What a single point may be off by."""
_LEVEL_DB = 20.0
_MIDDLE_OCTAVES = 2.0
"""Slopes turn about a point so far above ``LOWEST_HZ``."""

_BEND_OCTAVES = 2.9
"""Bends are level here."""


def octaves(freqs_hz: Floats) -> Floats:
    """Octaves above the first point of every profile."""
    return np.asarray(np.log2(freqs_hz / LOWEST_HZ))


def mean_db(freqs_hz: Floats) -> Floats:
    """The mean natural spectrum, level free."""
    at = octaves(freqs_hz)
    return np.asarray(SLOPE_DB * at + BEND_DB * (at - _BEND_OCTAVES) ** 2)


def course(a: Floats, b: Floats) -> Floats:
    """Covariance of the course of a natural spectrum, without its unevenness.

    Args:
        a: ``(m,)`` in octaves.
        b: ``(n,)`` likewise.

    Returns:
        ``(m, n)`` in dB squared.
    """

    def matern(spread_db: float, length: float) -> Floats:
        distance = np.sqrt(3) * np.abs(a[:, None] - b[None]) / length
        return np.asarray(spread_db**2 * (1 + distance) * np.exp(-distance))

    tilt = SLOPE_SPREAD_DB**2 * np.outer(a - _MIDDLE_OCTAVES, b - _MIDDLE_OCTAVES)
    wander = matern(WANDER_DB, WANDER_OCTAVES) + matern(DETAIL_DB, DETAIL_OCTAVES)
    return np.asarray(_LEVEL_DB**2 + tilt + wander)


def covariance(freqs_hz: Floats) -> Floats:
    """:func:`course` plus what neighbouring bands share in their overlapping windows."""
    at = octaves(freqs_hz)
    knots, spread = np.array(NOTES_DB).T
    notes = np.interp(np.log2(freqs_hz), np.log2(knots), spread)
    overlap = np.maximum(0.0, 1 - 12 * np.abs(at[:, None] - at[None]))
    uneven = UNEVEN_DB**2 * np.eye(at.size)
    return np.asarray(course(at, at) + np.outer(notes, notes) * overlap + uneven)
