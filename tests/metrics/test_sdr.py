from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.sdr import low_snr_db, snr_db

RATE = 44_100
Change = Callable[[Waveform, float, float, float], Waveform]


def test_an_error_of_one_percent_is_40_db(noise: Waveform) -> None:
    assert snr_db(noise, 1.01 * noise, RATE) == pytest.approx(40.0, abs=0.01)


def test_an_error_as_loud_as_the_signal_is_0_db(noise: Waveform) -> None:
    assert snr_db(noise, np.zeros_like(noise), RATE) == pytest.approx(0.0, abs=1e-6)


def test_the_signal_is_over_the_error_and_not_the_other_way(noise: Waveform) -> None:
    assert snr_db(noise, 3 * noise, RATE) == pytest.approx(-20 * np.log10(2), abs=1e-4)
    assert snr_db(3 * noise, noise, RATE) == pytest.approx(20 * np.log10(1.5), abs=1e-4)


def test_the_sum_over_frequencies_is_the_sum_over_time(
    make_noise: Callable[..., Waveform],
) -> None:
    """Parseval, with and without a Nyquist bin."""
    for samples in (10_000, 10_001):
        x, e = make_noise(1, samples=samples), make_noise(2, samples=samples)
        expected = 10 * np.log10(np.sum(x.astype(float) ** 2) / np.sum(e.astype(float) ** 2))
        assert snr_db(x, x - e, RATE) == pytest.approx(expected, abs=1e-3)


def test_equal_signals_score_the_finite_limit(noise: Waveform) -> None:
    assert snr_db(noise, noise, RATE) == 200.0
    assert low_snr_db(noise, noise, RATE, 4_000.0) == 200.0
    assert np.isnan(snr_db(np.zeros_like(noise), np.zeros_like(noise), RATE))


def test_the_low_part_ends_at_nine_tenths_of_the_cutoff(
    noise: Waveform, change_band: Change
) -> None:
    above = change_band(noise, 0.901 * 5_000.0, RATE, 20.0)
    below = change_band(noise, 0.0, 0.9 * 5_000.0, 20 * np.log10(1.1))
    assert low_snr_db(noise, above, RATE, 5_000.0) > 100
    assert low_snr_db(noise, below, RATE, 5_000.0) == pytest.approx(20.0, abs=0.01)
    sliver = change_band(noise, 0.89 * 5_000.0, RATE, 20.0)
    assert low_snr_db(noise, sliver, RATE, 5_000.0) < 10


def test_nothing_above_the_upper_limit_is_an_error(noise: Waveform, change_band: Change) -> None:
    wrong_on_top = change_band(noise, 15_000.0, RATE, 30.0)
    assert snr_db(noise, wrong_on_top, RATE) < 0
    assert snr_db(noise, wrong_on_top, RATE, upper_hz=14_999.0) > 100


def test_it_is_the_channel_mean_that_is_compared(make_noise: Callable[..., Waveform]) -> None:
    stereo = make_noise(5, channels=2)
    assert snr_db(stereo, stereo[::-1], RATE) == 200.0
