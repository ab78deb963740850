"""`benchmarks/debian_music.py`, on a package made here: nothing is downloaded."""

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import debian_music
import numpy as np
import pytest
import soundfile

from aliquot.collect.manifest import Row

RATE = 44_100


def wav(level: float, seconds: float = 0.5, rate: int = RATE, channels: int = 1) -> bytes:
    held = io.BytesIO()
    samples = np.full((round(seconds * rate), channels), level, np.float32)
    soundfile.write(held, samples, rate, format="WAV", subtype="FLOAT")
    return held.getvalue()


SONG, ONE, TWO, OTHER_RATE = wav(0.5), wav(0.25), wav(-0.25, channels=2), wav(0.1, rate=22_050)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("dpkg-deb"):
        pytest.skip("needs dpkg-deb")
    root = tmp_path_factory.mktemp("deb") / "tones"
    (root / "DEBIAN").mkdir(parents=True)
    control = "Package: tones\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: -\n"
    (root / "DEBIAN" / "control").write_text(control)
    (root / "usr" / "voice").mkdir(parents=True)
    (root / "usr" / "song.wav").write_bytes(SONG)
    (root / "usr" / "voice" / "b.wav").write_bytes(TWO)
    (root / "usr" / "voice" / "a.wav").write_bytes(ONE)
    with zipfile.ZipFile(root / "usr" / "all.zip", "w") as archive:
        archive.writestr("audio/c.wav", OTHER_RATE)
        archive.writestr("audio/a/b.wav", ONE)
        archive.writestr("audio/song.ogg", SONG)
    path = root.with_suffix(".deb")
    subprocess.run(["dpkg-deb", "--build", root, path], check=True, capture_output=True)
    return path


def row(file: str, path: str, *contents: bytes, seconds: float = 9.0) -> Row:
    return Row(
        file=file,
        seconds=seconds,
        sample_rate=RATE,
        source=f"Debian tones 1: {path}",
        sha256=hashlib.sha256(b"".join(contents)).hexdigest(),
    )


def fetched(package: Path, to: Path, monkeypatch: pytest.MonkeyPatch, *rows: Row) -> list[Row]:
    monkeypatch.setattr(debian_music, "downloaded", lambda *_: package)
    return debian_music.fetch(list(rows), to)


def test_a_recording_comes_as_it_is(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = row("song.wav", "usr/song.wav", SONG), row("z.wav", "usr/all.zip/audio/song.ogg", SONG)
    assert fetched(package, tmp_path, monkeypatch, *wanted) == [*wanted]
    assert (tmp_path / "song.wav").read_bytes() == SONG == (tmp_path / "z.wav").read_bytes()


def test_what_fits_wildcards_is_joined_in_the_order_of_names(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second each and 50 ms after it: 0.25 first, then -0.25 of both channels."""
    (there,) = fetched(package, tmp_path, monkeypatch, row("v.flac", "usr/voice/*", ONE, TWO))
    samples, rate = soundfile.read(tmp_path / "v.flac")
    assert (len(samples), rate) == (2 * round(0.55 * RATE), RATE)
    assert samples[1_000] == pytest.approx(0.25, abs=1e-4)
    assert samples[len(samples) // 2 + 1_000] == pytest.approx(-0.25, abs=1e-4)
    assert not samples[round(0.51 * RATE) : round(0.54 * RATE)].any()
    assert there.sha256 == hashlib.sha256((tmp_path / "v.flac").read_bytes()).hexdigest()


def test_other_rates_are_left_out_and_so_is_what_comes_after_the_listed_seconds(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = row("r.flac", "usr/all.zip/audio/*.wav", ONE, OTHER_RATE)
    short = row("s.flac", "usr/voice/*.wav", ONE, TWO, seconds=0.55)
    fetched(package, tmp_path, monkeypatch, inside, short)
    for name in ("r.flac", "s.flac"):
        samples, _ = soundfile.read(tmp_path / name)
        assert len(samples) == round(0.55 * RATE)
        assert samples[1_000] == pytest.approx(0.25, abs=1e-4)


def test_what_is_not_as_listed_is_not_written(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = row("song.wav", "usr/song.wav", ONE), row("v.flac", "usr/voice/*", TWO, ONE)
    assert fetched(package, tmp_path, monkeypatch, *wanted) == []
    assert [*tmp_path.iterdir()] == []


def test_a_package_that_is_gone_does_not_stop_the_others(
    package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def downloaded(name: str, *_: object) -> Path:
        if name == "gone":
            raise debian_music.MissingError("gone: no such package")
        return package

    monkeypatch.setattr(debian_music, "downloaded", downloaded)
    gone = Row(file="a.wav", source="Debian gone 1: a.wav")
    song = row("song.wav", "usr/song.wav", SONG)
    assert debian_music.fetch([gone, song], tmp_path) == [song]
    assert "gone: no such package" in capsys.readouterr().err
