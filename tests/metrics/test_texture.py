from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.texture import texture, texture_ratio

RATE = 44_100


def test_noise_against_noise_is_1(make_noise: Callable[..., Waveform]) -> None:
    assert texture(make_noise(1), make_noise(2), RATE, 4_000.0) == pytest.approx(1.0, abs=0.03)


def test_level_does_not_matter(noise: Waveform) -> None:
    assert texture(noise, 0.03 * noise, RATE, 4_000.0) == pytest.approx(1.0, abs=1e-3)


def test_a_train_of_clicks_is_smooth_over_frequency(noise: Waveform) -> None:
    """One click per frame has a flat magnitude: no texture at all."""
    clicks = np.zeros_like(noise)
    clicks[:, ::1024] = 1.0
    assert texture(noise, clicks, RATE, 4_000.0) < 0.15


def test_the_restored_is_over_the_original(noise: Waveform) -> None:
    clicks = 0.001 * noise
    clicks[:, ::1024] = 1.0
    assert texture(clicks, noise, RATE, 4_000.0) > 5


def test_the_spread_is_over_the_bins_of_a_frame_and_not_over_frames() -> None:
    """Every frame flat over bins, but of varying level: spread 0 over bins, large over frames."""
    rng = np.random.default_rng(0)
    rough = rng.exponential(size=(50, 513)).astype(np.float32)
    flat = np.repeat(rng.exponential(size=(50, 1)), 513, axis=1).astype(np.float32)
    assert texture_ratio(rough, flat, ((100, 120), (120, 150))) == pytest.approx(0.0, abs=1e-6)


def test_the_ratio_of_known_spreads() -> None:
    """Powers alternate by 20 dB in the one and by 10 dB in the other: 0.5, whatever the frame."""
    bins = np.arange(513) % 2
    reference = np.tile(100.0**bins, (9, 1)).astype(np.float32)
    estimate = np.tile(10.0**bins, (9, 1)).astype(np.float32)
    assert texture_ratio(reference, estimate, ((0, 8),)) == pytest.approx(0.5, rel=1e-5)


def test_bands_of_fewer_than_four_bins_say_nothing(noise: Waveform) -> None:
    powers = np.ones((3, 513), np.float32)
    powers[:, ::2] = 2
    assert np.isnan(texture_ratio(powers, powers, ((10, 13),)))
    assert texture_ratio(powers, powers, ((10, 14),)) == 1.0


def test_digital_silence_in_the_original_is_no_texture() -> None:
    silent = np.zeros((4, 513), np.float32)
    assert np.isnan(texture_ratio(silent, silent, ((10, 20),)))
    half = np.random.default_rng(1).exponential(size=(4, 513)).astype(np.float32)
    half[:, 10:20] = 1e-13  # empty band in a sounding frame: under the floor, so not counted
    assert texture_ratio(half, half, ((10, 20), (30, 40))) == 1.0


def test_the_median_over_frames_comes_before_the_median_over_bands() -> None:
    """Ratios per frame (rows) and band (columns); the other order would give 2."""
    ratios = np.array([[1, 1, 9], [1, 9, 2], [9, 2, 2]], float)
    reference = np.ones((3, 513), np.float32)
    estimate = np.ones((3, 513), np.float32)
    for frame in range(3):
        for band in range(3):
            pattern = (-1.0) ** np.arange(4)
            reference[frame, 4 * band : 4 * band + 4] = 10 ** (0.1 * pattern)
            estimate[frame, 4 * band : 4 * band + 4] = 10 ** (0.1 * ratios[frame, band] * pattern)
    by_frame_first = np.median(np.median(ratios, axis=0))
    bands = ((0, 4), (4, 8), (8, 12))
    assert texture_ratio(reference, estimate, bands) == pytest.approx(by_frame_first, rel=1e-4)


def test_nothing_above_the_upper_limit_is_scored(noise: Waveform) -> None:
    assert np.isnan(texture(noise, noise, RATE, 5_000.0, upper_hz=4_000.0))
