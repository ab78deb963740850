"""Long-term spectra as profiles: 1/12-octave levels on a logarithmic grid, and where they end."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 24
"""Points per octave: two per smoothing width, so that no fall slips between them."""
LOWEST_HZ = 700.0
"""Below it lie single notes rather than a spectrum."""
CLIFF_DB = 24.0
"""A fall of this much within a sixth of an octave that is never undone is a cliff: the work of a
resampler or a codec, steeper than any device's slope and any music."""
RANGE_DB = 110.0
"""Anything this far under the strongest band is rounding, unless told otherwise."""
SHELF_DB = 1.5
"""How straight a noise shelf is; music never is, over a third of an octave."""
SHELF_TILT_DB = 3.0
"""How level it is, in dB per octave; music falls faster."""
SHELF_UNDER_DB = 20.0
"""A shelf this far under the strongest band is a bed of noise, which covers what lies below it."""
SHELF_CLIFF_DB = 15.0
"""So is one to which the content falls this much within 1/3 octave."""

_LOOK_BACK = round(0.38 * STEPS)
_SPAN = STEPS // 3
_CLIFF_SPAN = STEPS // 6
_LEFT_DB = 6.0


def grid(sample_rate: int) -> Floats:
    """The frequencies of a profile in Hz, up to half a smoothing width past Nyquist.

    >>> grid(44_100).size
    121
    """
    octaves = np.log2(sample_rate / 2 / LOWEST_HZ) + 1 / 24
    return LOWEST_HZ * 2.0 ** (np.arange(int(STEPS * octaves) + 1) / STEPS)


def smoothed_db(
    power: Floats, sample_rate: int, freqs_hz: Floats, range_db: float = RANGE_DB
) -> Floats:
    """Mean power per bin in windows of 1/12 octave; there is nothing above Nyquist.

    Args:
        power: ``(bins,)`` power of the bins of an even-sized real FFT.
        sample_rate: In Hz.
        freqs_hz: ``(points,)`` centres.
        range_db: How far down to look.

    Returns:
        ``(points,)`` in dB, not below ``range_db`` under the highest point.

    >>> flat = smoothed_db(np.ones(1025), 44_100, np.array([1_000.0, 8_000.0]))
    >>> np.abs(flat.round(6)).tolist()
    [0.0, 0.0]
    """
    bins_per_hz = 2 * (power.size - 1) / sample_rate
    total = np.concatenate([[0.0], np.cumsum(power)])
    position = np.arange(total.size) - 0.5
    low, high = freqs_hz * 2 ** (-1 / 24), freqs_hz * 2 ** (1 / 24)
    inside = np.interp(high * bins_per_hz, position, total)
    inside -= np.interp(low * bins_per_hz, position, total)
    level = inside / ((high - low) * bins_per_hz)
    lowest = max(float(level.max(initial=0.0)) * 10 ** (-range_db / 10), 1e-30)
    result: Floats = 10 * np.log10(np.maximum(level, lowest))
    return result


def cliff_start(levels_db: Floats) -> int:
    """Number of points of a profile that lie before the first cliff; all of them if there is none.

    Args:
        levels_db: ``(points,)`` on :func:`grid`.

    Returns:
        The first index at which the level has left its course, ``_LEFT_DB`` down, for good.
    """
    highest_above = np.maximum.accumulate(levels_db[::-1])[::-1]
    last = levels_db.size - 1
    for index in range(_LOOK_BACK, last):
        level = levels_db[index]
        if level - highest_above[min(index + _CLIFF_SPAN, last)] > CLIFF_DB:
            left = np.flatnonzero(highest_above[index + 1 :] < level - _LEFT_DB)
            return index + 1 + int(left[0])
    return levels_db.size


def shelf_start(levels_db: Floats) -> int:
    """Index from which a profile is nothing but a flat noise floor that reaches to its end.

    Dither, hiss, a room: what lies under it is not heard, so it says nothing of where the sound
    ends. A tail as flat but nearly as strong as the rest is sound.

    Args:
        levels_db: ``(points,)`` on :func:`grid`, up to Nyquist.

    Returns:
        The first index of the shelf, or the number of points if there is none.
    """
    count = levels_db.size
    start = count
    for index in range(count - _SPAN, _LOOK_BACK, -1):
        tail = levels_db[index:]
        x = np.arange(tail.size) - (tail.size - 1) / 2
        tilt = float(tail @ x / (x @ x))
        uneven = np.abs(tail - tail.mean() - tilt * x).max()
        if uneven > SHELF_DB or abs(tilt) * STEPS > SHELF_TILT_DB:
            break
        start = index
    if start == count:
        return count
    level = float(np.median(levels_db[start:]))
    before = float(levels_db[max(0, start - _SPAN - 2) : max(1, start - _SPAN + 2)].mean())
    under = float(levels_db.max()) - level
    return start if under > SHELF_UNDER_DB or before > level + SHELF_CLIFF_DB else count
