"""``aliquot prepare`` broken off by Ctrl-C, by kill -9, again and again: nothing is done twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import aliquot
from aliquot.collect.examined import examined_path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

SLOW = """
import os, time
import aliquot.collect.measure as module

def slow(path, real=module.open_reader):
    with open(os.environ["EXAMINED_LOG"], "a") as log:
        log.write(path.name + "\\n")
    time.sleep(0.15)
    return real(path)

module.open_reader = slow
"""
FILES = 12
LISTS = ("manifest.csv", "held-out.txt")


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve songs by four artists, a silent one too; decoding one takes some time and is noted."""
    rng = np.random.default_rng(0)
    for number in range(FILES):
        path = tmp_path / "songs" / f"artist {number % 4}" / f"{number:02}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        level = 0.0 if number == 5 else 0.1
        soundfile.write(path, level * rng.standard_normal(3 * 8_000), 8_000)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "sitecustomize.py").write_text(SLOW)
    package = Path(aliquot.__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "code"), str(package)]))
    monkeypatch.setenv("EXAMINED_LOG", str(tmp_path / "log"))
    return tmp_path / "songs"


def begin(songs: Path, **streams: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "aliquot", "prepare", str(songs), "--jobs", "1"]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        command,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


def log_of(songs: Path) -> list[str]:
    log = songs.parent / "log"
    return log.read_text().split() if log.exists() else []


def put_down(songs: Path) -> int:
    path = examined_path(songs / "manifest.csv")
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def undisturbed(songs: Path) -> dict[str, bytes]:
    """What a run that nobody disturbs writes; its traces are gone."""
    with begin(songs) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert len(log_of(songs)) == FILES
    wanted = {name: (songs / name).read_bytes() for name in LISTS}
    for path in (*songs.glob(".manifest*"), *(songs / name for name in LISTS)):
        path.unlink()
    (songs.parent / "log").unlink()
    return wanted


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(
    songs: Path, undisturbed: dict[str, bytes]
) -> None:
    with begin(songs) as process:
        wait_for(lambda: put_down(songs) >= 3)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in said
    assert not (songs / "manifest.csv").exists()
    finished = put_down(songs)
    with begin(songs) as process:
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert {name: (songs / name).read_bytes() for name in LISTS} == undisturbed
    twice = [name for name, times in Counter(log_of(songs)).items() if times > 1]
    assert len(twice) <= 1  # the one it was at
    assert finished >= 3


def ends_by_itself(songs: Path, seconds: float) -> bool:
    """Kill a run some time after it has begun to examine; False if it was killed."""
    before = len(log_of(songs))
    with begin(songs) as process:
        wait_for(lambda: len(log_of(songs)) > before or process.poll() is not None)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return False
    assert process.returncode == 0
    return True


def test_killed_at_random_moments_the_result_is_the_same_and_nothing_is_done_twice(
    songs: Path, undisturbed: dict[str, bytes]
) -> None:
    rng = np.random.default_rng(3)
    kills = 0
    while not ends_by_itself(songs, float(rng.uniform(0.0, 0.5))):
        kills += 1
    assert kills >= 4
    assert {name: (songs / name).read_bytes() for name in LISTS} == undisturbed
    # Each kill costs the recordings under way, at most: the one, and the next one handed over.
    assert len(log_of(songs)) <= FILES + 2 * kills
    assert max(Counter(log_of(songs)).values()) <= kills + 1
    names = {path.name for path in songs.iterdir() if path.is_file()}
    assert names == {*LISTS, ".manifest.csv.examined", ".manifest.csv.fingerprints"}


def test_a_terminal_shows_how_much_is_done_and_how_long_it_will_take(songs: Path) -> None:
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (25, 100))
    with begin(songs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        try:
            while piece := os.read(ours, 4_096):
                seen += piece
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    text = seen.decode(errors="replace")
    assert process.returncode == 0
    bars = [line for line in text.split("\r") if "%|" in line]
    assert any(".wav" in line and "<00:" in line for line in bars), text[:2_000]
