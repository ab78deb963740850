"""How far up each moment reaches: bands whose edges are known, laid end to end."""

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.dsp.reach import CONTENT_DB, LOUD_DB, Reach, ReachMeter

RATE = 44_100
WINDOW = 4_096
BIN_HZ = RATE / WINDOW


def band(top_bin: int, moments: int, amplitude: float = 0.01) -> Waveform:
    """Equal sines on every eighth bin up to ``top_bin``, periodic in a moment: nothing leaks."""
    spectrum = np.zeros(WINDOW // 2 + 1, complex)
    bins = np.arange(top_bin, 0, -8)
    spectrum[bins] = np.exp(2j * np.pi * np.random.default_rng(top_bin).uniform(size=bins.size))
    moment = np.fft.irfft(spectrum * amplitude * WINDOW / 2, n=WINDOW).astype(np.float32)
    return np.tile(moment, moments)[None]


def measured(samples: Waveform, rate: int = RATE) -> Reach:
    meter = ReachMeter(rate)
    meter.update(samples)
    return meter.result()


def test_the_reach_is_the_last_bin_with_content_and_the_one_a_hann_window_adds() -> None:
    reach = measured(band(800, 40))
    assert reach.highest_hz == reach.typical_hz == pytest.approx(801 * BIN_HZ)


def test_half_of_the_moments_rule_the_typical_reach_and_one_in_twenty_the_highest() -> None:
    parts = [band(600, 60), band(900, 32), band(1_500, 8)]
    reach = measured(np.concatenate(parts, axis=1))
    assert reach.typical_hz == pytest.approx(601 * BIN_HZ)
    assert reach.highest_hz == pytest.approx(1_501 * BIN_HZ)
    rarer = measured(np.concatenate([band(600, 60), band(900, 37), band(1_500, 3)], axis=1))
    assert rarer.highest_hz == pytest.approx(901 * BIN_HZ)


def test_moments_far_under_the_loudest_say_nothing() -> None:
    loud, quiet = band(600, 10), band(1_500, 90)
    audible = 10 ** ((5 - LOUD_DB) / 20)
    unheard = 10 ** ((-5 - LOUD_DB) / 20)
    louder = np.concatenate([loud, audible * quiet], axis=1).astype(np.float32)
    assert measured(louder).typical_hz == pytest.approx(1_501 * BIN_HZ)
    softer = np.concatenate([loud, unheard * quiet], axis=1).astype(np.float32)
    assert measured(softer).highest_hz == pytest.approx(601 * BIN_HZ)


@pytest.mark.parametrize(("over_db", "reached"), [(1.0, 1_500), (-1.0, 20)])
def test_content_is_what_lies_over_the_threshold(over_db: float, reached: int) -> None:
    """A sine of amplitude a, on a bin, has a^2/2 in all, 2/3 of it in its own bin."""
    amplitude = 10 ** ((CONTENT_DB + over_db) / 20) * (2 * 3 / 2) ** 0.5
    time = np.arange(WINDOW * 40)
    tone = amplitude * np.sin(2 * np.pi * 1_500 * time / WINDOW)
    samples = band(20, 40) + tone[None].astype(np.float32)
    assert measured(samples).highest_hz == pytest.approx(reached * BIN_HZ, abs=1.1 * BIN_HZ)


def test_dither_of_16_bits_is_no_content() -> None:
    rng = np.random.default_rng(1)
    music = band(700, 100)
    steps = 2**15
    dither = rng.uniform(-0.5, 0.5, music.shape) + rng.uniform(-0.5, 0.5, music.shape)
    stored = (np.round(music * steps + dither) / steps).astype(np.float32)
    assert measured(stored).highest_hz == pytest.approx(701 * BIN_HZ)


def test_what_lies_beyond_a_cliff_is_not_counted() -> None:
    """Leftovers 60 dB under a band that ends at once, though each is above the threshold."""
    music = band(1_000, 40, 0.01) + 1e-3 * band(1_900, 40, 0.01)
    reach = measured(music.astype(np.float32))
    assert 0.85 * 1_000 * BIN_HZ < reach.highest_hz <= 1_001 * BIN_HZ
    assert reach.typical_hz == reach.highest_hz


def test_the_result_does_not_depend_on_blocks(music: Waveform) -> None:
    whole = measured(music)
    meter = ReachMeter(RATE)
    rng = np.random.default_rng(2)
    start = 0
    while start < music.shape[1]:
        size = int(rng.integers(1, 20_000))
        meter.update(music[:, start : start + size])
        if start % 3 == 0:
            meter.result()  # looking changes nothing
        start += size
    assert meter.result() == whole


def test_silence_reaches_nothing_and_level_is_that_of_the_loudest_moment() -> None:
    assert measured(np.zeros((2, RATE), np.float32)).highest_hz == 0.0
    assert measured(np.zeros((1, 0), np.float32)).highest_hz == 0.0
    tone = 0.1 * np.sin(2 * np.pi * 100 * np.arange(RATE * 2) / WINDOW)[None].astype(np.float32)
    reach = measured(np.concatenate([1e-3 * tone, tone], axis=1).astype(np.float32))
    assert reach.loudest_db == pytest.approx(-23, abs=0.5)
    assert reach.seconds == 4.0


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000, 96_000])
def test_noise_reaches_the_nyquist_frequency_at_any_rate(rate: int) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, rate)).astype(np.float32)
    reach = measured(noise, rate)
    assert reach.highest_hz == reach.typical_hz == rate / 2


def test_level_and_threshold_are_those_of_the_mean_channel() -> None:
    """A sine of amplitude 0.1 has -23 dB; the same in both channels has no more."""
    tone = 0.1 * np.sin(2 * np.pi * 100 * np.arange(RATE) / WINDOW)[None].astype(np.float32)
    assert measured(np.repeat(tone, 2, axis=0)) == measured(tone)
    half = np.concatenate([tone, 0 * tone])
    assert measured(half).loudest_db == pytest.approx(-26, abs=0.5)
