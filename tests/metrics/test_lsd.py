from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.lsd import distance_kuleshov, lsd, lsd_hf, lsd_lf

RATE = 44_100
Change = Callable[[Waveform, float, float, float], Waveform]


def test_equal_signals_have_no_distance(noise: Waveform) -> None:
    assert lsd(noise, noise, RATE) == 0.0


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 3.0, 10.0])
def test_a_gain_of_g_db_costs_g_tenths(noise: Waveform, gain_db: float) -> None:
    louder = (noise * 10 ** (gain_db / 20)).astype(np.float32)
    assert lsd(noise, louder, RATE) == pytest.approx(abs(gain_db) / 10, abs=1e-3)


def test_time_is_averaged_outside_the_root(noise: Waveform) -> None:
    """Half the time 20 dB too loud: 2.0 / 2; inside the root it would be 2.0 / sqrt(2)."""
    half_loud = noise.copy()
    half_loud[:, noise.shape[1] // 2 :] *= 10
    assert lsd(noise, half_loud, RATE) == pytest.approx(1.0, abs=0.02)


def test_frequency_is_averaged_inside_the_root(noise: Waveform, change_band: Change) -> None:
    """Half the band 20 dB too loud: 2.0 / sqrt(2); outside the root it would be 1.0."""
    half_loud = change_band(noise, RATE / 4, RATE, 20.0)
    assert lsd(noise, half_loud, RATE) == pytest.approx(2**0.5, abs=0.01)


def test_two_independent_noises_score_079(make_noise: Callable[..., Waveform]) -> None:
    """log10 of an exponential variable spreads by pi / (sqrt(6) ln 10); two of them sqrt(2)."""
    expected = 2**0.5 * np.pi / (6**0.5 * np.log(10))
    assert expected == pytest.approx(0.788, abs=1e-3)
    assert lsd(make_noise(1), make_noise(2), RATE) == pytest.approx(expected, abs=0.01)


def test_powers_are_floored_at_1e_8(noise: Waveform) -> None:
    """Against silence: mean and spread of log10 P of noise, counted from -8."""
    log_mean = np.log10(0.01 * 768) - np.euler_gamma / np.log(10)  # sum of squared Hann: 768
    spread = np.pi / (6**0.5 * np.log(10))
    expected = ((log_mean + 8) ** 2 + spread**2) ** 0.5
    assert lsd(noise, np.zeros_like(noise), RATE) == pytest.approx(expected, abs=0.02)
    below = (1e-7 * noise).astype(np.float32)  # 1e-14 * 7.68, all under the floor
    assert lsd(np.zeros_like(noise), below, RATE) == 0.0


def test_polarity_costs_nothing(noise: Waveform) -> None:
    assert lsd(noise, -noise, RATE) == 0.0


def test_the_channel_mean_is_what_counts(make_noise: Callable[..., Waveform]) -> None:
    stereo = make_noise(3, channels=2)
    assert lsd(stereo, stereo[::-1], RATE) == 0.0


def test_high_and_low_parts_see_only_their_side(noise: Waveform, change_band: Change) -> None:
    """The gain stops 50 Hz (two bins and the window's lobe) away from the cut-off."""
    above = change_band(noise, 5_050.0, RATE, 10.0)
    below = change_band(noise, 0.0, 4_950.0, 10.0)
    assert lsd_lf(noise, above, RATE, 5_000.0) < 0.02
    assert lsd_hf(noise, below, RATE, 5_000.0) < 0.02
    assert lsd_hf(noise, above, RATE, 5_000.0) == pytest.approx(1.0, abs=0.02)
    assert lsd_lf(noise, below, RATE, 5_000.0) == pytest.approx(1.0, abs=0.02)


def test_nothing_above_the_upper_limit_is_scored(noise: Waveform, change_band: Change) -> None:
    wrong_on_top = change_band(noise, 15_000.0, RATE, 30.0)
    assert lsd(noise, wrong_on_top, RATE, upper_hz=14_900.0) < 0.01
    assert lsd_hf(noise, wrong_on_top, RATE, 5_000.0, upper_hz=14_900.0) < 0.01
    assert lsd_hf(noise, wrong_on_top, RATE, 5_000.0) > 1.0


def test_no_bin_between_cutoff_and_limit_gives_no_score(noise: Waveform) -> None:
    assert np.isnan(lsd_hf(noise, noise, RATE, 5_000.0, upper_hz=4_000.0))


def test_kuleshovs_distance_is_natural_averages_frames_inside_and_ends_at_ten() -> None:
    one = np.full((4, 3), 2.0)
    louder = one * 10  # in every frame and bin: ln 10
    assert distance_kuleshov(one, louder) == pytest.approx(np.log(10), rel=1e-3)
    frame = one.copy()
    frame[0] *= np.exp(2.0)  # one frame of four: every bin's root is 2 / sqrt(4)
    assert distance_kuleshov(one, frame) == pytest.approx(1.0, rel=1e-3)
    column = one.copy()
    column[:, 0] *= np.exp(3.0)  # one bin of three, in all frames: 3 / 3
    assert distance_kuleshov(one, column) == pytest.approx(1.0, rel=1e-3)
    assert distance_kuleshov(one, one * 1e30) == 10.0
