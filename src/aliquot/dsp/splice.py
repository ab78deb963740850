"""Add a generated high band to a recording without touching what was given."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform

HIGH_BAND_REACH = 1_024
"""Samples on each side of a sample on which its :func:`high_band` depends."""


def guard_hz(cutoff_hz: float) -> float:
    """Width of the guard below a cut-off: 500 Hz or a tenth of it, whichever is more.

    >>> guard_hz(4_000.0), guard_hz(11_025.0)
    (500.0, 1102.5)
    """
    return max(500.0, 0.1 * cutoff_hz)


def fade_in(freqs_hz: NDArray[np.floating], cutoff_hz: float) -> NDArray[np.float32]:
    """Gain of a generated band: 0 below the middle of the guard, 1 from its last quarter on.

    The first half of the guard is left free so that a cut-off read somewhat too low still keeps
    the promise that nothing changes below the true one less its guard.

    Args:
        freqs_hz: Frequencies in Hz.
        cutoff_hz: Where the given band ends.

    Returns:
        The gains, shaped as ``freqs_hz``.
    """
    guard = guard_hz(cutoff_hz)
    place = np.clip((freqs_hz - (cutoff_hz - 0.5 * guard)) / (0.25 * guard), 0, 1)
    gain: NDArray[np.float32] = (place * place * (3 - 2 * place)).astype(np.float32)
    return gain


def high_band(samples: Waveform, sample_rate: int, cutoff_hz: float) -> Waveform:
    """What lies above a cut-off, fading in as :func:`fade_in`, by a linear-phase filter.

    Args:
        samples: ``(channels, samples)``; silence is assumed around them.
        sample_rate: In Hz.
        cutoff_hz: Where the given band ends.

    Returns:
        As ``samples``, without delay; exact from :data:`HIGH_BAND_REACH` samples inside on.
    """
    size = samples.shape[1]
    padded = 1 << (size + 2 * HIGH_BAND_REACH + 1).bit_length()
    response = high_band_response(sample_rate, cutoff_hz, padded)
    spectrum = np.fft.rfft(samples, n=padded, axis=1) * response
    return np.fft.irfft(spectrum, n=padded, axis=1)[:, :size].astype(np.float32)


@lru_cache(maxsize=16)
def high_band_response(sample_rate: int, cutoff_hz: float, size: int) -> NDArray[np.float64]:
    """Gains of the filter of :func:`high_band` for an FFT of ``size`` samples.

    Returns:
        ``(size // 2 + 1,)``; the filter has no delay, so they are real.
    """
    freqs = np.arange(HIGH_BAND_REACH + 1) * (sample_rate / (2 * HIGH_BAND_REACH))
    taps = np.fft.irfft(fade_in(freqs, cutoff_hz))[: HIGH_BAND_REACH + 1]
    taps = taps * (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, taps.size)))
    response: NDArray[np.float64] = 2 * np.fft.rfft(taps, n=size).real - taps[0]
    return response
