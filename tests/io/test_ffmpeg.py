# ruff: noqa: PT012 (what is raised is raised by leaving the with block)
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.errors import InputError
from aliquot.io import ffmpeg
from aliquot.io.ffprobe import guarded
from aliquot.io.sound import open_reader

pytestmark = [
    pytest.mark.ffmpeg,
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing"),
]
RATE = 44_100
FRAMES = 2 * RATE


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    time_axis = np.arange(FRAMES) / RATE
    samples = np.stack([np.sin(2 * np.pi * 440 * time_axis), np.sin(2 * np.pi * 660 * time_axis)])
    path = tmp_path_factory.mktemp("ffmpeg") / "source.wav"
    soundfile.write(path, 0.3 * samples.T, RATE, subtype="PCM_16")
    return path


def encode(source: Path, target: Path, *options: str) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *options, target], check=True)
    return target


def everything(path: Path) -> tuple[np.ndarray, list[str]]:
    with open_reader(path) as reader:
        blocks = list(reader.blocks(10_000))
        return np.concatenate(blocks, axis=1), reader.warnings


@pytest.mark.parametrize(
    ("name", "options", "container", "bits"),
    [
        ("a.m4a", ["-c:a", "alac"], "M4A", 16),
        ("a.wv", [], "WAVPACK", 16),
        ("a.tta", [], "OTHER", 16),
        ("a.oga", ["-c:a", "flac"], "OTHER", 16),
        ("a.mka", ["-c:a", "flac"], "VIDEO", 16),
        ("a.avi", ["-c:a", "pcm_s16le"], "VIDEO", 16),
        ("a.au", [], "OTHER", 16),
    ],
)
def test_what_is_lossless_comes_back_sample_for_sample(
    source: Path, tmp_path: Path, name: str, options: list[str], container: str, bits: int
) -> None:
    samples, warnings = everything(encode(source, tmp_path / name, *options))
    expected, _ = soundfile.read(source, dtype="float32")
    np.testing.assert_array_equal(samples, expected.T)
    assert warnings == []
    with open_reader(tmp_path / name) as reader:
        info = reader.info
    assert (info.container, info.lossless, info.bits) == (container, True, bits)


@pytest.mark.parametrize(
    ("name", "options", "container"),
    [
        ("a.m4a", ["-c:a", "aac", "-b:a", "192k"], "M4A"),
        ("a.aac", ["-c:a", "aac", "-b:a", "192k"], "OTHER"),
        ("a.wma", ["-b:a", "192k"], "WMA"),
        ("a.mp4", ["-c:a", "aac", "-b:a", "192k"], "VIDEO"),
        ("a.mkv", ["-c:a", "libvorbis"], "VIDEO"),
        ("a.ts", ["-c:a", "mp2", "-b:a", "192k"], "VIDEO"),
        ("a.mpg", ["-c:a", "mp2", "-b:a", "192k"], "VIDEO"),
        ("a.flv", ["-c:a", "mp3", "-b:a", "192k"], "VIDEO"),
        ("a.ac3", ["-b:a", "192k"], "OTHER"),
    ],
)
def test_lossy_containers_come_back_about_right(
    source: Path, tmp_path: Path, name: str, options: list[str], container: str
) -> None:
    samples, warnings = everything(encode(source, tmp_path / name, *options))
    assert warnings == []
    assert samples.shape[0] == 2
    assert abs(samples.shape[1] - FRAMES) < 0.1 * RATE
    middle = samples[:, RATE // 2 : RATE // 2 + RATE].astype(float)
    assert np.sqrt((middle**2).mean(axis=1)) == pytest.approx([0.212, 0.212], rel=0.03)
    spectrum = abs(np.fft.rfft(middle))
    assert spectrum.argmax(axis=1).tolist() == [440, 660]  # left is left
    with open_reader(tmp_path / name) as reader:
        assert (reader.info.container, reader.info.lossless) == (container, False)
        assert reader.info.bits is None


def test_a_film_gives_its_sound(source: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    picture = ["-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=3"]
    command = [
        "ffmpeg",
        "-v",
        "error",
        *picture,
        "-i",
        source,
        "-c:v",
        "mpeg4",
        "-c:a",
        "aac",
        film,
    ]
    subprocess.run(command, check=True)
    samples, _ = everything(film)
    assert samples.shape[0] == 2


def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    picture = ["-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *picture, "-c:v", "mpeg4", film], check=True)
    with pytest.raises(InputError, match=r"film\.mp4 has no sound in it; give"):
        open_reader(film)


def test_surround_keeps_its_six_channels(tmp_path: Path) -> None:
    levels = 0.1 * np.arange(1, 7)
    soundfile.write(tmp_path / "a.wav", np.ones((RATE, 6)) * levels, RATE, subtype="PCM_16")
    six = ["-channel_layout", "5.1"]
    command = ["ffmpeg", "-v", "error", *six, "-i", tmp_path / "a.wav", "-c:a", "alac"]
    subprocess.run([*command, tmp_path / "a.m4a"], check=True)
    samples, _ = everything(tmp_path / "a.m4a")
    np.testing.assert_allclose(samples[:, 1_000], levels, atol=1e-3)


def test_an_excerpt_is_that_part_of_the_whole(source: Path, tmp_path: Path) -> None:
    path = encode(source, tmp_path / "a.m4a", "-c:a", "aac")
    whole, _ = everything(path)
    with open_reader(path) as reader:
        part = np.concatenate(list(reader.blocks(999, 0.5, 1.0)), axis=1)
    np.testing.assert_array_equal(part, whole[:, RATE // 2 : RATE // 2 + RATE])


def test_a_cut_off_file_is_refused_or_warned_of(source: Path, tmp_path: Path) -> None:
    whole = encode(source, tmp_path / "a.m4a", "-c:a", "alac").read_bytes()
    (tmp_path / "no-index.m4a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"no-index\.m4a cannot be read by ffmpeg \("):
        open_reader(tmp_path / "no-index.m4a")
    front = encode(source, tmp_path / "b.m4a", "-c:a", "alac", "-movflags", "faststart")
    (tmp_path / "half.m4a").write_bytes(front.read_bytes()[: len(whole) // 2])
    samples, warnings = everything(tmp_path / "half.m4a")
    assert 0 < samples.shape[1] < 0.8 * FRAMES
    assert any("cut off" in text for text in warnings)


def test_without_ffmpeg_the_error_says_how_to_get_it(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(source, tmp_path / "a.m4a", "-c:a", "aac")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"a\.m4a needs .*; install it \(apt install ffmpeg"):
        open_reader(path)


@pytest.mark.parametrize(
    "name", ["-i.m4a", "http:x.m4a", "a b'c\".m4a", "%03d.m4a", "concat:x|y.m4a"]
)
def test_names_are_names_and_never_options_or_addresses(
    source: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(source, tmp_path / "plain.m4a", "-c:a", "alac").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    samples, _ = everything(Path(name))
    assert samples.shape == (2, FRAMES)


def test_only_local_files_are_in_reach() -> None:
    options = guarded("ffmpeg")
    assert options[options.index("-protocol_whitelist") + 1] == "file,pipe"
    listed = options[options.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "concat", "dash", "image2", "lavfi", "sdp"} & set(listed)


def children() -> set[str]:
    text = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children").read_text()
    return set(text.split())


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc")
def test_no_process_outlives_its_reader(source: Path, tmp_path: Path) -> None:
    path = encode(source, tmp_path / "a.wv")
    before = children()
    with open_reader(path) as reader:
        next(reader.blocks(100))
        assert len(children() - before) == 1
    assert children() == before
    with pytest.raises(KeyboardInterrupt), open_reader(path) as reader:
        next(reader.blocks(100))
        raise KeyboardInterrupt
    assert children() == before


def test_a_decoder_that_hangs_is_ended(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(source, tmp_path / "a.m4a", "-c:a", "alac")
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(ffmpeg, "find", lambda program, path: str(sleeper))
    started = time.monotonic()
    with open_reader(path) as reader, pytest.raises(InputError, match="gave nothing for"):
        list(reader.blocks())
    assert time.monotonic() - started < 5
