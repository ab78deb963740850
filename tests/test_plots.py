from pathlib import Path

import numpy as np
import pytest

from aliquot.errors import OutputError
from aliquot.plots import level_db, spectrogram_plot

pytest.importorskip("matplotlib")
RATE = 44_100


def tone(freq_hz: float, seconds: float = 1.0) -> np.ndarray:
    phase = 2 * np.pi * freq_hz / RATE * np.arange(round(seconds * RATE))
    return np.sin(phase).astype(np.float32)[None]


def test_a_sine_at_full_scale_has_0_db_at_its_frequency() -> None:
    levels, hop = level_db(tone(100 * RATE / 2048))
    assert (levels.shape[0], hop) == (1025, 512)
    assert levels[:, 40].argmax() == 100
    assert levels[100, 40] == pytest.approx(0.0, abs=0.01)


def test_long_recordings_get_no_more_columns_than_a_picture_holds() -> None:
    levels, hop = level_db(tone(1_000.0, 60.0))
    assert levels.shape[1] <= 1_502
    assert hop > 512


def test_panels_stand_side_by_side_with_high_sounds_above(tmp_path: Path) -> None:
    """A low and a high tone: the brightest row of the left panel lies below the right one's."""
    from matplotlib.image import imread

    path = tmp_path / "a.png"
    spectrogram_plot([("low", tone(2_000.0)), ("high", tone(18_000.0))], RATE, path)
    picture = imread(path)
    assert picture.shape[1] > 1.5 * picture.shape[0]
    warm = picture[40:-60, :, 0] * picture[40:-60, :, 1] * (picture[40:-60, :, 2] < 0.8)
    half = picture.shape[1] // 2
    rows = [
        warm[:, part].sum(axis=1).argmax() for part in (slice(150, half - 60), slice(half, -220))
    ]
    assert rows[0] > rows[1] + 100
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_the_cutoff_is_drawn_as_a_line_at_its_frequency(tmp_path: Path) -> None:
    """Lines at 4 and 16 kHz are 12 / 22.05 of the axes apart, which are most of the picture."""
    from matplotlib.image import imread

    rows = {}
    for cutoff_hz in (None, 4_000.0, 16_000.0):
        spectrogram_plot([("x", tone(2_000.0))], RATE, tmp_path / "a.png", cutoff_hz)
        image = imread(tmp_path / "a.png")
        cyan = (image[..., 0] < 0.1) & (image[..., 1] > 0.9) & (image[..., 2] > 0.9)
        rows[cutoff_hz] = np.flatnonzero(cyan.sum(axis=1) > 50)
    assert rows[None].size == 0
    apart = (rows[4_000.0].mean() - rows[16_000.0].mean()) / image.shape[0]
    assert 0.6 * 12 / 22.05 < apart < 12 / 22.05


def test_a_folder_that_is_not_there_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"no/a\.png.*check the folder"):
        spectrogram_plot([("x", tone(2_000.0))], RATE, tmp_path / "no" / "a.png")


def test_nothing_to_draw_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one panel or more"):
        spectrogram_plot([], RATE, tmp_path / "a.png")
