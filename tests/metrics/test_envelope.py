from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.bands import band_energies, high_bands, power, smoothed
from aliquot.metrics.envelope import envelope_db, envelope_error, treble_bias_db

RATE = 44_100
Change = Callable[[Waveform, float, float, float], Waveform]


@pytest.mark.parametrize("gain_db", [6.0, -6.0])
def test_treble_6_db_off_costs_6_db_in_either_direction(
    noise: Waveform, change_band: Change, gain_db: float
) -> None:
    changed = change_band(noise, 3_900.0, RATE, gain_db)
    assert envelope_db(noise, changed, RATE, 4_000.0) == pytest.approx(6.0, abs=0.02)


def test_what_lies_below_the_cutoff_costs_nothing(noise: Waveform, change_band: Change) -> None:
    changed = change_band(noise, 0.0, 3_900.0, 20.0)
    assert envelope_db(noise, changed, RATE, 4_000.0) < 0.05


def test_errors_are_averaged_over_bands_of_equal_mel_width(
    noise: Waveform, change_band: Change
) -> None:
    """10 dB off in the upper half of the mel axis, 9164 Hz to 20 kHz, is 5 dB in the mean."""
    middle_hz = (4_700.0 * 20_700.0) ** 0.5 - 700.0
    assert middle_hz == pytest.approx(9_163.5, abs=1)
    changed = change_band(noise, middle_hz, RATE, 10.0)
    assert envelope_db(noise, changed, RATE, 4_000.0) == pytest.approx(5.0, abs=0.1)


def test_the_bands_end_at_20_khz(noise: Waveform, change_band: Change) -> None:
    changed = change_band(noise, 20_100.0, RATE, 40.0)
    assert envelope_db(noise, changed, RATE, 4_000.0) < 0.05


def test_errors_are_taken_frame_by_frame(noise: Waveform) -> None:
    """Half the time 6 dB too loud, half 6 dB too quiet: still 6, where a mean level would be 0."""
    wrong = noise.copy()
    half = noise.shape[1] // 2
    wrong[:, :half] *= 10 ** (6 / 20)
    wrong[:, half:] *= 10 ** (-6 / 20)
    assert envelope_db(noise, wrong, RATE, 4_000.0) == pytest.approx(6.0, abs=0.05)


def test_quiet_frames_do_not_count(noise: Waveform) -> None:
    """A second half 70 dB below the first is not scored, one 50 dB below is."""
    half = noise.shape[1] // 2
    for level_db, expected in ((-70.0, 0.0), (-50.0, 10.0)):
        original = noise.copy()
        original[:, half:] *= 10 ** (level_db / 20)
        wrong = original.copy()
        wrong[:, half:] *= 10
        error = envelope_db(original, wrong, RATE, 4_000.0)
        assert error == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize(("level_db", "expected"), [(-69.9, 10.0), (-70.1, 0.0)])
def test_bands_70_db_below_their_frame_do_not_count(level_db: float, expected: float) -> None:
    """One band 10 dB wrong, at a known level under the frame's total, in spectra made by hand."""
    first, last = high_bands(4_000.0, RATE)[5]
    original = np.zeros((4, 513), np.float32)
    original[:, 10] = 1e6
    original[:, first:last] = 1e6 * 10 ** (level_db / 10) / (last - first)
    wrong = original.copy()
    wrong[:, first:last] *= 10
    error = envelope_error(original, wrong, RATE, 4_000.0, None)
    assert np.isnan(error) if expected == 0 else error == pytest.approx(expected, abs=1e-4)


def test_missing_treble_is_measured_from_the_floor(noise: Waveform) -> None:
    """Silence has 1e-10 per band; the mean of 10 log10 E comes from an independent sum."""
    energies = smoothed(band_energies(power(noise), high_bands(4_000.0, RATE)))
    expected = (10 * np.log10(energies)).mean() + 100
    error = envelope_db(noise, np.zeros_like(noise), RATE, 4_000.0)
    assert error == pytest.approx(expected, abs=1e-6)


def test_two_noises_differ_by_what_three_frames_and_a_band_of_bins_leave(
    make_noise: Callable[..., Waveform],
) -> None:
    """Smoothing over three frames must show: without it the error would be a fifth larger."""
    error = envelope_db(make_noise(1), make_noise(2), RATE, 4_000.0)
    assert 1.1 < error < 1.5


def test_nothing_above_the_upper_limit_is_scored(noise: Waveform, change_band: Change) -> None:
    changed = change_band(noise, 15_200.0, RATE, 20.0)
    assert envelope_db(noise, changed, RATE, 4_000.0, upper_hz=15_000.0) < 0.05
    assert abs(treble_bias_db(noise, changed, RATE, 4_000.0, upper_hz=15_000.0)) < 1e-3
    assert np.isnan(envelope_db(noise, changed, RATE, 4_000.0, upper_hz=3_000.0))


@pytest.mark.parametrize("gain_db", [6.0, -11.0])
def test_the_bias_is_the_gain_of_the_treble_with_its_sign(
    noise: Waveform, change_band: Change, gain_db: float
) -> None:
    changed = change_band(noise, 4_000.0, RATE, gain_db)
    assert treble_bias_db(noise, changed, RATE, 4_000.0) == pytest.approx(gain_db, abs=1e-3)


def test_the_bias_starts_5_percent_above_the_cutoff(noise: Waveform, change_band: Change) -> None:
    slope = change_band(noise, 0.0, 1.0499 * 4_000.0, 30.0)
    assert abs(treble_bias_db(noise, slope, RATE, 4_000.0)) < 1e-3
    beyond = change_band(noise, 0.0, 1.06 * 4_000.0, 30.0)
    assert treble_bias_db(noise, beyond, RATE, 4_000.0) > 0.5


def test_the_bias_is_of_energies_and_not_of_levels(noise: Waveform) -> None:
    """Half the time 20 dB too loud: 10 log10(50.5), not 10."""
    half_loud = noise.copy()
    half_loud[:, noise.shape[1] // 2 :] *= 10
    bias = treble_bias_db(noise, half_loud, RATE, 4_000.0)
    assert bias == pytest.approx(10 * np.log10(50.5), abs=0.1)


def test_no_treble_at_all_is_200_db_too_quiet(noise: Waveform) -> None:
    assert treble_bias_db(noise, np.zeros_like(noise), RATE, 4_000.0) == -200.0
