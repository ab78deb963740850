"""Signal-to-noise ratios: of the whole band, and of the band that was given."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.metrics.bands import check_pair

LIMIT_DB = 200.0
"""Ratios are cut here, so that equal signals have a finite score."""

LOW_PART = 0.9
"""The given band is judged below this part of the cut-off."""


def ratio_db(numerator: float, denominator: float) -> float:
    """``10 log10`` of a ratio of energies, within ±200 dB; NaN if both are zero.

    >>> ratio_db(100.0, 1.0), ratio_db(1.0, 0.0), ratio_db(0.0, 1.0), ratio_db(0.0, 0.0)
    (20.0, 200.0, -200.0, nan)
    """
    if numerator <= 0 and denominator <= 0:
        return float("nan")
    if numerator <= 0 or denominator <= 0:
        return LIMIT_DB if numerator > 0 else -LIMIT_DB
    decibels = 10 * (np.log10(numerator) - np.log10(denominator))
    return float(np.clip(decibels, -LIMIT_DB, LIMIT_DB))


def long_spectrum(samples: Waveform) -> NDArray[np.complex128]:
    """One Fourier transform of the whole channel mean, ``(samples // 2 + 1,)``."""
    return np.fft.rfft(samples.mean(axis=0, dtype=np.float64))


def energy_between(
    spectrum: NDArray[np.complex128], samples: int, sample_rate: int, low_hz: float, high_hz: float
) -> float:
    """Energy of the bins ``low_hz <= f <= high_hz`` of a :func:`long_spectrum`.

    Bins of a real signal stand for two, but for 0 Hz and (if there is one) the Nyquist bin, so
    over the whole band this is ``samples * sum(x^2)``, as Parseval has it.

    >>> x = np.array([[1.0, -2.0, 3.0, 0.5]], np.float32)
    >>> round(energy_between(long_spectrum(x), 4, 8, 0.0, 4.0), 6), 4 * 14.25
    (57.0, 57.0)
    """
    bin_hz = sample_rate / samples
    first = max(0, int(np.ceil(low_hz / bin_hz - 1e-9)))
    last = min(len(spectrum) - 1, int(np.floor(high_hz / bin_hz + 1e-9)))
    if last < first:
        return 0.0
    part = spectrum[first : last + 1]
    powers = 2 * (part.real**2 + part.imag**2)
    if first == 0:
        powers[0] /= 2
    if last == len(spectrum) - 1 and samples % 2 == 0:
        powers[-1] /= 2
    return float(powers.sum())


def snr_db(
    original: Waveform, restored: Waveform, sample_rate: int, upper_hz: float | None = None
) -> float:
    """Signal-to-noise ratio, ``10 log10(sum x^2 / sum (x - y)^2)``; higher is better.

    The founding papers' metric. It favours doing nothing: treble that is right in level and
    colour but not in phase scores worse than none. Never read it alone.

    Args:
        original: ``(channels, samples)``; the channel mean is compared.
        restored: The same shape.
        sample_rate: In Hz.
        upper_hz: Where the original itself ends; what lies above is not scored.

    Returns:
        In dB, at most 200; NaN if both are silent.

    Raises:
        ValueError: If the shapes differ.

    >>> x = np.ones((1, 100), np.float32)
    >>> round(snr_db(x, 0.9 * x, 44_100), 3)
    20.0
    """
    check_pair(original, restored)
    return _snr_below(original, restored, sample_rate, upper_hz)


def low_snr_db(original: Waveform, restored: Waveform, sample_rate: int, cutoff_hz: float) -> float:
    """Signal-to-noise ratio of the part below 0.9 times the cut-off; higher is better.

    Both signals are cut off by a mask on one Fourier transform of the whole. A system that
    leaves the given band alone scores over 60 dB, as far as its input does.

    Args:
        original: ``(channels, samples)``; the channel mean is compared.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.

    Returns:
        In dB, at most 200; NaN if both are silent there.

    Raises:
        ValueError: If the shapes differ.
    """
    check_pair(original, restored)
    return _snr_below(original, restored, sample_rate, LOW_PART * cutoff_hz)


def _snr_below(
    original: Waveform, restored: Waveform, sample_rate: int, limit_hz: float | None
) -> float:
    return spectral_snr_db(
        long_spectrum(original), long_spectrum(restored), original.shape[1], sample_rate, limit_hz
    )


def spectral_snr_db(
    original: NDArray[np.complex128],
    restored: NDArray[np.complex128],
    samples: int,
    sample_rate: int,
    limit_hz: float | None,
) -> float:
    """SNR in dB of two :func:`long_spectrum` up to ``limit_hz`` (to the end if it is None)."""
    limit_hz = sample_rate / 2 if limit_hz is None else limit_hz
    signal = energy_between(original, samples, sample_rate, 0.0, limit_hz)
    noise = energy_between(original - restored, samples, sample_rate, 0.0, limit_hz)
    return ratio_db(signal, noise)
