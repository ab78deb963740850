"""``aliquot inspect`` and ``aliquot models``."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_inspect_says_where_the_sound_ends(run: Run, library: Path) -> None:
    done = run("inspect", library / "dull.wav")
    assert done.exit_code == 0
    assert "band-limited" in done.stdout
    row = json.loads(run("inspect", library / "dull.wav", "--json").stdout)
    assert row["kind"] == "band-limited"
    assert row["bandwidth"]["cutoff_hz"] == pytest.approx(8_000, abs=300)


def test_inspect_calls_full_band_music_full_band(run: Run, library: Path) -> None:
    assert "full-band" in run("inspect", library / "full.flac").stdout


def test_inspect_of_a_bad_file_ends_with_status_4(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").touch()
    done = run("inspect", tmp_path / "bad.wav")
    assert done.exit_code == 4
    assert len(done.stderr.splitlines()) == 1
    assert "bad.wav" in done.stderr


def test_inspect_draws_a_picture(run: Run, library: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    shutil.copy(library / "dull.wav", tmp_path)
    assert run("inspect", tmp_path / "dull.wav", "--plot", tmp_path / "x.png").exit_code == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_never_replaces_the_recording(run: Run, library: Path, tmp_path: Path) -> None:
    shutil.copy(library / "dull.wav", tmp_path)
    done = run("inspect", tmp_path / "dull.wav", "--plot", tmp_path / "dull.wav")
    assert done.exit_code == 2
    assert (tmp_path / "dull.wav").read_bytes() == (library / "dull.wav").read_bytes()


def test_models_are_listed_with_the_default_marked(run: Run) -> None:
    done = run("models", "list")
    assert done.exit_code == 0
    assert sum("(default)" in line for line in done.stdout.splitlines()) == 1
    rows = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert "aliquot-1" in [row["name"] for row in rows]


def test_a_model_is_shown_with_licence_card_and_hash(run: Run) -> None:
    row = json.loads(run("models", "show", "default", "--json").stdout)
    assert row["licence"]
    assert row["card"].endswith(f"{row['name']}.md")
    assert len(row["sha256"]) == 64
    assert row["sha256"] in run("models", "show").stdout


def test_an_unknown_model_ends_with_status_2_and_names_those_there_are(run: Run) -> None:
    done = run("models", "show", "aliquot-99")
    assert done.exit_code == 2
    assert "aliquot-1" in done.stderr
