from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.errors import ConfigError, InputError
from aliquot.testset import Entry, excerpt_starts, find_entries, load_excerpts, upper_limit_hz

RATE = 8_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings and a text below ``music/a``, one below ``music/b``, a manifest above."""
    for name, seconds in (("a/one.wav", 50.0), ("a/two.flac", 7.33), ("b/one.wav", 0.5)):
        path = tmp_path / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0.1, 0.9, round(seconds * RATE))
        soundfile.write(path, np.stack([ramp, -ramp], axis=1), RATE, subtype="PCM_16")
    (tmp_path / "music/a/notes.txt").write_text("no sound")
    (tmp_path / "music/manifest.csv").write_text(
        "file,bandwidth_hz,bandwidth_typical_hz,genre,artist\n"
        "a/one.wav,3900,3500.5,folk,Ann\na/two.flac,,,,\n"
    )
    return tmp_path / "music"


def test_recordings_are_found_with_what_the_manifest_says(folder: Path) -> None:
    one, two, other = find_entries([folder])
    assert one == Entry(folder / "a/one.wav", "a/one.wav", 3_900.0, 3_500.5, "folk", "Ann")
    assert (two.name, two.bandwidth_hz, two.artist) == ("a/two.flac", None, "two")
    assert (other.name, other.bandwidth_hz) == ("b/one.wav", None)


def test_the_manifest_may_lie_above_the_folder(folder: Path) -> None:
    assert [entry.name for entry in find_entries([folder / "a"])] == ["a/one.wav", "a/two.flac"]
    assert find_entries([folder / "a"])[0].bandwidth_hz == 3_900.0


def test_a_recording_in_two_folders_counts_once(folder: Path) -> None:
    assert len(find_entries([folder / "a", folder])) == 3


@pytest.mark.parametrize("line", ["a/one.wav", "one.wav  # the first", "music/a/one.wav"])
def test_a_list_picks_recordings_by_the_end_of_their_path(folder: Path, line: str) -> None:
    (folder / "list.txt").write_text(f"# comment\n\n{line}\n")
    assert [e.name for e in find_entries([folder / "a"], folder / "list.txt")] == ["a/one.wav"]


def test_a_list_that_names_what_is_not_there_is_refused(folder: Path) -> None:
    (folder / "list.txt").write_text("a/three.wav\n")
    with pytest.raises(ConfigError, match=r"three\.wav"):
        find_entries([folder], folder / "list.txt")


def test_an_empty_folder_a_missing_one_and_a_bad_number_are_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(ConfigError, match="no recordings"):
        find_entries([folder / "empty"])
    with pytest.raises(ConfigError, match="not a folder"):
        find_entries([folder / "nowhere"])
    (folder / "manifest.csv").write_text("file,bandwidth_hz\na/one.wav,wide\n")
    with pytest.raises(ConfigError, match=r"bandwidth_hz of a/one\.wav is 'wide'"):
        find_entries([folder])


def test_excerpts_lie_evenly_and_never_overlap() -> None:
    assert excerpt_starts(45.0) == ((0.0, 15.0), (15.0, 15.0), (30.0, 15.0))
    assert excerpt_starts(36.0) == ((2.0, 15.0), (19.0, 15.0))
    assert excerpt_starts(25.0) == ((5.0, 15.0),)


def test_excerpts_are_the_right_samples_with_faded_ends(folder: Path) -> None:
    """The recording is a ramp from 0.1 to 0.9 over 50 s, so a sample tells its own time."""
    excerpts = load_excerpts(folder / "a/one.wav")
    assert [excerpt.samples.shape for excerpt in excerpts] == [(2, 120_000)] * 3
    for excerpt, start in zip(excerpts, (1.25, 17.5, 33.75), strict=True):
        middle = 0.1 + 0.8 * (start + 7.5) / 50
        assert excerpt.samples[0, 60_000] == pytest.approx(middle, abs=1e-3)
        assert excerpt.samples[1, 60_000] == pytest.approx(-middle, abs=1e-3)
        assert abs(excerpt.samples[0, 0]) < 1e-4
        assert abs(excerpt.samples[0, -1]) < 1e-4
        assert excerpt.samples[0, 80] > 0.98 * (0.1 + 0.8 * start / 50)


def test_a_short_recording_is_one_excerpt_of_whole_fifths_of_a_second(folder: Path) -> None:
    (excerpt,) = load_excerpts(folder / "a/two.flac")
    assert excerpt.samples.shape == (2, round(7.2 * RATE))


def test_a_recording_of_half_a_second_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"one\.wav: shorter than 1 s"):
        load_excerpts(folder / "b/one.wav")


def test_the_limit_is_the_bandwidth_or_what_resampling_kept() -> None:
    entry = Entry(Path("a"), "a", 21_000.0, 19_000.0)
    assert upper_limit_hz(entry, 44_100, 44_100, strict=False) == 21_000.0
    assert upper_limit_hz(entry, 44_100, 48_000, strict=False) == pytest.approx(20_396, abs=1)
    assert upper_limit_hz(entry, 48_000, 44_100, strict=True) == 19_000.0
    assert upper_limit_hz(Entry(Path("a"), "a"), 44_100, 44_100, strict=False) == 22_050.0
