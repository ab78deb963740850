import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.baselines import (
    BASELINES,
    Tilt,
    copy_up,
    fitted_tilts,
    last_third,
    noise_fill,
    oracle,
    spline,
    tilt_for,
)
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.dsp.splice import guard_hz
from aliquot.dsp.stft import stft
from aliquot.metrics.envelope import envelope_db, treble_bias_db
from aliquot.metrics.stereo import side_db
from aliquot.tasks import TASKS

RATE, CUTOFF_HZ = 44_100, 5_000.0
FLAT = Tilt((0.0,), (0.0,))


@pytest.fixture(scope="module")
def white() -> Waveform:
    """Independent channels of white noise, swelling by 20 dB over three seconds."""
    rng = np.random.default_rng(3)
    swell = np.linspace(0.1, 1.0, 3 * RATE)
    return (0.1 * swell * rng.standard_normal((2, 3 * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def given(white: Waveform) -> Waveform:
    return lowpass(white, RATE, Lowpass("brickwall", CUTOFF_HZ))


def filled(name: str, given: Waveform, white: Waveform, tilt: Tilt = FLAT) -> Waveform:
    if name == "noise-fill":
        return noise_fill(given, RATE, CUTOFF_HZ, tilt)
    if name == "copy-up":
        return copy_up(given, RATE, CUTOFF_HZ, tilt)
    return oracle(given, white, RATE, CUTOFF_HZ)


@pytest.mark.parametrize("name", ["noise-fill", "copy-up", "oracle"])
def test_what_was_given_stays(name: str, given: Waveform, white: Waveform) -> None:
    window = np.hanning(given.shape[1])  # the noise begins and ends at once; that is not meant
    added = np.fft.rfft((filled(name, given, white) - given) * window, axis=1)
    freqs = np.fft.rfftfreq(given.shape[1], 1 / RATE)
    below = freqs < CUTOFF_HZ - guard_hz(CUTOFF_HZ)
    total = np.sum(np.abs(added) ** 2)
    assert np.sum(np.abs(added[:, below]) ** 2) < 1e-7 * total


@pytest.mark.parametrize("name", ["noise-fill", "copy-up", "oracle"])
def test_white_noise_is_restored_to_its_level_in_time_and_in_both_channels(
    name: str, given: Waveform, white: Waveform
) -> None:
    """With a flat tilt, all of them know what the treble of white noise must be."""
    result = filled(name, given, white)
    assert result.shape == white.shape
    assert result.dtype == np.float32
    assert abs(treble_bias_db(white, result, RATE, CUTOFF_HZ)) < 0.4
    assert envelope_db(white, result, RATE, CUTOFF_HZ) < 2.0
    assert side_db(white, result, RATE, CUTOFF_HZ) < 2.0


@pytest.mark.parametrize("name", ["noise-fill", "copy-up"])
def test_the_tilt_sets_the_level_by_octaves_above_the_cutoff(
    name: str, given: Waveform, white: Waveform
) -> None:
    """-12 dB per octave: at 10 to 10.5 kHz the power is down by 12 dB and a little."""
    result = filled(name, given, white, Tilt((0.0, 2.0), (0.0, -24.0)))
    levels = []
    for low_hz in (CUTOFF_HZ, 2 * CUTOFF_HZ):
        powers = np.abs(np.fft.rfft(result, axis=1)) ** 2
        freqs = np.fft.rfftfreq(result.shape[1], 1 / RATE)
        levels.append(powers[:, (freqs > low_hz) & (freqs < 1.05 * low_hz)].mean())
    assert 10 * np.log10(levels[0] / levels[1]) == pytest.approx(12.0, abs=1.0)


@pytest.mark.parametrize("cutoff_hz", [5_000.0, 5_045.0, 5_090.0, 5_130.0])
def test_a_tone_is_copied_up_as_steady_tones_of_the_right_frequencies(cutoff_hz: float) -> None:
    """Patches are whole numbers of bins wide: 116 to 119 here.

    Without the turning phase a tone would come out up to two bins beside its place, or flutter.
    """
    bin_hz = RATE / 2048
    top_hz = cutoff_hz - 0.5 * guard_hz(cutoff_hz)
    width = np.ceil(top_hz / bin_hz) - np.ceil((top_hz - 0.5 * cutoff_hz) / bin_hz)
    tone_hz = 4_000.3
    given = 0.1 * np.sin(2 * np.pi * tone_hz / RATE * np.arange(2 * RATE)).astype(np.float32)[None]
    added = copy_up(given, RATE, cutoff_hz, FLAT) - given
    steady = added[0, RATE // 2 : -RATE // 2]  # one second, so bins of 1 Hz
    energy = np.abs(np.fft.rfft(steady * np.hanning(steady.size))) ** 2
    places = np.arange(tone_hz + width * bin_hz, 20_000, width * bin_hz)
    assert len(places) >= 5
    for place in places.round().astype(int):
        line = energy[place - 4 : place + 5].sum()
        assert line > 0.8 * energy[place - 400 : place + 400].sum()


@pytest.mark.parametrize("name", ["noise-fill", "copy-up"])
def test_silence_stays_silent(name: str) -> None:
    silence = np.zeros((1, RATE), np.float32)
    assert not np.any(filled(name, silence, silence))


def test_equal_channels_stay_equal(given: Waveform) -> None:
    equal = np.repeat(given[:1], 2, axis=0)
    for result in (noise_fill(equal, RATE, CUTOFF_HZ, FLAT), copy_up(equal, RATE, CUTOFF_HZ, FLAT)):
        np.testing.assert_array_equal(result[0], result[1])


def test_the_last_third_octave_is_measured_per_frame_as_mean_power() -> None:
    spectrum = np.zeros((1, 2, 1025), np.complex64)
    bin_hz = RATE / 2048
    third = [k for k in range(1025) if CUTOFF_HZ / 2 ** (1 / 3) <= k * bin_hz < CUTOFF_HZ]
    spectrum[0, 1, third] = 3.0
    spectrum[0, 0, third[0] - 1] = spectrum[0, 0, third[-1] + 1] = 100.0
    assert last_third(spectrum, RATE, CUTOFF_HZ)[0].tolist() == [0.0, 9.0]


def test_a_cubic_spline_of_a_cubic_is_the_cubic() -> None:
    time = np.arange(1_000) / 8_000

    def curve(t: np.ndarray) -> np.ndarray:
        return (1 - 20 * t + 30 * t**2 - 90 * t**3)[None].astype(np.float32)

    result = spline(curve(time), 8_000, 48_000, 4_000.0)
    expected = curve(np.arange(6_000) / 48_000)
    np.testing.assert_allclose(result[:, :5_990], expected[:, :5_990], atol=1e-5)


def test_in_place_the_spline_has_only_the_samples_the_cutoff_needs(given: Waveform) -> None:
    """Every fourth sample (44100 / 2 / 5000 = 4.41): those stay, the others are drawn."""
    result = spline(given, RATE, RATE, CUTOFF_HZ)
    np.testing.assert_allclose(result[:, ::4], given[:, ::4], atol=1e-6)
    assert np.abs(result[:, 2::4] - given[:, 2::4]).max() > 1e-3


def test_noise_repeats_with_its_seed_and_differs_without() -> None:
    given = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32)
    first = noise_fill(given, RATE, CUTOFF_HZ, FLAT, seed=1)
    np.testing.assert_array_equal(first, noise_fill(given, RATE, CUTOFF_HZ, FLAT, seed=1))
    assert np.any(first != noise_fill(given, RATE, CUTOFF_HZ, FLAT, seed=2))


def test_every_task_has_a_tilt_that_falls() -> None:
    tilts = fitted_tilts()
    assert set(tilts) == set(TASKS)
    for tilt in tilts.values():
        assert list(tilt.octaves) == sorted(tilt.octaves)
        assert tilt.levels_db[-1] < tilt.levels_db[0] - 10
    assert tilt_for("x4", 5_000.0) == tilts["x4"]
    assert tilt_for("cutoff-7900", 7_900.0) == tilts["cutoff-8000"]


def test_the_rows_are_those_of_the_protocol() -> None:
    assert BASELINES == ("degraded", "spline", "noise-fill", "copy-up", "oracle")


def test_the_oracle_follows_the_original_and_not_the_given(white: Waveform) -> None:
    silence = np.zeros_like(white)
    result = oracle(silence, white, RATE, CUTOFF_HZ)
    loud = np.abs(stft(result)[0]).mean(axis=1)
    assert loud[-20] > 3 * loud[20]
