"""Whether the restored treble is as rough as the original's, from bin to bin."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.metrics.bands import FLOOR, Bands, Power, check_pair, high_bands, loud, mono, power

LEAST_BINS = 4
"""The spread of fewer bins says nothing."""

LEAST_SPREAD = 1e-3
"""An original flatter than this (0.01 dB) is digital silence at the floor, not sound."""


def texture(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """Spread of the fine structure of the treble, restored over original; 1 is right.

    The standard deviation of ``log10 max(|X|^2, 1e-10)`` over the bins of a band, of the restored
    over that of the original, its median over frames within 60 dB of the loudest, and of these
    the median over bands; the grid and the 24 bands are those of
    :func:`~aliquot.metrics.envelope.envelope_db`, bands of four bins and more. A buzz of even
    partials and over-smooth treble score low, noise scores 1 against noise.

    Args:
        original: ``(channels, samples)``; the channel mean is compared.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        The ratio; NaN if nothing counts.

    Raises:
        ValueError: If the shapes differ.

    >>> x = np.random.default_rng(0).standard_normal((1, 9_000)).astype(np.float32)
    >>> round(texture(x, 10 * x, 44_100, 4_000.0), 3)
    1.0
    """
    check_pair(original, restored)
    powers = power(mono(original)), power(mono(restored))
    return texture_ratio(*powers, high_bands(cutoff_hz, sample_rate, upper_hz))


def texture_ratio(original: Power, restored: Power, bands: Bands) -> float:
    """:func:`texture` of two ``(frames, 513)`` power spectrograms, over the given bands."""
    counted = loud(original.sum(axis=1, keepdims=True, dtype=np.float64))[:, 0]
    medians = []
    for first, last in bands:
        if last - first < LEAST_BINS:
            continue
        reference = _spread(original[counted, first:last])
        estimate = _spread(restored[counted, first:last])
        heard = reference > LEAST_SPREAD
        if heard.any():
            medians.append(np.median(estimate[heard] / reference[heard]))
    return float(np.median(medians)) if medians else float("nan")


def _spread(powers: Power) -> NDArray[np.float64]:
    """Standard deviation of log10 power over bins: ``(frames,)``."""
    spread: NDArray[np.float64] = np.log10(np.maximum(powers, FLOOR)).std(axis=1, dtype=np.float64)
    return spread
