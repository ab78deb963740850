"""Originals against themselves are guessed; a planted difference is found; nobody is known."""

import numpy as np
import pytest

from aliquot.metrics.bands import mono, power
from aliquot.metrics.realness import Clues, Realness, describe, tell_apart

RATE = 44_100


def clues(shift: float, seed: int, artists: int = 6) -> list[Clues]:
    rng = np.random.default_rng(seed)
    return [
        Clues(f"{n}", f"artist {n}", rng.normal(0, 1, (20, 10)) + shift * (np.arange(10) == 3))
        for n in range(artists)
    ]


def test_what_is_alike_is_guessed() -> None:
    found = tell_apart(clues(0.0, 1), clues(0.0, 2))
    assert found.excerpts == 240
    assert found.low < 0.5 < found.high
    assert found.accuracy == pytest.approx(0.5, abs=0.1)


def test_a_difference_of_six_deviations_in_one_feature_is_found() -> None:
    found = tell_apart(clues(0.0, 1), clues(6.0, 2))
    assert 0.95 < found.low <= found.accuracy <= found.high


def test_what_was_learned_from_an_artist_is_not_used_on_him() -> None:
    """A mark of each artist's own, carried by his restored excerpts alone, helps nobody."""
    original, restored = clues(0.0, 1), clues(0.0, 2)
    for number, entry in enumerate(restored):
        entry.features[:, number] += 50.0
    assert tell_apart(original, restored).accuracy < 0.65


def test_one_artist_is_too_few() -> None:
    assert np.isnan(tell_apart(clues(0.0, 1, 1), clues(4.0, 2, 1)).accuracy)


def test_the_interval_narrows_with_more_recordings() -> None:
    def width(found: Realness) -> float:
        return found.high - found.low

    few = tell_apart(clues(0.0, 1, 6), clues(1.0, 2, 6))
    many = tell_apart(clues(0.0, 1, 80), clues(1.0, 2, 80))
    assert width(many) < 0.6 * width(few)


def test_excerpts_last_two_seconds_and_silence_is_unknown() -> None:
    rng = np.random.default_rng(0)
    wave = rng.normal(0, 0.1, (1, 9 * RATE)).astype(np.float32)
    wave[:, 4 * RATE - 2048 : 6 * RATE + 2048] = 0
    found = describe(power(mono(wave)), RATE, 4_000.0, 20_000.0)
    assert found.shape[0] == 4
    assert np.isnan(found[2]).all()
    assert np.isfinite(found[[0, 1, 3]]).all()


def test_pumped_noise_is_described_unlike_even_noise() -> None:
    rng = np.random.default_rng(0)
    even = rng.normal(0, 0.1, (1, 4 * RATE)).astype(np.float32)
    pumped = even * (1 + np.sin(np.arange(4 * RATE) * 2 * np.pi * 8 / RATE)).astype(np.float32)
    first, second = (describe(power(w), RATE, 4_000.0, 20_000.0) for w in (even, pumped))
    bands = 12
    assert (second[:, bands : 2 * bands] > first[:, bands : 2 * bands] + 3).all()
