"""``aliquot prepare``, and training on what it made, as programs of their own."""

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import soundfile

from aliquot.audio import Waveform
from aliquot.collect.manifest import read_list, read_rows

Program = Callable[..., subprocess.CompletedProcess[str]]

SMOKE = Path(__file__).parent.parent.parent / "settings" / "smoke.toml"


@pytest.fixture
def songs(tmp_path: Path, music: Waveform) -> Path:
    """Six songs of three artists in four formats, below ``songs``."""
    for number, suffix in enumerate(("flac", "wav", "mp3", "ogg", "flac", "wav")):
        path = tmp_path / "songs" / f"artist {number % 3}" / f"song {number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, (0.5 + 0.05 * number) * music.T, 44_100)
    return tmp_path / "songs"


def test_a_folder_of_ones_own_is_prepared_and_trained_on(
    program: Program, songs: Path, tmp_path: Path, music: Waveform
) -> None:
    soundfile.write(songs / "artist 0" / "song 0.flac", (3 * music.T).clip(-0.9, 0.9), 44_100)
    done = program("prepare", "songs")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["songs/manifest.csv", "songs/held-out.txt", ""]
    assert done.stderr.startswith("6 listed, 2 of them held out; 0:18 of music, 3 artists")
    assert "\nnoted: 1 clipped; which: aliquot data report songs/manifest.csv\n" in done.stderr
    held = read_list(songs / "held-out.txt")
    assert len({Path(name).parent for name in held}) == 1
    if find_spec("torch") is None:
        pytest.skip("training needs torch")
    words = ("data.music=songs", "data.held_out=songs/held-out.txt", "optim.steps=2")
    done = program("train", SMOKE, *words, "-o", "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/checkpoint.safetensors").is_file()


def test_a_second_run_measures_nothing_and_changes_nothing(program: Program, songs: Path) -> None:
    first = program("prepare", "songs")
    before = (songs / "manifest.csv").read_bytes(), (songs / "held-out.txt").read_bytes()
    (songs / "manifest.csv").write_bytes(before[0].replace(b",artist 1,", b",Somebody Else,"))
    assert program("prepare", "songs").stdout == first.stdout
    assert b",Somebody Else," in (songs / "manifest.csv").read_bytes()


def test_a_manifest_elsewhere_names_files_from_where_it_lies(
    program: Program, songs: Path, tmp_path: Path
) -> None:
    (tmp_path / "lists").mkdir()
    done = program("prepare", "songs", "--out", "lists/mine.csv", "--held-out", "lists/dev.txt")
    assert done.stdout.split() == ["lists/mine.csv", "lists/dev.txt"]
    for row in read_rows(tmp_path / "lists/mine.csv"):
        assert (tmp_path / "lists" / row.file).is_file()
    assert {path.name for path in songs.iterdir()} == {"artist 0", "artist 1", "artist 2"}


def test_a_bad_file_is_named_the_others_are_listed_and_the_status_is_1(
    program: Program, songs: Path
) -> None:
    (songs / "bad.mp3").write_bytes(b"It was a dark and stormy night.")
    (songs / "twin.wav").write_bytes((songs / "artist 1/song 1.wav").read_bytes())
    done = program("prepare", "songs")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert sum("bad.mp3" in line and line.startswith("aliquot: ") for line in lines) == 1
    assert any("left out: " in line and "byte for byte" in line for line in lines)
    assert len(read_rows(songs / "manifest.csv")) == 6


@pytest.mark.parametrize("name", ["empty", "absent", "file.txt"])
def test_nothing_to_prepare_ends_with_status_3(name: str, program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    done = program("prepare", name)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert name in done.stderr
    assert "give a folder" in done.stderr


def test_a_folder_of_nothing_usable_ends_with_status_4_and_writes_nothing(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.wav").touch()
    done = program("prepare", "bad")
    assert done.returncode == 4
    assert "a.wav" in done.stderr
    assert {path.name for path in (tmp_path / "bad").iterdir()} == {"a.wav"}


def test_a_collection_without_treble_is_said_to_be_one(
    program: Program, tmp_path: Path, dull: Waveform
) -> None:
    (tmp_path / "dull").mkdir()
    for number in range(2):
        soundfile.write(tmp_path / f"dull/{number}.wav", (0.5 + number / 9) * dull.T, 44_100)
    done = program("prepare", "dull")
    assert done.returncode == 0
    assert "warning: no recording carries sound above" in done.stderr
    soundfile.write(tmp_path / "dull/3.wav", 0.3 * dull.T[:100_000], 44_100)
    done = program("prepare", "dull", "--min-bandwidth", "12000")
    assert done.returncode == 4
    assert "under --min-bandwidth 12000" in done.stderr
