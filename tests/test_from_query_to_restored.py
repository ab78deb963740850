"""The way from a query to a restored recording, as the guide shows it, from nothing."""

import csv
import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.collect.manifest import read_list

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command of the guide has made."""
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "guide" / "collecting.md").read_text("utf-8")
    (line,) = re.findall(r"^python (examples/from_query_to_restored\.py .*)$", page, re.M)
    script, _ = shlex.split(line)
    made = tmp_path_factory.mktemp("way") / "made"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(ROOT / script), str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    commands = re.findall(r"^\$ aliquot (\w+)", done.stdout, re.M)
    assert commands == ["collect", "data", "train", "export", "restore"]
    return made


def test_the_manifest_is_complete_and_what_is_not_free_is_not_in_it(folder: Path) -> None:
    music = folder / "music"
    with (music / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["licence"] for row in rows} == {"CC-BY-4.0", "CC0-1.0", "PDM-1.0"}
    credited = (music / "ATTRIBUTION.md").read_text("utf-8")
    for row in rows:
        assert [name for name, text in row.items() if not text and name != "notes"] == []
        data = (music / row["file"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert row["title"] in credited
    assert {row["file"] for row in rows} > set(read_list(music / "held-out.txt")) > set()
    with (music / "rejected.csv").open(encoding="utf-8") as file:
        rejected = {row["licence"]: row["reason"] for row in csv.DictReader(file)}
    assert set(rejected) == {"CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-SA-4.0", ""}
    assert all(rejected.values())


def test_the_restored_recording_has_its_length_its_given_band_and_treble(folder: Path) -> None:
    (held, *_) = read_list(folder / "music" / "held-out.txt")
    (original, rate), (dull, _), (restored, same) = (
        soundfile.read(path) for path in
        (folder / "music" / held, folder / "dull.wav", folder / "restored.wav")
    )  # fmt: skip
    assert same == rate
    assert restored.shape == dull.shape == original.shape
    freqs = np.fft.rfftfreq(len(dull), 1 / rate)

    def level_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
        inside = (freqs >= low_hz) & (freqs < high_hz)
        spectrum = np.fft.rfft(samples * np.hanning(len(samples))[:, None], axis=0)[inside]
        power = np.sum(np.abs(spectrum) ** 2) / (0.375 * len(samples) ** 2 / 2)
        return float(10 * np.log10(power / samples.shape[1]))

    high = (8_500.0, 20_000.0)
    assert level_db(dull, *high) < level_db(original, *high) - 30
    assert level_db(restored, *high) == pytest.approx(level_db(original, *high), abs=15)
    assert level_db(restored - dull, 0, 7_000) < -80  # dither included
