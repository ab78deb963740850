"""Long-term spectra as profiles: 1/12-octave levels on a logarithmic grid, and where they end."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 24
"""Points per octave: two per smoothing width, so that no fall slips between them."""
LOWEST_HZ = 700.0
"""Below it lie single notes rather than a spectrum."""
DEPTH_DB = 40.0
"""A fall of this much within a third of an octave is the end of all content, not a slope."""
RANGE_DB = 110.0
"""Anything this far under the strongest band is rounding."""
SHELF_DB = 1.5
"""How straight a noise shelf is; music never is, over a third of an octave."""
SHELF_TILT_DB = 3.0
"""How level it is, in dB per octave; music falls faster."""
SILENT_SHELF_DB = -80.0
"""A white floor of less than this in all is quantisation or dither, whatever lies below it."""
SHELF_CLIFF_DB = 15.0
"""A louder shelf is noise only if the content falls this much, within 1/3 octave, down to it."""

_LOOK_BACK = round(0.38 * STEPS)
_SPAN = STEPS // 3


def grid(sample_rate: int) -> Floats:
    """The frequencies of a profile in Hz, up to half a smoothing width past Nyquist.

    >>> grid(44_100).size
    121
    """
    octaves = np.log2(sample_rate / 2 / LOWEST_HZ) + 1 / 24
    return LOWEST_HZ * 2.0 ** (np.arange(int(STEPS * octaves) + 1) / STEPS)


def smoothed_db(power: Floats, sample_rate: int, freqs_hz: Floats) -> Floats:
    """Mean power per bin in windows of 1/12 octave; there is nothing above Nyquist.

    Args:
        power: ``(bins,)`` power of the bins of an even-sized real FFT.
        sample_rate: In Hz.
        freqs_hz: ``(points,)`` centres.

    Returns:
        ``(points,)`` in dB, not below ``RANGE_DB`` under the highest point.

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
    lowest = max(float(level.max(initial=0.0)) * 10 ** (-RANGE_DB / 10), 1e-30)
    result: Floats = 10 * np.log10(np.maximum(level, lowest))
    return result


def first_dead(levels_db: Floats) -> int:
    """Index from which a profile is empty: the level stays ``DEPTH_DB`` below what came before.

    The yardstick for a point is the median of the octave that ends 0.38 octave lower, so a steep
    natural slope is not empty, and neither is a notch narrower than a third of an octave.

    Args:
        levels_db: ``(points,)`` on :func:`grid`.

    Returns:
        The first empty index, or the number of points if there is none.
    """
    count = levels_db.size
    for index in range(_LOOK_BACK, count):
        before = levels_db[max(0, index - 3 * _LOOK_BACK) : index - _LOOK_BACK + 1]
        if np.all(levels_db[index : index + _SPAN] < np.median(before) - DEPTH_DB):
            return index
    return count


def shelf_start(levels_db: Floats, full_scale_db: float) -> int:
    """Index from which a profile is nothing but a flat noise floor that reaches to its end.

    Such a shelf is dither or hiss if it is very quiet or if a cliff leads down to it. The long
    gentle slope of a piano into its own noise is neither, and counts as sound.

    Args:
        levels_db: ``(points,)`` on :func:`grid`, up to Nyquist.
        full_scale_db: Level of white noise of 0 dBFS rms.

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
    quiet = level < full_scale_db + SILENT_SHELF_DB and before > level + 6.0
    return start if quiet or before > level + SHELF_CLIFF_DB else count
