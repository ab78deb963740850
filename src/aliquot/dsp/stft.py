"""The one short-time Fourier transform, used by the model, the metrics and the pictures.

Frames come before bins, ``(channels, frames, bins)``: NumPy's real FFT and every product over bins
then run along contiguous memory.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from aliquot.audio import Waveform

Spectrum = NDArray[np.complex64]
"""``(channels, frames, bins)``."""


def hann(size: int) -> NDArray[np.float32]:
    """The periodic Hann window of ``size`` samples.

    >>> hann(4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    phase = 2 * np.pi * np.arange(size) / size
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


def frame_count(samples: int, window: int, hop: int) -> int:
    """Number of whole frames that lie inside ``samples`` samples; 0 if not even one does."""
    return max(0, 1 + (samples - window) // hop)


def stft(
    samples: Waveform, window: int = 2048, hop: int = 512, *, centred: bool = False
) -> Spectrum:
    """Short-time Fourier transform with a periodic Hann window, unscaled.

    Args:
        samples: ``(channels, samples)``.
        window: Samples of a frame; even.
        hop: Samples from one frame to the next.
        centred: If true, half a window of zeros is put on both sides, so that frame ``t`` is
            centred on sample ``t * hop``; otherwise frame ``t`` begins at sample ``t * hop`` and
            only whole frames count.

    Returns:
        ``(channels, frames, window / 2 + 1)`` complex64.

    >>> stft(np.ones((2, 4096), np.float32)).shape
    (2, 5, 1025)
    >>> stft(np.ones((2, 4096), np.float32), centred=True).shape
    (2, 9, 1025)
    """
    if centred:
        samples = np.pad(samples, ((0, 0), (window // 2, window // 2)))
    if samples.shape[1] < window:
        return np.zeros((samples.shape[0], 0, window // 2 + 1), np.complex64)
    frames = sliding_window_view(samples, window, axis=1)[:, ::hop]
    return np.fft.rfft(frames * hann(window), axis=2).astype(np.complex64, copy=False)


def istft(spectrum: Spectrum, window: int = 2048, hop: int = 512) -> Waveform:
    """Inverse of an uncentred :func:`stft`, with a Hann synthesis window.

    Frames are windowed again, added and divided by the constant sum of squared windows, so only
    samples covered by ``window / hop`` frames are exact: all but the first and last
    ``window - hop`` ones.

    Args:
        spectrum: ``(channels, frames, window / 2 + 1)``.
        window: As in :func:`stft`.
        hop: As in :func:`stft`; must divide ``window`` into at least three parts.

    Returns:
        ``(channels, window + (frames - 1) * hop)`` float32.

    >>> x = np.sin(np.arange(8192, dtype=np.float32))[None]
    >>> bool(np.allclose(istft(stft(x))[:, 2048:-2048], x[:, 2048:-2048], atol=1e-5))
    True
    """
    parts, rest = divmod(window, hop)
    if rest or parts < 3:
        raise ValueError(f"hop must divide the window in three or more parts, got {window}/{hop}")
    channels, frames, _ = spectrum.shape
    synthesis = hann(window) / np.float32(0.375 * parts)
    pieces = np.fft.irfft(spectrum, n=window, axis=2).astype(np.float32, copy=False)
    pieces *= synthesis
    out = np.zeros((channels, frames + parts - 1, hop), np.float32)
    for part in range(parts):
        out[:, part : part + frames] += pieces[:, :, part * hop : (part + 1) * hop]
    return out.reshape(channels, -1)
