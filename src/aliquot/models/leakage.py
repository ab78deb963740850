"""What a window lets through of strong bands into empty ones.

The window spreads every bin over all others, and single precision adds a floor. A network that is
to read what a slope has left must not take either for it.
"""

import numpy as np
import torch
from torch import Tensor

from aliquot.dsp.stft import hann

ROUNDING = 1e-14
"""Floor of a transform in single precision over the mean power of a frame. Measured: 2e-15 with
NumPy's, 1e-14 with PyTorch's."""
_NEAR = 3
"""Bins this close belong to the main lobe, which measured band powers contain already."""
_FINE = 16


def leakage(triangles: Tensor, analysis: Tensor) -> Tensor:
    """Share of each band's power that reaches the others by the far side lobes of a Hann window.

    Args:
        triangles: ``(bins, bands)``; bands as interpolation weights.
        analysis: ``(bins, bands)``; the same, of unit sum over bins.

    Returns:
        ``(bands, bands)``; mean powers times this are what leaks, the rounding floor included.
    """
    bins = triangles.shape[0]
    window = 2 * (bins - 1)
    lobes = np.abs(np.fft.rfft(hann(window).astype(np.float64), _FINE * window)) ** 2
    # Music lies between the bins as often as on them: the mean over all places.
    spread = np.append(lobes[:-1].reshape(bins - 1, _FINE).mean(axis=1), lobes[-1])
    spread /= 2 * spread.sum()
    spread[: _NEAR + 1] = 0.0
    apart = np.abs(np.arange(bins)[:, None] - np.arange(bins)[None])
    bands, means = triangles.numpy().T.astype(np.float64), analysis.numpy().astype(np.float64)
    leaks = bands @ spread[apart] @ means
    floor = ROUNDING * bands.sum(axis=1, keepdims=True) / bins
    return torch.from_numpy((leaks + floor).astype(np.float32))
