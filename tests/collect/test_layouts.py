"""Who made a recording: data sets that are known, then tags, then folders."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.collect.layouts import Labels, labels_for


def sound(path: Path, **tags: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((100, 1)), 44_100)
    if tags:
        flac = pytest.importorskip("mutagen.flac").FLAC(path)
        flac.update(tags)
        flac.save()
    return path


def test_tags_come_before_the_folder_and_the_folder_before_the_name(tmp_path: Path) -> None:
    label = labels_for(tmp_path)
    tagged = sound(tmp_path / "x/1.flac", artist="Nina", title="Four", genre="jazz", license="CC0")
    assert label(tagged) == Labels("Nina", "Four", "jazz", "CC0")
    assert label(sound(tmp_path / "Some One/2.wav")) == Labels("Some One", "2")
    assert label(sound(tmp_path / "alone.wav")) == Labels("alone", "alone")


def test_magnatagatune_is_labelled_by_its_tables(tmp_path: Path) -> None:
    (tmp_path / "annotations_final.csv").write_text(
        '"clip_id"\t"no voice"\t"piano"\t"fast"\t"mp3_path"\n'
        '"2"\t"1"\t"1"\t"0"\t"f/ann_lee-sun-01-a_b-0-29.mp3"\n'
        '"3"\t"0"\t"0"\t"1"\t"0/bo-moon-02-c-30-59.mp3"\n'
    )
    (tmp_path / "clip_info_final.csv").write_text(
        '"clip_id"\t"track_number"\t"title"\t"artist"\t"album"\t"url"\t"segmentStart"\t'
        '"segmentEnd"\t"original_url"\t"mp3_path"\n'
        '"2"\t"1"\t"A, B"\t"Ann Lee"\t"Sun"\t"http://x/ann"\t"0"\t"29"\t"u"\t'
        '"f/ann_lee-sun-01-a_b-0-29.mp3"\n'
    )
    label = labels_for(tmp_path)
    assert label(tmp_path / "f/ann_lee-sun-01-a_b-0-29.mp3") == Labels(
        "Ann Lee", "A, B", "no voice/piano", "", "http://x/ann"
    )
    assert label(tmp_path / "0/bo-moon-02-c-30-59.mp3") == Labels(
        "bo", "bo-moon-02-c-30-59", "fast"
    )
    assert label(sound(tmp_path / "own/x.wav")).artist == "own"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("wav48/p225/p225_001.wav", "p225_001"),
        ("VCTK/wav48_silence_trimmed/p225/p225_001_mic1.flac", "p225_001_mic1"),
    ],
)
def test_the_speakers_of_vctk_are_its_artists(name: str, title: str, tmp_path: Path) -> None:
    path = sound(tmp_path / name)
    for folder in (tmp_path, path.parent.parent, path.parent):
        assert labels_for(folder)(path) == Labels("p225", title, "speech")


def test_a_folder_that_looks_a_little_like_vctk_is_not_taken_for_it(tmp_path: Path) -> None:
    assert labels_for(tmp_path)(sound(tmp_path / "wav48/p225/p226_001.wav")).genre == ""
