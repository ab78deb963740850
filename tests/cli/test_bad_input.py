"""What goes wrong: the exit status, one line with the file's name and the cure, nothing left."""

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

Program = Callable[..., subprocess.CompletedProcess[str]]
Files = Callable[[], dict[str, bytes]]


def wav(rate: int, channels: int, frames: int = 2_000) -> bytes:
    """A WAV file whose header says what it is told to say."""
    data = bytes(2 * frames * channels)
    bytes_per_second = min(2 * rate * channels, 2**32 - 1)
    fmt = struct.pack("<HHIIHH", 1, channels, rate, bytes_per_second, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cut_flac(folder: Path) -> bytes:
    path = folder / "whole.flac"
    tone = np.sin(np.arange(200_000) / 7).astype(np.float32)
    soundfile.write(path, np.stack([tone, tone], axis=1), 44_100)
    data = path.read_bytes()
    path.unlink()
    return data[: len(data) // 2]


BAD: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "no bytes at all": ("bad.wav", lambda _: b"", "copy or download it again"),
    "a header without its end": ("bad.wav", lambda _: wav(44_100, 2)[:30], "copy it again"),
    "a file cut in half": ("bad.flac", cut_flac, "copy or download it again"),
    "text": ("bad.mp3", lambda _: b"It was a dark and stormy night.\n" * 200, "give a WAV, FLAC"),
    "a sample rate of 1e9 Hz": ("bad.wav", lambda _: wav(1_000_000_000, 2), "resample it"),
    "255 channels": ("bad.wav", lambda _: wav(44_100, 255), "mix it down"),
}


def assert_one_line(done: subprocess.CompletedProcess[str], name: str, cure: str) -> None:
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("aliquot: ")
    assert name in lines[0]
    assert cure in lines[0].rpartition("; ")[2], lines[0]
    assert done.stdout == ""


@pytest.mark.parametrize("what", BAD)
def test_an_unreadable_input_ends_with_status_4(
    what: str, program: Program, files: Files, tmp_path: Path
) -> None:
    name, make, cure = BAD[what]
    (tmp_path / name).write_bytes(make(tmp_path))
    before = files()
    done = program("restore", name)
    assert done.returncode == 4
    assert_one_line(done, name, cure)
    assert files() == before


@pytest.mark.parametrize("what", BAD)
def test_a_folder_for_the_result_of_a_bad_input_is_not_left_empty(
    what: str, program: Program, tmp_path: Path
) -> None:
    name, make, _ = BAD[what]
    (tmp_path / name).write_bytes(make(tmp_path))
    assert program("restore", name, "-o", "new/folder").returncode == 4
    assert not (tmp_path / "new").exists()


def test_an_input_that_does_not_exist_ends_with_status_3(program: Program, files: Files) -> None:
    done = program("restore", "missing.wav")
    assert done.returncode == 3
    assert_one_line(done, "missing.wav", "check the name")
    assert files() == {}


def test_a_cut_mp3_is_restored_as_far_as_it_goes_with_a_warning(
    program: Program, library: Path, tmp_path: Path
) -> None:
    data = (library / "dull.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) // 2])
    done = program("restore", "cut.mp3")
    assert done.returncode == 0
    assert "warning: cut.mp3" in done.stderr
    assert soundfile.info(tmp_path / "cut.restored.flac").duration == pytest.approx(1.5, abs=0.2)


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system of one's own, with options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def attach(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
            pytest.skip("only root can mount a file system")
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("this system does not allow mounting")
        mounted.append(folder)
        return folder

    yield attach
    for path in mounted:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("size", ["16k", "300k"])
def test_a_full_disk_ends_with_status_5_and_leaves_it_empty(
    size: str, program: Program, mount: Callable[[str], Path], library: Path, tmp_path: Path
) -> None:
    shutil.copy(library / "dull.mp3", tmp_path / "song.mp3")
    disk = mount(f"size={size}")
    done = program("restore", "song.mp3", "-o", "disk/song.flac")
    assert done.returncode == 5
    assert_one_line(done, "song.flac", "free some space")
    assert "available" in done.stderr
    assert list(disk.iterdir()) == []


def test_a_folder_that_cannot_be_written_ends_with_status_5(
    program: Program, mount: Callable[[str], Path], library: Path, tmp_path: Path
) -> None:
    shutil.copy(library / "dull.wav", tmp_path / "song.wav")
    disk = mount("size=1m,ro")
    for out in ("disk", "disk/new", "disk/song.wav"):
        done = program("restore", "song.wav", "-o", out)
        assert done.returncode == 5
        assert_one_line(done, "song.wav", "choose another folder")
        assert list(disk.iterdir()) == []


def test_a_folder_below_a_file_ends_with_status_5(
    program: Program, files: Files, library: Path, tmp_path: Path
) -> None:
    shutil.copy(library / "dull.wav", tmp_path / "song.wav")
    (tmp_path / "file").write_text("not a folder")
    before = files()
    done = program("restore", "song.wav", "-o", "file/folder")
    assert done.returncode == 5
    assert_one_line(done, "song.wav", "choose another folder")
    assert files() == before


@pytest.mark.parametrize("out", ["song.wav", ".", "link.wav", "../{folder}/song.wav"])
def test_an_output_equal_to_the_input_is_refused_with_status_2(
    out: str, program: Program, files: Files, library: Path, tmp_path: Path
) -> None:
    shutil.copy(library / "dull.wav", tmp_path / "song.wav")
    (tmp_path / "link.wav").symlink_to("song.wav")
    before = files()
    done = program("restore", "song.wav", "--overwrite", "-o", out.format(folder=tmp_path.name))
    assert done.returncode == 2
    assert_one_line(done, "song.wav", "give -o another path")
    assert files() == before


def test_a_bad_file_does_not_stop_the_others(
    program: Program, files: Files, library: Path, tmp_path: Path
) -> None:
    shutil.copy(library / "dull.wav", tmp_path / "b good.wav")
    for number, (name, make, _) in enumerate(BAD.values()):
        (tmp_path / f"{'ac'[number % 2]}{number}-{name}").write_bytes(make(tmp_path))
    before = files()
    done = program("restore", ".")
    assert done.returncode == 1
    assert done.stdout == "b good.restored.wav\n"
    assert done.stderr.splitlines()[-1].startswith(f"1 restored, {len(BAD)} failed")
    assert "Traceback" not in done.stderr
    assert files().keys() - before.keys() == {"b good.restored.wav"}
