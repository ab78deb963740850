"""How far the treble's level is off: from moment to moment, and as a whole."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.metrics.bands import (
    FLOOR,
    Power,
    band_energies,
    check_pair,
    high_bands,
    loud,
    mono,
    power,
    smoothed,
)
from aliquot.metrics.sdr import energy_between, long_spectrum, ratio_db

BAND_RANGE = 1e-7
"""A band counts when the original holds it within 70 dB of the frame's total."""

BIAS_START = 1.05
"""The treble's total is taken above this multiple of the cut-off, clear of the filter's slope."""


def envelope_db(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """Mean error of the treble's time-varying envelope in dB; lower is better.

    ``mean |10 log10(E_ref / E_est)|`` over frames (Hann 1024/256, centred) and the 24 mel-spaced
    bands from the cut-off to 20 kHz. Band energies E are averaged over three frames and floored
    at 1e-10. Counted are bands that the original holds within 70 dB of their frame's total, in
    frames within 60 dB of the loudest. The true envelope in 48 bands, filled with noise, scores
    1.0 to 1.3.

    Args:
        original: ``(channels, samples)``; the channel mean is compared.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        In dB; NaN if nothing counts.

    Raises:
        ValueError: If the shapes differ.

    >>> x = np.random.default_rng(0).standard_normal((1, 9_000)).astype(np.float32)
    >>> round(envelope_db(x, 10 * x, 44_100, 4_000.0), 3)
    20.0
    """
    check_pair(original, restored)
    powers = power(mono(original)), power(mono(restored))
    return envelope_error(*powers, sample_rate, cutoff_hz, upper_hz)


def envelope_error(
    original: Power,
    restored: Power,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None,
) -> float:
    """:func:`envelope_db` of two ``(frames, 513)`` power spectrograms of one channel."""
    bands = high_bands(cutoff_hz, sample_rate, upper_hz)
    reference = smoothed(band_energies(original, bands))
    estimate = smoothed(band_energies(restored, bands))
    totals = smoothed(original.sum(axis=1, keepdims=True, dtype=np.float64))
    counted = loud(totals) & (reference >= BAND_RANGE * totals)
    if not counted.any():
        return float("nan")
    ratio = np.maximum(reference[counted], FLOOR) / np.maximum(estimate[counted], FLOOR)
    return float(np.abs(10 * np.log10(ratio)).mean())


def treble_bias_db(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """How much too loud the whole treble is: 0 is right, below 0 too quiet.

    ``10 log10(E_est / E_ref)`` with E the energy above 1.05 times the cut-off, up to ``upper_hz``.
    A table gives its mean over files, and the 90th percentile of its absolute value.

    Args:
        original: ``(channels, samples)``; the channel mean is compared.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        In dB, within ±200; NaN if both are silent there.

    Raises:
        ValueError: If the shapes differ.
    """
    check_pair(original, restored)
    spectra = long_spectrum(original), long_spectrum(restored)
    return spectral_bias_db(*spectra, original.shape[1], sample_rate, (cutoff_hz, upper_hz))


def spectral_bias_db(
    original: NDArray[np.complex128],
    restored: NDArray[np.complex128],
    samples: int,
    sample_rate: int,
    limits_hz: tuple[float, float | None],
) -> float:
    """:func:`treble_bias_db` of two :func:`~aliquot.metrics.sdr.long_spectrum`.

    ``limits_hz`` holds the cut-off and the upper limit (None: the Nyquist frequency).
    """
    low_hz = BIAS_START * limits_hz[0]
    high_hz = sample_rate / 2 if limits_hz[1] is None else limits_hz[1]
    energies = [
        energy_between(spectrum, samples, sample_rate, low_hz, high_hz)
        for spectrum in (restored, original)
    ]
    return ratio_db(*energies)
