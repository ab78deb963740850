"""A decoder may crash, hang or ask for all the memory: it is one recording's finding, no more."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

import aliquot
from aliquot.collect.examine import Examination, Examiner, as_json, examine, from_json
from aliquot.collect.findings import Limits
from aliquot.collect.measure import _Meters, measure

BROKEN = """
import os, signal, time
import aliquot.collect.measure as module

def broken(path, real=module.open_reader):
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in path.name:
        while True:
            time.sleep(0.01)
    if "deaf" in path.name:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(0.01)
    if "greed" in path.name:
        bytearray(64 << 30)
    if "bug" in path.name:
        raise RuntimeError("a bug of ours")
    if "chatter" in path.name:
        os.write(1, b"warning: what C libraries print\\n")
    return real(path)

module.open_reader = broken
"""


@pytest.fixture
def folder(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of a recording whose names say how their decoder breaks."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "sitecustomize.py").write_text(BROKEN)
    package = Path(aliquot.__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "code"), str(package)]))
    for name in ("good", "crash", "hang", "deaf", "greed", "bug", "chatter"):
        shutil.copy(library / "full.flac", tmp_path / f"{name}.flac")
    return tmp_path


def reason(found: Examination) -> str:
    assert [finding.kind for finding in found.problems] == ["unreadable"]
    return found.problems[0].detail


def test_whatever_breaks_is_named_and_the_next_one_is_examined(folder: Path) -> None:
    with Examiner(time_limit=60.0) as examiner:
        good = examiner.examine(folder / "good.flac")
        assert good.seconds == 3.0
        for name, said in (
            ("crash", f"ended by signal {int(signal.SIGSEGV)}"), ("bug", "a bug of ours"),
            ("greed", "more memory than it may have"), ("absent", "does not exist"),
        ):  # fmt: skip
            text = reason(examiner.examine(folder / f"{name}.flac"))
            assert said in text
            assert f"{name}.flac" in text
        for name in ("good", "chatter"):
            again = examiner.examine(folder / f"{name}.flac")
            assert as_json(again) == as_json(good)


@pytest.mark.parametrize("name", ["hang", "deaf"])
def test_what_takes_too_long_is_ended(name: str, folder: Path) -> None:
    began = time.monotonic()
    text = reason(examine(folder / f"{name}.flac", time_limit=0.5))
    assert "not decoded within 0.5 s" in text
    assert time.monotonic() - began < 20


def test_the_process_says_what_this_one_would(folder: Path, library: Path) -> None:
    for name in ("full.flac", "dull.mp3"):
        here = measure(library / name, Limits())
        assert as_json(examine(library / name)) == as_json(here)
        assert as_json(from_json(as_json(here))) == as_json(here)
    short = examine(library / "full.flac", limits=Limits(least_seconds=5.0))
    assert "short" in {finding.kind for finding in short.problems}


def test_many_threads_may_examine_each_with_its_own(library: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(examine, [library / "full.flac"] * 3))
    assert len({found_one.sha256 for found_one in found}) == 1
    assert all(found_one.bandwidth_hz == found[0].bandwidth_hz for found_one in found)


def test_closing_from_another_thread_ends_an_examination(folder: Path) -> None:
    examiner = Examiner()
    threading.Timer(3.0, examiner.close).start()
    began = time.monotonic()
    assert "broken off" in reason(examiner.examine(folder / "hang.flac"))
    assert "broken off" in reason(examiner.examine(folder / "good.flac"))
    assert time.monotonic() - began < 30


def test_a_worker_whose_parent_was_killed_ends_although_its_decoder_hangs(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from aliquot.collect.examine import Examiner\n"
        "e = Examiner(); e.examine(Path(sys.argv[1])); print(e._process.pid, flush=True)\n"
        "e.examine(Path(sys.argv[2]))\n"
    )
    words = [str(folder / "good.flac"), str(folder / "hang.flac")]
    command = [sys.executable, "-c", code, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.kill()
    deadline = time.monotonic() + 20
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(worker)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="limits must be positive, got 0 s"):
        Examiner(time_limit=0)


def test_memory_does_not_grow_with_length(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of a minute are handed on, and no meter holds more than a few seconds of them."""
    held: list[int] = []
    update = _Meters.update

    def watched(self: _Meters, block: "np.ndarray") -> None:  # type: ignore[type-arg]
        update(self, block)
        pending = self.fingerprint._pending
        held.append(max(self.reach._pending_samples, 0 if pending is None else pending.shape[1]))

    monkeypatch.setattr(_Meters, "update", watched)
    noise = 0.1 * np.random.default_rng(0).standard_normal((60 * 44_100, 1))
    soundfile.write(tmp_path / "long.wav", noise, 44_100)
    measure(tmp_path / "long.wav", Limits())
    assert max(held) < 6 * 44_100
    assert len(held) > 30
