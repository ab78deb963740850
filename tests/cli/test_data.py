"""``aliquot data report``: in words, in JSON and as a picture."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from aliquot.collect.manifest import Row, as_csv

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        Row("a.flac", 7200.0, bandwidth_hz=20_500.0, bandwidth_typical_hz=20_500.0, licence="CC0",
            genre="rock", artist="A", notes="clipped: 1 %"),
        Row("b.flac", 3600.0, bandwidth_hz=4_500.0, bandwidth_typical_hz=4_200.0, artist="B"),
    ]  # fmt: skip
    (tmp_path / "manifest.csv").write_text(as_csv(rows))
    return tmp_path


def test_the_report_names_hours_and_problems(run: Run, folder: Path) -> None:
    done = run("data", "report", folder)
    assert done.exit_code == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "2 recordings, 3.00 h, 2 artists"
    for line in ("2.00 h CC0", "1.00 h unknown", "2.00 h rock", "1.00 h under 8 kHz"):
        assert line in lines
    assert lines[lines.index("clipped: 1") + 1] == "a.flac"
    assert "missing: 2" in lines


def test_less_than_an_hour_is_told_in_minutes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(as_csv([Row("a.flac", 90.0, licence="CC0")]))
    lines = [" ".join(line.split()) for line in run("data", "report", tmp_path).stdout.splitlines()]
    assert lines[0] == "1 recordings, 1.50 min, 1 artists"
    assert "1.50 min CC0" in lines


def test_json_is_one_line_with_all_of_it(run: Run, folder: Path) -> None:
    done = run("data", "report", folder, "--json")
    assert len(done.stdout.splitlines()) == 1
    found = json.loads(done.stdout)
    assert found["hours"] == pytest.approx(3.0)
    assert found["by_licence"] == {"CC0": 2.0, "unknown": 1.0}
    assert found["problems"]["clipped"] == ["a.flac"]
    assert found["highest_hours"][20] == pytest.approx(2.0)


def test_the_picture_has_bars_as_high_as_the_hours(run: Run, folder: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    done = run("data", "report", folder, "--plot", folder / "h.png")
    assert done.exit_code == 0, done.stderr
    picture = image.imread(folder / "h.png")[..., :3]
    blue = np.all(np.abs(picture - np.array([0x1F, 0x77, 0xB4]) / 255) < 0.05, axis=2)
    # Left of the legend's text the bar at 4 kHz, far right the one at 20 kHz, twice as high.
    half = picture.shape[1] // 2
    low, high = blue[150:, :half].any(axis=1).sum(), blue[:, half:].any(axis=1).sum()
    assert high == pytest.approx(2 * low, rel=0.05)


def test_what_cannot_be_reported_is_one_line_with_the_cure(run: Run, folder: Path) -> None:
    for words, said in (
        ((folder / "absent",), "make one: aliquot prepare"),
        ((folder, "--plot", "x.jpg"), "ends in .png"),
    ):  # fmt: skip
        done = run("data", "report", *words)
        assert done.exit_code == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
