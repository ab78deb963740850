from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.stereo import coherence, side_db

RATE = 44_100
Change = Callable[[Waveform, float, float, float], Waveform]


@pytest.fixture(scope="module")
def wide(make_noise: Callable[..., Waveform]) -> Waveform:
    """Independent channels."""
    return make_noise(7, channels=2)


def with_side(samples: Waveform, gain: float) -> Waveform:
    middle, half = samples.mean(axis=0), (samples[0] - samples[1]) / 2
    return np.stack([middle + gain * half, middle - gain * half]).astype(np.float32)


@pytest.mark.parametrize("gain", [2.0, 0.5])
def test_a_side_twice_or_half_as_loud_is_6_db_off(wide: Waveform, gain: float) -> None:
    error = side_db(wide, with_side(wide, gain), RATE, 4_000.0)
    assert error == pytest.approx(20 * np.log10(2), abs=0.01)


def test_the_middle_does_not_matter_to_the_side(wide: Waveform) -> None:
    louder_middle = (wide + wide.mean(axis=0)).astype(np.float32)
    assert side_db(wide, louder_middle, RATE, 4_000.0) < 0.01


def test_the_side_is_scored_above_the_cutoff_only(wide: Waveform, change_band: Change) -> None:
    assert side_db(wide, change_band(wide, 0.0, 3_900.0, 20.0), RATE, 4_000.0) < 0.05
    assert side_db(wide, change_band(wide, 3_900.0, RATE, 9.0), RATE, 4_000.0) > 8.9
    top = change_band(wide, 15_100.0, RATE, 20.0)
    assert side_db(wide, top, RATE, 4_000.0, upper_hz=15_000.0) < 0.05


def test_independent_channels_made_equal_lose_all_their_width(wide: Waveform) -> None:
    equal = np.repeat(wide[:1], 2, axis=0)
    assert coherence(wide, equal, RATE, 4_000.0) == pytest.approx(1.0, abs=0.06)
    assert coherence(equal, wide, RATE, 4_000.0) == pytest.approx(1.0, abs=0.06)


def test_a_known_mixture_has_its_coherence(wide: Waveform) -> None:
    """L = a, R = (a + b) / sqrt(2): coherence 1 / sqrt(2) against 1."""
    equal = np.repeat(wide[:1], 2, axis=0)
    mixed = np.stack([wide[0], (wide[0] + wide[1]) / 2**0.5])
    assert coherence(equal, mixed, RATE, 4_000.0) == pytest.approx(1 - 0.5**0.5, abs=0.03)


def test_swapped_panned_or_inverted_channels_keep_their_coherence(wide: Waveform) -> None:
    mixed = np.stack([wide[0], (wide[0] + wide[1]) / 2]).astype(np.float32)
    scale = np.array([[2.0], [-0.3]], np.float32)
    assert coherence(mixed, mixed[::-1], RATE, 4_000.0) == pytest.approx(0.0, abs=1e-9)
    assert coherence(mixed, scale * mixed, RATE, 4_000.0) == pytest.approx(0.0, abs=1e-6)


def test_coherence_is_judged_band_by_band(wide: Waveform, change_band: Change) -> None:
    """Right of the upper half of the mel axis replaced: half of the bands are wrong by 1."""
    middle_hz = (4_700.0 * 20_700.0) ** 0.5 - 700.0
    equal = np.repeat(wide[:1], 2, axis=0)
    left_low = change_band(wide[:1], middle_hz, RATE, -400.0)
    right_high = change_band(wide[1:], 0.0, middle_hz, -400.0)
    half = np.stack([wide[0], left_low[0] + right_high[0]])
    assert coherence(equal, half, RATE, 4_000.0) == pytest.approx(0.5, abs=0.04)
    assert coherence(equal, half, RATE, 4_000.0, upper_hz=middle_hz - 100) < 0.01


def test_silence_has_no_coherence(wide: Waveform) -> None:
    equal = np.repeat(wide[:1], 2, axis=0)
    assert coherence(equal, np.zeros_like(equal), RATE, 4_000.0) == pytest.approx(1.0, abs=1e-6)
    assert np.isnan(coherence(np.zeros_like(equal), equal, RATE, 4_000.0))


def test_one_channel_has_no_width(noise: Waveform) -> None:
    assert np.isnan(side_db(noise, noise, RATE, 4_000.0))
    assert np.isnan(coherence(noise, noise, RATE, 4_000.0))


def test_equal_channels_have_no_side_to_score(wide: Waveform) -> None:
    equal = np.repeat(wide[:1], 2, axis=0)
    assert np.isnan(side_db(equal, wide, RATE, 4_000.0))
