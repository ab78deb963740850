"""Whether the restored treble has the original's width."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import Spectrum, stft
from aliquot.metrics.bands import HOP, WINDOW, Bands, check_pair, high_bands, power, side
from aliquot.metrics.envelope import envelope_error


def side_db(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """:func:`~aliquot.metrics.envelope.envelope_db` of the side signal; lower is better.

    The side is half the difference of the first two channels; its own frames and its own total
    say what counts.

    Args:
        original: ``(channels, samples)``.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        In dB; NaN for one channel, and where the original's side is silent.

    Raises:
        ValueError: If the shapes differ.
    """
    check_pair(original, restored)
    if original.shape[0] < 2:
        return float("nan")
    powers = power(side(original)), power(side(restored))
    return envelope_error(*powers, sample_rate, cutoff_hz, upper_hz)


def coherence(
    original: Waveform,
    restored: Waveform,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> float:
    """Mean absolute difference of inter-channel coherence per mel band; lower is better.

    The coherence of a band is ``|sum L R*| / sqrt(sum |L|^2 sum |R|^2)`` over all its bins and
    frames: 1 for equal, inverted or merely panned channels, 0 for independent ones (and for
    silence). Grid and bands are those of :func:`~aliquot.metrics.envelope.envelope_db`; bands in
    which one of the original's channels is silent do not count.

    Args:
        original: ``(channels, samples)``; the first two channels are compared.
        restored: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; nothing above is scored.

    Returns:
        Between 0 and 1; NaN for one channel, or if nothing counts.

    Raises:
        ValueError: If the shapes differ.
    """
    check_pair(original, restored)
    if original.shape[0] < 2:
        return float("nan")
    spectra = pair_spectrum(original), pair_spectrum(restored)
    return coherence_difference(*spectra, high_bands(cutoff_hz, sample_rate, upper_hz))


def pair_spectrum(samples: Waveform) -> Spectrum:
    """Transform of the first two channels on the grid of the treble metrics, ``(2, t, 513)``."""
    return stft(samples[:2], WINDOW, HOP, centred=True)


def coherence_difference(original: Spectrum, restored: Spectrum, bands: Bands) -> float:
    """:func:`coherence` of two :func:`pair_spectrum`, over the given bands."""
    reference, estimate = band_coherence(original, bands), band_coherence(restored, bands)
    counted = ~np.isnan(reference)
    if not counted.any():
        return float("nan")
    return float(np.abs(reference - np.nan_to_num(estimate))[counted].mean())


def band_coherence(spectrum: Spectrum, bands: Bands) -> NDArray[np.float64]:
    """Magnitude coherence of two channels per band; NaN where one of them is silent.

    Args:
        spectrum: ``(2, frames, bins)``.
        bands: First bin and bin after the last of each.

    Returns:
        ``(len(bands),)``.
    """
    values = []
    for first, last in bands:
        left, right = spectrum[:, :, first:last].reshape(2, -1).astype(np.complex128)
        energies = np.vdot(left, left).real * np.vdot(right, right).real
        cross = abs(np.vdot(left, right))
        values.append(cross / np.sqrt(energies) if energies > 0 else np.nan)
    return np.array(values, np.float64)
