"""What is asked of the Python interface and makes no sense is refused, with the cure."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.api import restore, restore_file
from aliquot.audio import Waveform
from aliquot.errors import AliquotError, ConfigError, InputError
from aliquot.options import FileOptions
from aliquot.pipeline import Restorer

RATE = 44_100


@pytest.mark.parametrize("rate", [0, -1, 100, 3_999, 1_000_000])
def test_rates_that_cannot_be_restored_are_refused(dull: Waveform, rate: int) -> None:
    with pytest.raises(InputError, match="resample"):
        restore(dull, rate)
    with pytest.raises(InputError, match="resample"):
        Restorer(rate, 2, 8_000.0)


@pytest.mark.parametrize("rate", [0, -5, 10_000_000])
def test_rates_that_cannot_be_made_are_refused(dull: Waveform, rate: int) -> None:
    with pytest.raises(ConfigError, match=str(rate)):
        restore(dull, RATE, output_rate=rate)


@pytest.mark.parametrize("hertz", [19_500.0, 30_000.0, 100.0, math.nan, -1.0])
def test_cutoffs_that_no_model_was_made_for_are_refused(dull: Waveform, hertz: float) -> None:
    with pytest.raises(ConfigError):
        restore(dull, RATE, cutoff_hz=hertz)
    with pytest.raises(ConfigError):
        Restorer(RATE, 2, hertz)


def test_a_cutoff_that_the_stream_cannot_have_is_refused(tmp_path: Path) -> None:
    """It would leave a hole from the stream's own end to there."""
    quiet = np.zeros((2, 8_000), np.float32)
    with pytest.raises(ConfigError, match="4000 Hz at the latest"):
        restore(quiet, 8_000, cutoff_hz=7_000.0)
    soundfile.write(tmp_path / "a.wav", quiet.T, 8_000)
    with pytest.raises(ConfigError, match="4000 Hz at the latest"):
        restore_file(tmp_path / "a.wav", options=FileOptions(cutoff_hz=7_000.0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    restore(quiet, 8_000, cutoff_hz=4_000.0)


def test_numbers_of_numpy_are_numbers(dull: Waveform) -> None:
    restorer = Restorer(RATE, 2, np.float32(8_000.0))  # type: ignore[arg-type]
    assert restorer.segments[0].cutoff_hz == 8_000.0
    restorer.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": 0}, {"strength": 5.0}, {"duration_seconds": -1.0}, {"start_seconds": -1.0},
        {"start_seconds": math.nan}, {"block_seconds": 0.0},
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_before_any_file_is_read(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        FileOptions(**wrong)  # type: ignore[arg-type]


def test_the_name_of_a_result_says_its_format(library: Path, tmp_path: Path) -> None:
    """Restored or with nothing to restore, of the same kind or another."""
    made = {}
    for source in ("dull.wav", "dull.mp3", "full.flac"):
        for target in ("a.wav", "a.flac", "a.mp3"):
            path = tmp_path / f"{source}-{target}"
            restore_file(library / source, path)
            made[source, target] = soundfile.info(path).format
    assert made == {key: key[1].split(".")[1].upper() for key in made}


def test_a_name_and_a_format_that_disagree_are_refused(library: Path, tmp_path: Path) -> None:
    for target, container in (("a.flac", "WAV"), ("a", None), ("a.xyz", None)):
        with pytest.raises(AliquotError):
            restore_file(library / "dull.wav", tmp_path / target, FileOptions(container=container))
    assert not list(tmp_path.iterdir())


def test_a_report_is_strict_json(dull: Waveform) -> None:
    report = restore(dull, RATE, cutoff_hz=8_000.0).report
    row = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert row["segments"] == [[0.0, dull.shape[1] / RATE, 8_000.0]]


def test_silence_ends_nowhere(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.zeros((RATE, 2)), RATE)
    report = restore_file(tmp_path / "quiet.wav")
    assert (report.action, report.cutoff_hz) == ("copied", None)


def test_part_of_a_full_band_file_is_judged_by_itself(
    dull: Waveform, music: Waveform, tmp_path: Path
) -> None:
    """As the warning on such a file says it can be."""
    noisy = music + 1e-3 * np.random.default_rng(5).standard_normal(music.shape)
    both = np.concatenate([*[dull] * 5, *[noisy] * 9], axis=1)
    soundfile.write(tmp_path / "both.wav", both.T, RATE, subtype="PCM_16")
    whole = restore_file(tmp_path / "both.wav", options=FileOptions(dry_run=True))
    assert whole.kind == "full-band"
    assert any("--start and --duration" in warning for warning in whole.warnings)
    options = FileOptions(start_seconds=3.0, duration_seconds=9.0)
    part = restore_file(tmp_path / "both.wav", tmp_path / "part.wav", options)
    assert (part.action, part.kind) == ("restored", "band-limited")
    assert part.cutoff_hz == pytest.approx(8_000.0, abs=300.0)
    assert part.segments[0][0] == pytest.approx(3.0)


def test_tags_are_left_behind_by_copies_too(library: Path, tmp_path: Path) -> None:
    mutagen = pytest.importorskip("mutagen")
    tagged = tmp_path / "tagged.flac"
    tagged.write_bytes((library / "full.flac").read_bytes())
    file = mutagen.File(tagged)
    file["title"] = "A song"
    file.save()
    kept = restore_file(tagged, tmp_path / "kept.flac")
    dropped = restore_file(tagged, tmp_path / "dropped.flac", FileOptions(keep_tags=False))
    assert (kept.action, dropped.action) == ("copied", "copied")
    assert mutagen.File(tmp_path / "kept.flac")["title"] == ["A song"]
    assert not mutagen.File(tmp_path / "dropped.flac").tags
    both = [soundfile.read(tmp_path / name)[0] for name in ("kept.flac", "dropped.flac")]
    np.testing.assert_array_equal(*both)
