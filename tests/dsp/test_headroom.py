import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.dsp.headroom import CORE, Headroom
from aliquot.dsp.splice import guard_hz, high_band

RATE, CUTOFF = 44_100, 8_000.0


def streamed(
    given: Waveform, high: Waveform, sizes: Iterator[int]
) -> tuple[Waveform, Waveform, Headroom]:
    headroom = Headroom(given.shape[0], RATE, lambda begin, end: CUTOFF)
    at, parts = 0, []
    while at < given.shape[1]:
        size = next(sizes)
        parts.append(headroom.process(given[:, at : at + size], high[:, at : at + size]))
        at += size
    parts.append(headroom.flush())
    return (
        np.concatenate([part[0] for part in parts], axis=1),
        np.concatenate([part[1] for part in parts], axis=1),
        headroom,
    )


def decibels(ratio: float) -> float:
    return 10 * float(np.log10(ratio + 1e-30))


@pytest.fixture(scope="module")
def loud() -> tuple[Waveform, Waveform]:
    """A master pressed against full scale: 1 % of its samples at it, and treble to add."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 100_000)).astype(np.float32)
    bass = lowpass(noise, RATE, Lowpass("brickwall", CUTOFF))
    given = np.clip(bass * (0.4 / bass.std()), -0.99, 0.99)
    given = lowpass(given, RATE, Lowpass("brickwall", CUTOFF))
    given *= np.float32(1 / np.quantile(np.abs(given), 0.99))
    treble = high_band(rng.standard_normal((2, 100_000)).astype(np.float32), RATE, CUTOFF)
    return np.clip(given, -1, 1), treble * np.float32(0.05 / treble.std())


def test_the_sum_stays_under_the_ceiling_and_the_given_samples_stay(
    loud: tuple[Waveform, Waveform],
) -> None:
    given, high = loud
    assert np.mean(np.abs(given + high) > 1.0) > 0.005
    kept, fitted, headroom = streamed(given, high, itertools.repeat(4_096))
    np.testing.assert_array_equal(kept, given)
    below = np.abs(given) < headroom.ceiling
    assert np.abs(kept + fitted)[below].max() <= 1.0 - 2.0**-16
    assert np.abs(kept + fitted).max() <= 1.0
    assert headroom.clipped == 0


def test_hardly_anything_of_the_added_band_is_lost_and_no_moment_is_emptied(
    loud: tuple[Waveform, Waveform],
) -> None:
    given, high = loud
    _, fitted, headroom = streamed(given, high, itertools.repeat(10_000))
    assert 0 < headroom.lost_db < 0.5
    before, after = (
        np.square(x[:, :99_840]).reshape(2, -1, 512).mean(axis=(0, 2)) for x in (high, fitted)
    )
    assert decibels(float((after / before).min())) > -4.0


def test_nothing_is_changed_below_the_cutoff(loud: tuple[Waveform, Waveform]) -> None:
    given, high = loud
    fitted = streamed(given, high, itertools.repeat(10_000))[1]
    assert np.abs(fitted - high).max() > 0.05
    low = fitted - high
    low = lowpass(low, RATE, Lowpass("brickwall", CUTOFF - guard_hz(CUTOFF)))
    assert decibels(float(np.square(low).mean())) <= -80.0


def test_the_result_does_not_depend_on_blocks(loud: tuple[Waveform, Waveform]) -> None:
    sizes = np.random.default_rng(1).integers(1, 3_000, 10_000)
    whole = streamed(*loud, itertools.repeat(100_000))[1]
    np.testing.assert_array_equal(streamed(*loud, iter(sizes))[1], whole)


def test_pieces_join_without_a_seam(loud: tuple[Waveform, Waveform]) -> None:
    """What is changed at the border of two pieces is what a border elsewhere would change."""
    given, high = loud
    shift = CORE // 2
    padded = [np.pad(x, ((0, 0), (shift, 0))) for x in loud]
    moved = streamed(padded[0], padded[1], itertools.repeat(9_000))[1][:, shift:]
    fitted = streamed(given, high, itertools.repeat(9_000))[1]
    difference = decibels(float(np.square(fitted - moved).mean() / np.square(high).mean()))
    changed = decibels(float(np.square(fitted - high).mean() / np.square(high).mean()))
    assert difference < changed - 20.0


def test_quiet_music_keeps_all_that_is_added() -> None:
    given, high = np.full((1, 5_000), 0.5, np.float32), np.full((1, 5_000), 0.2, np.float32)
    kept, fitted, headroom = streamed(given, high, itertools.repeat(700))
    np.testing.assert_array_equal(fitted, high)
    np.testing.assert_array_equal(kept, given)
    assert headroom.lost_db == 0.0


def test_given_samples_beyond_full_scale_are_cut_off_and_counted() -> None:
    given = np.full((1, 9_000), 0.5, np.float32)
    given[0, 100:103] = 1.2, -1.5, 0.99999
    kept, fitted, headroom = streamed(given, np.zeros_like(given), itertools.repeat(9_000))
    assert kept[0, 100:103].tolist() == [1.0, -1.0, np.float32(0.99999)]
    assert np.abs(fitted).max() <= 2.0**-15
    assert headroom.clipped == 2


@pytest.mark.parametrize("size", [1, CORE, 2 * CORE + 5])
def test_any_length_comes_back_whole(size: int) -> None:
    given = np.random.default_rng(2).uniform(-1, 1, (1, size)).astype(np.float32)
    kept, fitted, _ = streamed(given, 0.5 * given, itertools.repeat(1_000))
    np.testing.assert_array_equal(kept, given)
    assert fitted.shape == given.shape


def test_where_no_treble_fits_it_stops_early(
    loud: tuple[Waveform, Waveform], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A square wave at full scale leaves no room on one side of any sample."""
    high = loud[1][:, : 2 * CORE]
    square = np.sign(np.sin(2 * np.pi * 100 * (np.arange(2 * CORE) + 0.5) / RATE))
    given = np.repeat(square[None].astype(np.float32), 2, axis=0)
    steps, real = [0], np.fft.rfft

    def counted(*args: Any, **options: Any) -> Any:
        steps[0] += 1
        return real(*args, **options)

    monkeypatch.setattr(np.fft, "rfft", counted)
    kept, fitted, headroom = streamed(given, high, itertools.repeat(2 * CORE))
    assert np.abs(kept + fitted).max() <= 1.0
    assert headroom.lost_db > 3.0
    assert steps[0] < 3 * 30  # three windows; without patience each takes 48
