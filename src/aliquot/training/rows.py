"""Band powers of recordings, frame by frame, as they lie in the cache."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stereo import to_mid_side
from aliquot.models.excitation import TINY
from aliquot.models.spectral import Spectral
from aliquot.training.step import spectra

_FRAMES_AT_ONCE = 1_024


def kind(network: Spectral) -> str:
    """The cache's folder of what is described for networks of such a grid."""
    config = network.config
    return f"levels-{config.window}-{config.input_bands}{10 * np.log10(TINY):.0f}"


@torch.no_grad()
def describe(samples: Waveform, network: Spectral) -> NDArray[np.float16]:
    """Log10 band powers of mid and side of ``(2, samples)``: ``(frames, 2, bands)``."""
    config = network.config
    waves = torch.from_numpy(to_mid_side(samples))[None]
    scale = (0.375 * config.window) ** -0.5
    rows = []
    for start in range(0, waves.shape[2] - config.window, _FRAMES_AT_ONCE * config.hop):
        length = (_FRAMES_AT_ONCE - 1) * config.hop + config.window
        spectrum = spectra(waves[:, :, start : start + length], config.window, config.hop)
        power = (spectrum * scale).square().sum(dim=2)
        bands = torch.log10(power @ network.analysis + TINY)
        rows.append(bands[0].transpose(0, 1).half().numpy())
    return np.concatenate(rows)


def rows_in(path: Path) -> int:
    """How many rows an ``.npy`` file holds."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    return int(shape[0])


def rows_at(path: Path, first: int, count: int) -> NDArray[np.float32]:
    """``count`` rows of an ``.npy`` file from one on, fewer if it ends before.

    Read, not mapped: faulting a map in page by page was measured to take ten times as long.
    """
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        row = int(np.prod(shape[1:]))
        file.seek(first * row * dtype.itemsize, 1)
        values = np.fromfile(file, dtype, max(0, min(count, shape[0] - first)) * row)
    return values.reshape(-1, *shape[1:]).astype(np.float32)


def random_rows(path: Path, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """``count`` neighbouring rows of an ``.npy`` file, fewer if it is shorter."""
    return rows_at(path, random_start(path, count, rng), count)


def random_start(path: Path, count: int, rng: np.random.Generator) -> int:
    """Where ``count`` neighbouring rows of an ``.npy`` file may begin."""
    return int(rng.integers(0, max(1, rows_in(path) - count)))
