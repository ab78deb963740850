import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from aliquot.dsp.splice import SEGMENT, Headroom, fade_in, guard_hz


def streamed(
    given: np.ndarray, high: np.ndarray, sizes: Iterator[int]
) -> tuple[np.ndarray, np.ndarray, Headroom]:
    headroom = Headroom(given.shape[0])
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


@pytest.fixture
def loud() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    given = np.clip(0.4 * rng.standard_normal((2, 50_000)), -0.99, 0.99).astype(np.float32)
    bursts = np.arange(50_000) % 9_000 > 6_000
    return given, (0.1 * rng.standard_normal((2, 50_000)) * bursts).astype(np.float32)


def test_the_sum_never_clips_and_the_given_samples_never_change(
    loud: tuple[np.ndarray, np.ndarray],
) -> None:
    given, high = loud
    assert np.abs(given + high).max() > 1.1
    kept, turned, headroom = streamed(given, high, itertools.repeat(4_096))
    np.testing.assert_array_equal(kept, given)
    assert np.abs(kept + turned).max() <= 1.0
    assert headroom.lowest < 1.0


def test_headroom_does_not_depend_on_blocks(loud: tuple[np.ndarray, np.ndarray]) -> None:
    sizes = np.random.default_rng(1).integers(1, 3_000, 10_000)
    whole = streamed(*loud, itertools.repeat(50_000))[1]
    np.testing.assert_array_equal(streamed(*loud, iter(sizes))[1], whole)


def test_the_gain_moves_smoothly(loud: tuple[np.ndarray, np.ndarray]) -> None:
    given, _ = loud
    ones = np.full_like(given, 0.05)
    turned = streamed(given, ones, itertools.repeat(50_000))[1] / 0.05
    assert np.abs(np.diff(turned[0])).max() <= 1.01 / SEGMENT


def test_quiet_music_keeps_all_that_is_added() -> None:
    given, high = np.full((1, 5_000), 0.5, np.float32), np.full((1, 5_000), 0.2, np.float32)
    kept, turned, headroom = streamed(given, high, itertools.repeat(700))
    np.testing.assert_array_equal(turned, high)
    np.testing.assert_array_equal(kept, given)
    assert headroom.lowest == 1.0


def test_the_fade_begins_in_the_middle_of_the_guard_and_ends_before_the_cutoff() -> None:
    assert guard_hz(8_000.0) == 800.0
    freqs = np.array([7_200.0, 7_600.0, 7_700.0, 7_800.0, 8_000.0, 20_000.0])
    np.testing.assert_allclose(fade_in(freqs, 8_000.0), [0, 0, 0.5, 1, 1, 1], atol=1e-6)
