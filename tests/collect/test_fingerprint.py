"""A song is known again after what people do to it; other songs are not it; the index is small."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliquot.audio import Waveform
from aliquot.collect.fingerprint import (
    EMPTY,
    Fingerprint,
    FingerprintIndex,
    FingerprintMeter,
)
from aliquot.collect.pieces import piece_starts
from aliquot.collect.prints import PrintStore
from aliquot.collect.spectralhash import HOP_SECONDS
from aliquot.dsp.resample import resample
from aliquot.errors import OutputError

RATE = 44_100
MINUTE = round(60 / HOP_SECONDS)


def fingerprint(samples: Waveform, rate: int = RATE) -> Fingerprint:
    meter = FingerprintMeter(rate)
    meter.update(samples.astype(np.float32))
    return meter.result()


def at_random(seed: int, moments: int) -> Fingerprint:
    words = np.random.default_rng(seed).integers(0, 2**32, moments, np.uint32)
    return Fingerprint(words, np.zeros(moments, np.uint8))


@pytest.fixture(scope="module")
def index(song: Waveform, other_songs: dict[str, Waveform]) -> FingerprintIndex:
    found = FingerprintIndex()
    for name, samples in (*other_songs.items(), ("song", song)):
        found.add(name, fingerprint(samples))
    return found


@given(cuts=st.lists(st.integers(1, 6 * RATE - 1), max_size=6))
@settings(max_examples=8, deadline=None)
def test_the_fingerprint_does_not_depend_on_blocks(cuts: list[int], song: Waveform) -> None:
    whole = fingerprint(song[:, : 6 * RATE])
    meter = FingerprintMeter(RATE)
    for block in np.split(song[:, : 6 * RATE], sorted(set(cuts)), axis=1):
        meter.update(block)
    np.testing.assert_array_equal(meter.result().words, whole.words)
    np.testing.assert_array_equal(meter.result().levels, whole.levels)


def test_levels_are_in_db_under_a_full_scale_sine_every_47_ms() -> None:
    sine = np.sin(2 * np.pi * 1_000 * np.arange(2 * RATE) / RATE)[None]
    levels = fingerprint(np.concatenate([sine, 0.1 * sine], axis=1)).levels
    assert levels.size == int(4 / HOP_SECONDS)
    assert levels[5] == 0
    assert levels[-5] == 20


@pytest.mark.parametrize("gain", [0.02, 8.0, -1.0])
def test_gain_changes_nothing(gain: float, song: Waveform, index: FingerprintIndex) -> None:
    match = index.find(fingerprint(gain * song))
    assert match is not None
    assert (match.name, match.offset_seconds, match.whole) == ("song", 0.0, True)
    assert match.error < 0.001


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.47, 1.2])
def test_a_start_cut_off_by_any_part_of_a_step_is_found(
    seconds: float, song: Waveform, index: FingerprintIndex
) -> None:
    match = index.find(fingerprint(song[:, round(seconds * RATE) :]))
    assert match is not None
    assert match.name == "song"
    assert match.offset_seconds == pytest.approx(seconds, abs=HOP_SECONDS)
    assert match.whole


def test_another_sample_rate_and_fewer_channels_are_found(
    song: Waveform, index: FingerprintIndex
) -> None:
    for samples, rate in (
        (resample(song, RATE, 48_000), 48_000), (resample(song, RATE, 8_000), 8_000),
        (song.mean(axis=0, keepdims=True), RATE),
    ):  # fmt: skip
        match = index.find(fingerprint(samples, rate))
        assert match is not None
        assert match.name == "song"


def test_a_part_is_an_excerpt_and_no_duplicate(song: Waveform, index: FingerprintIndex) -> None:
    match = index.find(fingerprint(song[:, 2 * RATE : 9 * RATE]))
    assert match is not None
    assert (match.name, match.whole) == ("song", False)
    assert match.share == pytest.approx(7 / 12, abs=0.03)


def test_other_music_noise_and_silence_are_not_it(index: FingerprintIndex) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((1, 12 * RATE))
    tone = np.sin(2 * np.pi * 440 * np.arange(12 * RATE) / RATE)[None]
    for samples in (noise, tone, 0 * noise, noise[:, :1_000]):
        assert index.find(fingerprint(samples)) is None
    assert index.find(EMPTY) is None
    assert FingerprintIndex().find(at_random(0, MINUTE)) is None


def test_two_silences_are_no_duplicates() -> None:
    index = FingerprintIndex()
    index.add("silence", fingerprint(np.zeros((1, 12 * RATE))))
    assert index.find(fingerprint(np.zeros((2, 12 * RATE)))) is None


def test_five_thousand_songs_take_no_memory_and_no_time_to_search() -> None:
    """Of four minutes each: in memory they would take 165 MB."""
    index = FingerprintIndex()
    moments = 4 * MINUTE
    tracemalloc.start()
    try:
        for number in range(5_000):
            index.add(str(number), at_random(number, moments))
            if number == 500:
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(index) == 5_000
    assert held < before + 4e6
    assert peak < before + 16e6
    spoiled = at_random(4_321, moments)
    flips = np.random.default_rng(0).random((moments, 32)) < 0.1
    noise = np.packbits(flips, axis=1).view(">u4")[:, 0].astype(np.uint32)
    began = time.perf_counter()
    match = index.find(Fingerprint(spoiled.words ^ noise, spoiled.levels))
    taken = time.perf_counter() - began
    assert match is not None
    assert match.name == "4321"
    assert match.error == pytest.approx(0.1, abs=0.02)
    assert index.find(at_random(9_999, moments)) is None
    assert taken < 3.0  # some 50 ms on a machine that has nothing else to do


def loud(words: np.ndarray) -> Fingerprint:
    return Fingerprint(words.astype(np.uint32), np.zeros(words.size, np.uint8))


@pytest.mark.parametrize("run", [1 << 18, 100])
def test_what_lies_on_the_disk_is_found_as_what_lies_in_memory(
    run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FingerprintIndex, "RUN", run)
    index, notes = FingerprintIndex(), FingerprintIndex()
    for number in range(30):
        index.add(str(number), at_random(number, 300))
        notes.add(str(number), loud(np.full(300, 7)))
    for number in range(30):
        match = index.find(loud(at_random(number, 300).words[40:]))
        assert match is not None
        assert (match.name, match.error, match.offset_seconds) == (str(number), 0.0, 1.875)
    assert index.find(at_random(99, 300)) is None
    # One held note is no evidence, however many runs it is spread over.
    assert notes.find(loud(np.full(300, 7))) is None


def test_a_disk_that_cannot_be_written_is_an_error_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent/fingerprints cannot be written"):
        FingerprintIndex(folder=tmp_path / "absent")


def test_a_store_that_was_broken_off_keeps_what_is_whole(tmp_path: Path) -> None:
    store = PrintStore(tmp_path / "prints")
    for number in range(3):
        store.put(f"{number:064x}", at_random(number, 50))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:-7])
    again = PrintStore(store.path)
    assert [f"{number:064x}" in again for number in range(3)] == [True, True, False]
    again.put(f"{2:064x}", at_random(2, 50))
    assert store.path.read_bytes() == whole
    found = PrintStore(store.path).get(f"{1:064x}")
    assert found is not None
    np.testing.assert_array_equal(found.words, at_random(1, 50).words)
    (tmp_path / "prints").write_bytes(b"something else")
    assert f"{0:064x}" not in PrintStore(tmp_path / "prints")
    assert (tmp_path / "prints").read_bytes() == b""


def test_pieces_pass_over_silence_and_end_with_the_recording(song: Waveform) -> None:
    gap = np.concatenate([song[:, RATE : 5 * RATE], 0 * song[:, : 4 * RATE], song], axis=1)
    found = fingerprint(gap)
    assert list(piece_starts(found, 20.0, 2.0, -60.0)) == [0.0, 2.0, *np.arange(8.0, 20.0, 2.0)]
    assert len(list(piece_starts(found, 20.0, 3.0, -200.0))) == 6  # 18 of 20 s
    with pytest.raises(ValueError, match=r"a piece must last 0\.09"):
        list(piece_starts(found, 20.0, 0.01, -60.0))
