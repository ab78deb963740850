"""A folder becomes a collection: what is listed, what is left out, what is done again."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.audio import Waveform
from aliquot.collect.examine import Examiner
from aliquot.collect.examined import examined_path
from aliquot.collect.findings import Limits, rules
from aliquot.collect.manifest import as_csv, read_list, read_rows
from aliquot.collect.measure import Examination
from aliquot.collect.prepare import Step, Wish, find, finish, prepare
from aliquot.errors import ConfigError

RATE = 44_100


@pytest.fixture
def folder(tmp_path: Path, music: Waveform, dull: Waveform) -> Path:
    for name, samples in (("ann/one.flac", music), ("ann/two.wav", dull), ("bo/three.ogg", music)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, samples.T, RATE)
    return tmp_path


def wish_for(folder: Path) -> Wish:
    return Wish(folder / "manifest.csv", folder / "held-out.txt")


def steps(folder: Path, wish: Wish | None = None) -> dict[str, Step]:
    paths, _ = find(folder)
    found = prepare(folder, paths, wish or wish_for(folder))
    return {step.path.relative_to(folder).as_posix(): step for step in found}


def done(folder: Path) -> dict[str, Step]:
    found = steps(folder)
    finish([step.row for step in found.values() if step.row], wish_for(folder))
    return found


def test_a_row_says_what_a_recording_is(folder: Path) -> None:
    done(folder)
    one, two, three = read_rows(folder / "manifest.csv")
    assert (one.file, one.seconds, one.sample_rate, one.channels) == ("ann/one.flac", 3.0, RATE, 2)
    assert [row.codec for row in (one, two, three)] == ["flac", "pcm_16", "vorbis"]
    assert [row.artist for row in (one, two, three)] == ["ann", "ann", "bo"]
    assert two.bandwidth_hz == pytest.approx(8_000, abs=300)
    assert one.bandwidth_hz is not None
    assert one.bandwidth_hz > 19_000
    assert len(one.sha256) == 64
    assert read_list(folder / "held-out.txt") in [("bo/three.ogg",), (one.file, two.file)]


def test_what_teaches_nothing_is_left_out_with_the_reason(folder: Path, music: Waveform) -> None:
    soundfile.write(folder / "short.wav", music.T[:RATE], RATE)
    soundfile.write(folder / "quiet.wav", 1e-4 * music.T, RATE, subtype="FLOAT")
    soundfile.write(folder / "loud enough.wav", 1e-2 * music.T, RATE, subtype="FLOAT")
    (folder / "same.flac").write_bytes((folder / "ann/one.flac").read_bytes())
    (folder / "bad.mp3").write_bytes(b"no music")
    (folder / "ann/two.restored.flac").write_bytes((folder / "ann/one.flac").read_bytes())
    found = steps(folder)
    refused = {name: step.refusal for name, step in found.items() if step.refusal}
    assert set(refused) == {"short.wav", "quiet.wav", "ann/one.flac", "bad.mp3"}
    for name, reason in (
        ("short.wav", "lasts 1.00 s"), ("quiet.wav", "nearly silent"),
        ("ann/one.flac", "byte for byte, same.flac"), ("bad.mp3", "not a recording"),
    ):  # fmt: skip
        assert reason in refused[name].reason
    assert [name for name, refusal in refused.items() if refusal.unreadable] == ["bad.mp3"]


def test_our_own_results_are_not_learned_from(folder: Path) -> None:
    flac = pytest.importorskip("mutagen.flac").FLAC(folder / "ann/one.flac")
    flac["comment"] = "restored by aliquot 0.1.0"
    flac.save()
    refusal = steps(folder)["ann/one.flac"].refusal
    assert refusal is not None
    assert "restored by aliquot" in refusal.reason


def test_a_least_bandwidth_leaves_the_dull_ones_out(folder: Path) -> None:
    found = steps(folder, replace(wish_for(folder), least_hz=12_000.0))
    assert [name for name, step in found.items() if step.refusal] == ["ann/two.wav"]


def test_unchanged_files_keep_their_rows_with_what_was_written_into_them(folder: Path) -> None:
    done(folder)
    text = (folder / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(text.replace(",bo,", ",Bo Diddley,"))
    soundfile.write(folder / "ann/one.flac", np.zeros((3 * RATE, 1)) + 0.1, RATE)
    found = done(folder)
    assert {name for name, step in found.items() if step.kept} == {"ann/two.wav", "bo/three.ogg"}
    rows = {row.file: row for row in read_rows(folder / "manifest.csv")}
    assert rows["bo/three.ogg"].artist == "Bo Diddley"
    assert rows["ann/one.flac"].channels == 1


def test_runs_that_are_broken_off_go_on_where_they_stopped(folder: Path) -> None:
    paths, _ = find(folder)
    ended = []
    for _ in range(2):
        run = prepare(folder, paths, wish_for(folder))
        ended.append(next(step.path for step in run if not step.kept))
        run.close()
        with examined_path(folder / "manifest.csv").open("a") as file:
            file.write('{"seconds": 3.0, "sam')  # killed in the middle of a line
    found = done(folder)
    assert [step.path for step in found.values() if step.kept] == ended
    assert len(read_rows(folder / "manifest.csv")) == 3


def test_an_interruption_does_not_wait_for_the_end_of_a_recording(folder: Path) -> None:
    """Ten minutes of sound take far longer to examine than the two seconds of grace."""
    soundfile.write(folder / "bo/long.wav", np.full((600 * RATE, 1), 0.1), RATE, subtype="PCM_U8")
    run = prepare(folder, [folder / "ann/one.flac", folder / "bo/long.wav"], wish_for(folder))
    assert next(run).row is not None
    began = time.monotonic()
    run.close()
    assert time.monotonic() - began < 5


def test_several_at_once_give_the_same_manifest(folder: Path) -> None:
    done(folder)
    alone = (folder / "manifest.csv").read_bytes()
    (folder / "manifest.csv").unlink()
    found = steps(folder, replace(wish_for(folder), jobs=3))
    finish([step.row for step in found.values() if step.row], wish_for(folder))
    assert (folder / "manifest.csv").read_bytes() == alone


def test_what_somebody_made_by_hand_is_not_replaced(folder: Path) -> None:
    (folder / "held-out.txt").write_text("ann/one.flac\n")
    with pytest.raises(ConfigError, match="was not made by aliquot prepare"):
        steps(folder)
    (folder / "held-out.txt").unlink()
    (folder / "manifest.csv").write_text("file,mood\nann/one.flac,sad\n")
    with pytest.raises(ConfigError, match="'mood', which would be lost"):
        steps(folder)


@pytest.fixture
def examinations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are examined from now on."""
    names: list[str] = []
    real = Examiner.examine

    def noted(self: Examiner, path: Path) -> Examination:
        names.append(path.name)
        return real(self, path)

    monkeypatch.setattr(Examiner, "examine", noted)
    return names


def test_nothing_is_examined_twice_be_it_listed_refused_or_renamed(
    folder: Path, music: Waveform, examinations: list[str]
) -> None:
    soundfile.write(folder / "short.wav", music.T[:RATE], RATE)
    first = done(folder)
    assert sorted(examinations) == ["one.flac", "short.wav", "three.ogg", "two.wav"]
    examinations.clear()
    (folder / "bo/three.ogg").rename(folder / "bo/other name.ogg")
    again = done(folder)
    assert examinations == []
    assert again["short.wav"].refusal == first["short.wav"].refusal
    assert again["bo/other name.ogg"].row is not None


def test_other_limits_are_applied_to_what_is_known_and_labels_stay(
    folder: Path, examinations: list[str]
) -> None:
    done(folder)
    text = (folder / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(text.replace(",bo,", ",Bo Diddley,"))
    examinations.clear()
    stricter = replace(wish_for(folder), limits=Limits(least_seconds=5.0))
    found = steps(folder, stricter)
    assert len(examinations) == 3
    reasons = [step.refusal.reason for step in found.values() if step.refusal]
    assert reasons == ["short: lasts 3.00 s, under 5 s"] * 3
    accepted = replace(stricter, rules=rules(accept=["short"]))
    examinations.clear()
    rows = {name: step.row for name, step in steps(folder, accepted).items()}
    assert examinations == []
    three = rows["bo/three.ogg"]
    assert three is not None
    assert (three.artist, three.notes) == ("Bo Diddley", "short: lasts 3.00 s, under 5 s")


def test_notes_and_figures_that_people_wrote_outlive_a_new_examination(folder: Path) -> None:
    done(folder)
    rows = [
        replace(row, notes="live; silent: not at all", bandwidth_hz=9_000.0)
        for row in read_rows(folder / "manifest.csv")
    ]
    (folder / "manifest.csv").write_text(as_csv(rows))
    stricter = replace(
        wish_for(folder), limits=Limits(least_seconds=5.0), rules=rules(accept=["short"])
    )
    kept = [step.row for step in steps(folder, stricter).values() if step.row]
    assert len(kept) == 3
    for row in kept:
        assert row.notes.startswith("live; short: lasts 3.00 s, under 5 s")
        assert "silent" not in row.notes
    assert {row.bandwidth_hz for row in kept} == {9_000.0}
