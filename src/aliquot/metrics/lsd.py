"""Log-spectral distance, as AERO, AP-BWE and AudioSR compute it.

Papers differ: Kuleshov's code takes the natural logarithm and averages over time *inside* the
root, and ssr_eval floors at 1e-12 instead of 1e-8. One pair of signals scores 2.62 or 2.99 there
and 1.30 here; figures of different definitions cannot be compared.
"""

import numpy as np

from aliquot.audio import Waveform
from aliquot.metrics.bands import Power, bin_range, check_pair, mono, power, upper_bins

LSD_WINDOW, LSD_HOP = 2048, 512
LSD_FLOOR = 1e-8


def lsd_power(samples: Waveform) -> Power:
    """The powers the distance is taken of: ``(frames, 1025)`` of the channel mean."""
    return power(mono(samples), LSD_WINDOW, LSD_HOP)


def distance(original: Power, restored: Power) -> float:
    """Mean over frames of the root of the mean over bins of squared log10 differences.

    Args:
        original: ``(frames, bins)``.
        restored: The same shape.

    Returns:
        The distance; NaN if there is no bin.
    """
    if original.shape[1] == 0:
        return float("nan")
    difference = np.log10(np.maximum(original, LSD_FLOOR))
    difference -= np.log10(np.maximum(restored, LSD_FLOOR))
    return float(np.sqrt(np.square(difference).mean(axis=1, dtype=np.float64)).mean())


def distance_kuleshov(original: Power, restored: Power) -> float:
    """Mean over bins of the root of the mean over *frames* of squared ln differences, at most 10.

    As the code of Kuleshov, Enam and Ermon (2017) computes it, for comparison with their figures:
    natural logarithms, 1e-8 added to the power, time averaged inside the root.

    Args:
        original: ``(frames, bins)``.
        restored: The same shape.

    Returns:
        The distance; NaN if there is no bin.

    >>> one = np.ones((4, 3)); other = one.copy(); other[0] *= np.exp(2)
    >>> round(distance_kuleshov(one, other), 4)  # in one frame of four: 2 / sqrt(4)
    1.0
    """
    if original.shape[1] == 0:
        return float("nan")
    difference = np.log(original + LSD_FLOOR) - np.log(restored + LSD_FLOOR)
    inside = np.square(difference).mean(axis=0, dtype=np.float64)
    return min(10.0, float(np.sqrt(inside).mean()))


def split_bins(sample_rate: int, cutoff_hz: float, upper_hz: float | None) -> tuple[int, int]:
    """The first bin at or above the cut-off, and how many bins lie at or below the upper limit."""
    limit = upper_bins(upper_hz, sample_rate, LSD_WINDOW)
    first, _ = bin_range(cutoff_hz, sample_rate / 2, sample_rate, LSD_WINDOW)
    return min(first, limit), limit


def lsd(
    original: Waveform, restored: Waveform, sample_rate: int, upper_hz: float | None = None
) -> float:
    """Log-spectral distance over the whole band; lower is better.

    ``mean_t sqrt(mean_k (log10 P_ref[t, k] - log10 P_est[t, k])^2)`` with
    ``P = max(|X|^2, 1e-8)`` of the channel mean, periodic Hann 2048/512, centred, unscaled.

    A gain error of g dB costs g / 10. Two independent noises of one spectrum score
    ``sqrt(2) pi / (sqrt(6) ln 10) = 0.788``: less is not always better, as a buzz scores less.

    Args:
        original: ``(channels, samples)``.
        restored: The same shape.
        sample_rate: In Hz.
        upper_hz: Where the original itself ends; bins above are not scored.

    Returns:
        The distance, in decades of power.

    Raises:
        ValueError: If the shapes differ.

    >>> x = np.random.default_rng(0).standard_normal((1, 9_000)).astype(np.float32)
    >>> round(lsd(x, 10 * x, 44_100), 3)
    2.0
    """
    check_pair(original, restored)
    limit = upper_bins(upper_hz, sample_rate, LSD_WINDOW)
    return distance(lsd_power(original)[:, :limit], lsd_power(restored)[:, :limit])


def lsd_hf(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """:func:`lsd` over the bins ``cutoff_hz <= f <= upper_hz`` only; lower is better."""
    check_pair(original, restored)
    first, limit = split_bins(sample_rate, cutoff_hz, upper_hz)
    return distance(lsd_power(original)[:, first:limit], lsd_power(restored)[:, first:limit])


def lsd_lf(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """:func:`lsd` over the bins below ``cutoff_hz`` only; lower is better."""
    check_pair(original, restored)
    first, _ = split_bins(sample_rate, cutoff_hz, upper_hz)
    return distance(lsd_power(original)[:, :first], lsd_power(restored)[:, :first])


def lsd_kuleshov(
    original: Waveform, restored: Waveform, sample_rate: int, upper_hz: float | None = None
) -> float:
    """:func:`distance_kuleshov` over the whole band; lower is better."""
    check_pair(original, restored)
    limit = upper_bins(upper_hz, sample_rate, LSD_WINDOW)
    return distance_kuleshov(lsd_power(original)[:, :limit], lsd_power(restored)[:, :limit])
