"""What the treble metrics share: the 24 mel bands above a cut-off, and which frames count."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import stft

Power = NDArray[np.float32]
"""``(frames, bins)``: squared magnitudes of one channel's short-time Fourier transform."""

Bands = tuple[tuple[int, int], ...]
"""Per band its first bin and the bin after its last; no band is empty."""

WINDOW, HOP = 1024, 256
"""The grid of every treble metric but the log-spectral distance."""

BANDS = 24
TOP_HZ = 20_000.0
"""The bands end here: above it little is heard and few recordings hold anything."""

FLOOR = 1e-10
"""Powers below this count as this; it lies 25 dB under the noise of 16-bit dither."""

LOUD_RANGE = 1e-6
"""A frame counts when its energy is within 60 dB of the loudest frame's."""


def check_pair(original: Waveform, restored: Waveform) -> None:
    """Refuse two signals that cannot be compared sample by sample.

    Args:
        original: ``(channels, samples)``.
        restored: The same shape.

    Raises:
        ValueError: If they are not of one two-dimensional shape, or hold no samples.
    """
    if original.shape != restored.shape or original.ndim != 2 or original.size == 0:
        raise ValueError(
            "original and restored must both be (channels, samples) of one shape and not empty, "
            f"got {original.shape} and {restored.shape}; align and trim them first"
        )


def mono(samples: Waveform) -> Waveform:
    """The channel mean, ``(1, samples)`` float32.

    >>> mono(np.array([[1, 2], [3, 6]], np.float32)).tolist()
    [[2.0, 4.0]]
    """
    mean: Waveform = samples.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    return mean


def side(samples: Waveform) -> Waveform:
    """Half the difference of the first two channels, ``(1, samples)`` float32.

    >>> side(np.array([[1, 2], [3, 6]], np.float32)).tolist()
    [[-1.0, -2.0]]
    """
    return ((samples[:1] - samples[1:2]) / 2).astype(np.float32, copy=False)


def power(samples: Waveform, window: int = WINDOW, hop: int = HOP) -> Power:
    """Squared magnitudes of the centred short-time Fourier transform of one channel.

    Args:
        samples: ``(1, samples)``.
        window: Samples of a frame.
        hop: Samples from one frame to the next.

    Returns:
        ``(frames, window / 2 + 1)`` float32, unscaled.
    """
    return squared(stft(samples, window, hop, centred=True)[0])


def squared(spectrum: NDArray[np.complex64]) -> Power:
    """Squared magnitudes of the transform of one channel, ``(frames, bins)``."""
    powers: Power = spectrum.real**2 + spectrum.imag**2
    return powers


def mel_edges(low_hz: float, high_hz: float, count: int) -> NDArray[np.float64]:
    """``count + 1`` frequencies in Hz, equally spaced in ``2595 log10(1 + f / 700)``.

    >>> mel_edges(0.0, 6_300.0, 2).round(3).tolist()
    [0.0, 1513.594, 6300.0]
    """
    mels = np.linspace(np.log1p(low_hz / 700), np.log1p(high_hz / 700), count + 1)
    return 700 * np.expm1(mels)


def bin_range(low_hz: float, high_hz: float, sample_rate: int, window: int) -> tuple[int, int]:
    """The bins ``low_hz <= f < high_hz`` as first and one past the last.

    >>> bin_range(1_000.0, 2_000.0, 48_000, 48)
    (1, 2)
    """
    bin_hz = sample_rate / window
    # a frequency meant to lie on a bin may miss it by rounding; 1e-9 of a bin is no frequency
    first, last = (int(np.ceil(hz / bin_hz - 1e-9)) for hz in (low_hz, high_hz))
    return min(first, window // 2 + 1), min(last, window // 2 + 1)


def upper_bins(upper_hz: float | None, sample_rate: int, window: int) -> int:
    """How many bins, from 0 Hz on, lie at or below ``upper_hz``; all of them if it is None."""
    if upper_hz is None:
        return window // 2 + 1
    return min(window // 2, int(np.floor(upper_hz * window / sample_rate + 1e-9))) + 1


def high_bands(cutoff_hz: float, sample_rate: int, upper_hz: float | None = None) -> Bands:
    """The 24 mel-spaced bands from the cut-off to 20 kHz (or to the Nyquist frequency).

    A bin belongs to the band whose lower edge it reaches and whose upper edge it does not. Bins
    above ``upper_hz`` belong to none; a band that has lost all its bins is left out.

    Args:
        cutoff_hz: Where the degraded recording ends.
        sample_rate: In Hz.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        At most 24 pairs of first bin and bin after the last, on a window of 1024.

    >>> len(high_bands(4_000.0, 44_100)), high_bands(4_000.0, 44_100)[0][0]
    (24, 93)
    >>> high_bands(4_000.0, 44_100, upper_hz=3_999.0)
    ()
    """
    top_hz = min(TOP_HZ, sample_rate / 2)
    if cutoff_hz >= top_hz:
        return ()
    edges = mel_edges(cutoff_hz, top_hz, BANDS)
    limit = upper_bins(upper_hz, sample_rate, WINDOW)
    ranges = (bin_range(a, b, sample_rate, WINDOW) for a, b in pairwise(edges))
    clipped = ((first, min(last, limit)) for first, last in ranges)
    return tuple((first, last) for first, last in clipped if last > first)


def band_energies(powers: Power, bands: Bands) -> NDArray[np.float64]:
    """Sum of the powers of each band: ``(frames, len(bands))``.

    >>> band_energies(np.arange(8, dtype=np.float32)[None], ((1, 3), (3, 4))).tolist()
    [[3.0, 3.0]]
    """
    sums = [powers[:, first:last].sum(axis=1, dtype=np.float64) for first, last in bands]
    return np.stack(sums, axis=1) if sums else np.zeros((powers.shape[0], 0))


def smoothed(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over each frame and its two neighbours; at the ends over the one there is.

    >>> smoothed(np.array([[0.0], [3.0], [6.0], [0.0]])).ravel().tolist()
    [1.5, 3.0, 3.0, 3.0]
    """
    total, count = energies.copy(), np.ones((len(energies), 1))
    total[1:] += energies[:-1]
    total[:-1] += energies[1:]
    count[1:] += 1
    count[:-1] += 1
    return total / count


def loud(totals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which frames are within 60 dB of the loudest; none if all are silent.

    Args:
        totals: ``(frames, 1)`` energies.

    Returns:
        ``(frames, 1)``.
    """
    counted: NDArray[np.bool_] = totals >= LOUD_RANGE * totals.max(initial=0.0)
    return counted & (totals > 0)
