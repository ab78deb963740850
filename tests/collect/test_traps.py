"""Whatever is planted in a folder is found, and what is sound is left in peace."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.audio import Waveform
from aliquot.collect.findings import Limits
from aliquot.collect.manifest import read_rows
from aliquot.collect.measure import Examination, measure
from aliquot.collect.prepare import Wish, find, finish, prepare

RATE = 44_100
Convert = Callable[..., Path]
pytestmark = pytest.mark.ffmpeg


def kinds(found: Examination) -> set[str]:
    return {finding.kind for finding in found.problems}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(samples: Waveform, name: str = "x.flac") -> Path:
        soundfile.write(tmp_path / name, samples.T, RATE, subtype="PCM_16")
        return tmp_path / name

    return write


def test_a_sound_recording_has_no_findings(
    song_file: Path, tmp_path: Path, convert: Convert
) -> None:
    found = measure(song_file, Limits())
    assert found.problems == ()
    assert (found.seconds, found.sample_rate, found.channels) == (12.0, RATE, 2)
    assert found.bandwidth_hz is not None
    assert found.bandwidth_hz > 20_000
    for name, words in (
        ("a.mp3", ("-b:a", "128k")), ("b.mp3", ("-b:a", "320k")), ("c.ogg", ("-q:a", "4")),
        ("d.m4a", ("-b:a", "192k")), ("e.opus", ("-b:a", "96k")), ("f.wav", ("-ar", "48000")),
    ):  # fmt: skip
        found = measure(convert(song_file, tmp_path / name, *words), Limits())
        assert found.problems == (), name


@pytest.mark.parametrize("kbps", [96, 112, 128, 160])
def test_a_codec_inside_a_lossless_file_is_found(
    kbps: int, song_file: Path, tmp_path: Path, convert: Convert
) -> None:
    lossy = convert(song_file, tmp_path / "a.mp3", "-b:a", f"{kbps}k")
    flac = convert(lossy, tmp_path / "a.flac")
    assert kinds(measure(flac, Limits())) == {"transcoded"}


@pytest.mark.parametrize(
    ("name", "words"),
    [("b.mp3", ("-b:a", "320k")), ("b.ogg", ("-q:a", "8")), ("b.m4a", ("-b:a", "256k"))],
)
def test_a_16_khz_mp3_inside_a_high_bit_rate_is_found(
    name: str, words: tuple[str, ...], song_file: Path, tmp_path: Path, convert: Convert
) -> None:
    low = convert(song_file, tmp_path / "a.mp3", "-b:a", "128k", "-cutoff", "16000")
    high = convert(convert(low, tmp_path / "a.wav"), tmp_path / name, *words)
    found = measure(high, Limits())
    assert kinds(found) == {"transcoded"}
    assert found.bandwidth_hz == pytest.approx(16_400, abs=400)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050])
@pytest.mark.parametrize("resampler", ["swr", "soxr"])
def test_a_raised_sample_rate_is_found(
    rate: int, resampler: str, song_file: Path, tmp_path: Path, convert: Convert
) -> None:
    soxr = pytest.importorskip("soxr")
    if resampler == "swr":
        path = convert(song_file, tmp_path / "a.flac", "-af", f"aresample={rate},aresample={RATE}")
    else:
        samples, _ = soundfile.read(song_file)
        path = tmp_path / "a.flac"
        soundfile.write(path, soxr.resample(soxr.resample(samples, RATE, rate), rate, RATE), RATE)
    assert kinds(measure(path, Limits())) == {"upsampled"}


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_flat_peaks_are_found_at_any_level(
    gain: float, song: Waveform, written: Callable[..., Path]
) -> None:
    assert kinds(measure(written(gain * np.clip(3 * song, -1, 1)), Limits())) == {"clipped"}
    assert kinds(measure(written(gain * song), Limits())) == set()


def test_low_tones_have_round_peaks(written: Callable[..., Path]) -> None:
    """A sine of 30 Hz lies level for several samples at every peak, and is not clipped."""
    time = np.arange(6 * RATE) / RATE
    tone = 0.9 * np.sin(2 * np.pi * 30 * time) * np.minimum(1, np.minimum(time, 6 - time))
    both = np.stack([tone, 0.9 * tone]).astype(np.float32)
    assert "clipped" not in kinds(measure(written(both), Limits()))


def test_one_channel_stored_twice_is_found(song: Waveform, written: Callable[..., Path]) -> None:
    mono = song.mean(axis=0)
    assert kinds(measure(written(np.stack([mono, mono])), Limits())) == {"mono-as-stereo"}
    found = measure(written(np.stack([mono, 0 * mono])), Limits())
    assert [str(finding) for finding in found.problems] == [
        "mono-as-stereo: its right channel is silent"
    ]
    assert kinds(measure(written(mono[None]), Limits())) == set()
    assert kinds(measure(written(np.stack([mono, 0.9 * mono])), Limits())) == set()


def test_silence_and_shortness_are_found(song: Waveform, written: Callable[..., Path]) -> None:
    assert kinds(measure(written(1e-4 * song), Limits())) == {"silent"}
    assert kinds(measure(written(0 * song), Limits())) == {"silent"}
    assert "short" in kinds(measure(written(song[:, :RATE]), Limits()))
    assert "short" not in kinds(measure(written(song[:, :RATE]), Limits(least_seconds=0.5)))


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.flac", "a.wav", "a.opus"])
def test_a_file_of_which_a_half_is_missing_is_found(
    name: str, song_file: Path, tmp_path: Path, convert: Convert
) -> None:
    path = convert(song_file, tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = measure(path, Limits())
    assert "truncated" in kinds(found)
    assert 3 < found.seconds < 9
    assert ("unreadable" in kinds(found)) == (name == "a.flac")


def test_an_end_at_full_level_is_only_a_hint(song: Waveform, written: Callable[..., Path]) -> None:
    assert kinds(measure(written(song[:, : 5 * RATE]), Limits())) == {"abrupt"}


def test_a_folder_of_traps_yields_one_clean_row_and_reasons_for_the_rest(
    song: Waveform, song_file: Path, other_songs: dict[str, Waveform], tmp_path: Path,
    convert: Convert,
) -> None:  # fmt: skip
    """The song under other names, formats, gains and starts is one song; others are others."""
    folder = tmp_path / "music"
    folder.mkdir()
    shutil.copy(song_file, folder / "0 song.flac")
    for name, samples in other_songs.items():
        soundfile.write(folder / f"{name}.flac", samples.T, RATE)
    convert(song_file, folder / "1 low.mp3", "-b:a", "64k")
    convert(song_file, folder / "2 vorbis.ogg", "-q:a", "1")
    convert(song_file, folder / "3 renamed.flac", "-compression_level", "0")
    convert(song_file, folder / "4 cut.flac", "-ss", "0.3", "-af", "volume=-9dB")
    convert(song_file, folder / "5 all.mp3", "-ss", "0.3", "-af", "volume=-9dB", "-b:a", "64k")
    soundfile.write(folder / "6 part.flac", song[:, 2 * RATE : 9 * RATE].T, RATE)
    soundfile.write(folder / "7 silent.flac", 0 * song.T, RATE)
    wish = Wish(folder / "manifest.csv", folder / "held-out.txt")
    steps = list(prepare(folder, find(folder)[0], wish))
    reasons = {step.path.name[0]: step.refusal.reason for step in steps if step.refusal}
    assert set(reasons) == set("123457")
    assert all("duplicate: sounds like 0 song.flac" in reasons[n] for n in "12345"), reasons
    assert reasons["7"].startswith("silent: is nearly silent")
    finish([step.row for step in steps if step.row], wish)
    notes = {row.file: row.notes for row in read_rows(wish.manifest)}
    assert notes["0 song.flac"] == ""
    assert "excerpt: shares its sound with 0 song.flac" in notes["6 part.flac"]
    assert "sound" not in notes["drums.flac"] + notes["strings.flac"]
