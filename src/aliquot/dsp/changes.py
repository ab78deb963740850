"""Where inside a recording the end of its content changes."""

import numpy as np

from aliquot.dsp.spectrum_profile import STEPS, Floats, grid, smoothed_db

_CLIFF_DB = 24.0
"""A change inside a file shows as a fall of this much within a third of an octave."""
_QUIET_DB = 40.0
"""Stretches this far under the loudest say nothing."""
_CHANGE_RATIO = 1.25
"""Cut-offs closer than this are one: codecs' edges move by as much from bar to bar."""


def alike(one_hz: float, other_hz: float) -> bool:
    """Whether two cut-offs are one."""
    return max(one_hz, other_hz) < _CHANGE_RATIO * min(one_hz, other_hz)


def cliffs(stretches: Floats, sample_rate: int) -> Floats:
    """Per stretch the foot of its lowest cliff in Hz, Nyquist if none, NaN if it is too quiet."""
    nyquist = sample_rate / 2
    freqs = grid(sample_rate)
    freqs = freqs[freqs < nyquist * 0.985]
    span = STEPS // 3
    feet = np.full(len(stretches), nyquist)
    if freqs.size <= span:
        return feet
    energy = stretches.sum(axis=1)
    for number, stretch in enumerate(stretches):
        if energy[number] <= energy.max() * 10 ** (-_QUIET_DB / 10):
            feet[number] = np.nan
            continue
        levels = smoothed_db(stretch, sample_rate, freqs)
        highest_above = np.maximum.accumulate(levels[::-1])[::-1]
        fallen = levels[:-span] - highest_above[span:] > _CLIFF_DB
        if fallen.any():
            feet[number] = freqs[int(np.argmax(fallen)) + span]
    return feet


def changes(feet: Floats, shortest: int) -> list[int]:
    """The stretches at which a run of at least ``shortest`` like cliffs begins; the first is 0."""
    heard = np.flatnonzero(~np.isnan(feet))
    starts = [0]
    usual = float(np.median(feet[heard[:shortest]])) if heard.size else 0.0
    for first in range(heard.size - shortest + 1):
        ahead = feet[heard[first : first + shortest]]
        middle = float(np.median(ahead))
        if not alike(middle, usual) and all(alike(float(foot), middle) for foot in ahead):
            starts.append(int(heard[first]))
            usual = middle
    return starts
