# ruff: noqa: PT012 (what is raised is raised by leaving the with block)
import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from aliquot.errors import OutputError
from aliquot.io import atomic, writing
from aliquot.io.atomic import PendingFile, check_target
from aliquot.io.formats import CONTAINERS
from aliquot.io.sound import OutputFormat, open_writer

WAV = OutputFormat("WAV", "16", None, ".wav")
SOUND = np.full((2, 100_000), 0.1, np.float32)
EVERY = [
    OutputFormat(name, None if kind.lossy_subtype else "16", None, kind.extension)
    for name, kind in CONTAINERS.items()
]
ids = [form.container for form in EVERY]


def rate_of(form: OutputFormat) -> int:
    return 48_000 if form.container == "OPUS" else 44_100


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("form", "error"),
    [(WAV, e) for e in (RuntimeError, SystemExit, OutputError)]
    + [(form, KeyboardInterrupt) for form in EVERY],
)
def test_an_exception_leaves_nothing(
    tmp_path: Path, form: OutputFormat, error: type[BaseException]
) -> None:
    with (
        pytest.raises(error),
        open_writer(tmp_path / "a.out", form, rate_of(form), 2) as out,
    ):
        out.write(SOUND)
        assert len(names(tmp_path)) == 1
        assert names(tmp_path)[0].endswith(".part")
        raise error
    assert names(tmp_path) == []


def test_an_exception_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"older")
    with (
        pytest.raises(RuntimeError),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2, overwrite=True) as out,
    ):
        out.write(SOUND)
        raise RuntimeError
    assert (tmp_path / "a.wav").read_bytes() == b"older"
    assert names(tmp_path) == ["a.wav"]


def test_the_name_appears_only_when_all_is_done(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    seen = []

    def finish(path: Path) -> None:
        seen.append((path.parent, target.exists(), soundfile.info(path).frames))

    with open_writer(target, WAV, 44_100, 2, finish=finish) as out:
        out.write(SOUND)
        assert not target.exists()
    assert seen == [(tmp_path, False, 100_000)]
    assert names(tmp_path) == ["a.wav"]


def test_a_failure_while_tagging_leaves_nothing(tmp_path: Path) -> None:
    def finish(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OutputError, match="disk is full"),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2, finish=finish) as out,
    ):
        out.write(SOUND)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", ["shorter", "other", "unreadable"])
def test_a_file_that_does_not_reread_as_written_never_gets_its_name(
    tmp_path: Path, damage: str
) -> None:
    def finish(path: Path) -> None:
        if damage == "shorter":
            soundfile.write(path, SOUND[:, :-1].T, 44_100, format="WAV")
        elif damage == "other":
            with path.open("r+b") as file:
                file.seek(-100, 2)
                file.write(b"\x55")
        else:
            path.write_bytes(b"?")

    with (
        pytest.raises(OutputError, match=r"a\.wav .*(came back|cannot be written)"),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2, finish=finish) as out,
    ):
        out.write(SOUND)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES]
)
@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
def test_every_failing_step_is_one_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    places: dict[str, tuple[Any, str]] = {
        "open": (atomic.os, "open"),
        "write": (soundfile.SoundFile, "write"),
        "fsync": (atomic.os, "fsync"),
        "rename": (Path, "replace"),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*places[step], fail)
        with (
            pytest.raises(OutputError) as caught,
            open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out,
        ):
            out.write(SOUND)
    message = str(caught.value)
    assert "a.wav" in message
    assert "\n" not in message
    assert ("disk is full" in message) == (number in {errno.ENOSPC, errno.EDQUOT})
    assert ("not writable" in message) == (number in {errno.EROFS, errno.EACCES})
    assert names(tmp_path) == []


@pytest.mark.parametrize("count", range(4))
def test_a_disk_that_fills_at_any_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    original = soundfile.SoundFile.write
    calls = []

    def write(self: Any, data: Any) -> None:
        calls.append(1)
        if len(calls) > count:
            raise soundfile.LibsndfileError(2, "Error : System error.")
        original(self, data)

    monkeypatch.setattr(soundfile.SoundFile, "write", write)
    monkeypatch.setattr(writing, "PIECE_FRAMES", 20_000)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out,
    ):
        out.write(SOUND)
    assert names(tmp_path) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KiB; skipped where mounting is not permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount program")
    if done.returncode:
        pytest.skip("mounting is not permitted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("form", EVERY, ids=ids)
def test_a_really_full_disk_is_said_and_leaves_nothing(tiny_disk: Path, form: OutputFormat) -> None:
    noise = np.random.default_rng(0).standard_normal((2, 25 * 48_000)).astype(np.float32) * 0.1
    with (
        pytest.raises(OutputError, match=r"disk is full \(\d+ bytes available\); free some space"),
        open_writer(tiny_disk / "a.out", form, rate_of(form), 2) as out,
    ):
        for start in range(0, noise.shape[1], 44_100):
            out.write(noise[:, start : start + 44_100])
    assert names(tiny_disk) == []


def test_what_will_not_fit_is_refused_with_both_numbers(tiny_disk: Path) -> None:
    with pytest.raises(OutputError) as caught:
        open_writer(tiny_disk / "a.wav", WAV, 44_100, 2, expected_frames=1_000_000)
    found = re.search(r"needs about (\d+) bytes but only (\d+) are available", str(caught.value))
    assert found
    assert int(found[1]) == 4_000_000
    assert 0 < int(found[2]) <= 512 * 1024
    assert names(tiny_disk) == []


def test_a_read_only_folder_is_said_to_be_so(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with (
        pytest.raises(OutputError, match=r"folder .* is not writable; change its permissions"),
        open_writer(tiny_disk / "a.wav", WAV, 44_100, 2),
    ):
        pass


def test_targets_that_are_in_the_way_are_refused(tmp_path: Path) -> None:
    source, link, hard = tmp_path / "in.wav", tmp_path / "link.wav", tmp_path / "hard.wav"
    source.write_bytes(b"precious")
    link.symlink_to(source)
    hard.hardlink_to(source)
    for target in (source, link, hard, tmp_path / "." / "in.wav", tmp_path / "x" / ".." / "in.wav"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(OutputError, match=r"is the input itself.*choose another name"):
            check_target(target, sources=[tmp_path / "gone.wav", source], overwrite=True)
    with pytest.raises(OutputError, match="exists; choose another name or allow overwriting"):
        check_target(source)
    with pytest.raises(OutputError, match="is a folder; give the name"):
        check_target(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="does not exist; create it"):
        open_writer(tmp_path / "none" / "a.wav", WAV, 44_100, 2)
    with pytest.raises(OutputError, match="is not a folder"):
        open_writer(source / "a.wav", WAV, 44_100, 2)
    check_target(source, overwrite=True)
    check_target(tmp_path / "new.wav", sources=[source])
    assert source.read_bytes() == b"precious"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="exists"),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out,
    ):
        out.write(SOUND)
        (tmp_path / "a.wav").write_bytes(b"somebody else's")
    assert (tmp_path / "a.wav").read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["a.wav"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out:
        out.write(SOUND)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_bytes_reach_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    flush, rename = atomic.flush_to_disk, Path.replace

    def flushed(path: Path) -> None:
        order.append("folder" if path.is_dir() else "file")
        flush(path)

    def renamed(path: Path, target: Path) -> Path:
        order.append("rename")
        return rename(path, target)

    monkeypatch.setattr(atomic, "flush_to_disk", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    with open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out:
        out.write(SOUND)
    assert order == ["file", "rename", "folder"]


def test_a_killed_process_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    code = (
        "import numpy as np, pathlib, sys\n"
        "from aliquot.io.sound import OutputFormat, open_writer\n"
        "form = OutputFormat('WAV', '16', None, '.wav')\n"
        "with open_writer(pathlib.Path(sys.argv[1]), form, 44100, 2) as out:\n"
        "    while True:\n"
        "        out.write(np.zeros((2, 65536), np.float32))\n"
        "        sys.stdout.write('.'); sys.stdout.flush()\n"
    )
    target = tmp_path / "a.wav"
    for number, remains in ((signal.SIGKILL, 1), (signal.SIGINT, 0)):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # a shell lets commands in the background ignore SIGINT; this one must hear it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert process.stdout is not None
        process.stdout.read(3)
        time.sleep(0.02)
        process.send_signal(number)
        process.wait(timeout=20)
        process.stdout.close()
        assert not target.exists()
        left = names(tmp_path)
        assert len(left) == remains
        for name in left:
            assert name.endswith(".part")
            (tmp_path / name).unlink()


def test_a_writer_refuses_blocks_that_do_not_fit(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.wav", WAV, 44_100, 2)
    with pytest.raises(ValueError, match="not open"):
        writer.write(SOUND)
    with pytest.raises(ValueError, match=r"must be \(2, frames\)"), writer as out:
        out.write(SOUND[:1])
    assert names(tmp_path) == []


def test_numbers_that_are_none_are_never_stored(tmp_path: Path) -> None:
    broken = SOUND.copy()
    broken[1, 5] = np.nan
    with (
        pytest.raises(OutputError, match="NaN or infinite"),
        open_writer(tmp_path / "a.wav", WAV, 44_100, 2) as out,
    ):
        out.write(broken)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("bits", "clipped"), [("16", 3), ("24", 3), ("32f", 0)])
def test_clipping_is_counted(tmp_path: Path, bits: str, clipped: int) -> None:
    loud = SOUND.copy()
    loud[0, [1, 70_000]], loud[1, 2], loud[1, 3] = 1.5, -1.01, -1.0
    with open_writer(tmp_path / "a.wav", OutputFormat("WAV", bits, None, ".wav"), 44_100, 2) as out:
        out.write(loud)
    assert out.clipped == clipped
    assert out.frames == 100_000


def test_two_files_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    first, second = PendingFile(tmp_path / "a.wav"), PendingFile(tmp_path / "a.wav")
    assert first.path != second.path
