"""Pictures of sound: spectrograms side by side, time from left to right, kHz upwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import stft
from aliquot.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW, HOP = 2048, 512
MOST_COLUMNS = 1_500
"""A picture has no room for more frames; longer recordings are looked at in wider steps."""

RANGE_DB = 100.0
"""What is this far below the loudest point of all panels is black."""


def level_db(samples: Waveform) -> tuple[NDArray[np.float32], int]:
    """Log-magnitude spectrogram of the channel mean.

    Args:
        samples: ``(channels, samples)``.

    Returns:
        ``(bins, frames)`` in dB, where a sine at full scale has 0, and the hop in samples.
    """
    hop = max(HOP, -(-samples.shape[1] // MOST_COLUMNS))
    mono: Waveform = samples.mean(axis=0, keepdims=True, dtype=np.float32)
    magnitude = np.abs(stft(mono, WINDOW, hop, centred=True)[0]) / (WINDOW / 4)
    level: NDArray[np.float32] = 20 * np.log10(np.maximum(magnitude, 1e-10))
    return level.T, hop


def spectrogram_plot(
    panels: Sequence[tuple[str, Waveform]],
    sample_rate: int,
    path: Path,
    cutoff_hz: float | None = None,
) -> None:
    """Draw spectrograms side by side on one scale, and save them as a PNG.

    Args:
        panels: Titles and ``(channels, samples)``; for example original, degraded, restored.
        sample_rate: Of all of them, in Hz.
        path: Where to save; replaced if it exists, and only once the picture is whole.
        cutoff_hz: Where to draw a line, if anywhere.

    Raises:
        ConfigError: If matplotlib is missing.
        OutputError: If the picture cannot be saved.
        ValueError: If there is nothing to draw.
    """
    if not panels or any(samples.size == 0 for _, samples in panels):
        raise ValueError("every panel needs samples, and there must be one panel or more")
    figure = _figure(1.5 + 4.5 * len(panels), 4.2)
    levels = [level_db(samples) for _, samples in panels]
    top_db = max(float(level.max()) for level, _ in levels)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    images = []
    for axes, (title, samples), (level, _) in zip(grid, panels, levels, strict=True):
        extent = (0.0, samples.shape[1] / sample_rate, 0.0, sample_rate / 2000)
        image = axes.imshow(
            level, origin="lower", aspect="auto", extent=extent, cmap="magma",
            vmin=top_db - RANGE_DB, vmax=top_db, interpolation="nearest",
        )  # fmt: skip
        images.append(image)
        axes.set_title(title)
        axes.set_xlabel("time in s")
        if cutoff_hz is not None:
            axes.axhline(cutoff_hz / 1000, color="cyan", linewidth=0.8, linestyle="--")
    grid[0].set_ylabel("frequency in kHz")
    figure.colorbar(images[0], ax=list(grid), label="level in dB")
    _save(figure, path)


def hours_plot(series: Sequence[tuple[str, Sequence[float]]], path: Path) -> None:
    """Draw how many hours of music reach how far up, and save the picture as a PNG.

    Args:
        series: Names, and hours from 0 to 1 kHz, from 1 to 2 kHz, and so on.
        path: Where to save; replaced if it exists, and only once the picture is whole.

    Raises:
        ConfigError: If matplotlib is missing.
        OutputError: If the picture cannot be saved.
        ValueError: If there is nothing to draw.
    """
    bins = max((len(hours) for _, hours in series), default=0)
    if not bins:
        raise ValueError("there must be a series with one bin or more")
    figure = _figure(6.5, 4.2)
    axes = figure.subplots()
    width = 0.9 / len(series)
    for number, (name, hours) in enumerate(series):
        left = np.arange(len(hours)) + 0.05 + number * width
        axes.bar(left, hours, width=width, align="edge", label=name)
    axes.set_xlim(0, bins)
    axes.set_xlabel("frequency in kHz")
    axes.set_ylabel("hours of music")
    axes.legend()
    _save(figure, path)


def _figure(width: float, height: float) -> "Figure":
    """An empty picture that belongs to no window; sizes in inches."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "pictures need matplotlib, which is missing; pip install 'aliquot[plots]'"
        ) from error
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: "Figure", path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(part, format="png")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: the picture cannot be saved ({error.strerror or error}); "
            "check the folder and the free space"
        ) from error
