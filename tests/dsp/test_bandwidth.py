"""Where content ends: known filters on synthetic music, measured against the truth's definition."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliquot.audio import Waveform
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.bandwidth import BandwidthMeter, estimate_bandwidth
from aliquot.dsp.resample import resample

RATE = 44_100


def music(seconds: float, rate: int = RATE, seed: int = 0, tilt: float = -8.0) -> Waveform:
    """Notes with partials, drum hits and a natural fall of ``tilt`` dB per octave; stereo."""
    rng = np.random.default_rng(seed)
    count = int(seconds * rate)
    freqs = np.fft.rfftfreq(count, 1 / rate)
    shape = np.maximum(freqs, 100.0) ** (tilt / 6.02)
    white = rng.standard_normal((2, count))
    sound = np.fft.irfft(np.fft.rfft(white) * shape, count)
    time = np.arange(count) / rate
    sound *= 0.2 + np.exp(-((time * 2) % 1) * 8)
    sound /= np.abs(sound).max()
    for start in range(int(seconds * 2)):
        pitch = 110 * 2 ** (rng.integers(0, 24) / 12)
        part = slice(start * rate // 2, (start + 1) * rate // 2)
        for partial in range(1, 12):
            tone = np.sin(2 * np.pi * pitch * partial * time[part])
            sound[:, part] += 0.02 / partial**1.5 * tone * np.exp(-4 * (time[part] - start / 2))
    return (0.3 * sound).astype(np.float32)


MUSIC = music(8.0)


@pytest.mark.parametrize("cutoff_hz", [3_000.0, 5_500.0, 11_000.0, 16_000.0])
@pytest.mark.parametrize("family", ["brickwall", "soxr", "sinc", "elliptic", "chebyshev1"])
def test_a_steep_cutoff_is_found_within_300_hz_and_hardly_ever_from_below(
    family: str, cutoff_hz: float
) -> None:
    degraded = lowpass(MUSIC, RATE, Lowpass(family, cutoff_hz))
    found = estimate_bandwidth(degraded, RATE)
    error = found.cutoff_hz - true_cutoff_hz(MUSIC, degraded, RATE)
    assert -200 <= error <= 300
    assert found.confidence > 0.8
    assert not found.full_band
    assert found.slope_db_per_octave > 60
    assert len(found.segments) == 1


@pytest.mark.parametrize(
    ("spec", "within"),
    [
        (Lowpass("butterworth", 8_000.0, 8), 0.1),
        (Lowpass("butterworth", 4_000.0, 6), 0.1),
        (Lowpass("bessel", 4_000.0, 8), 0.1),
        (Lowpass("butterworth", 3_000.0, 4), 0.15),
    ],
    ids=["butterworth8", "butterworth6", "bessel8", "butterworth4"],
)
def test_a_gentle_cutoff_is_found_nearly(spec: Lowpass, within: float) -> None:
    degraded = lowpass(MUSIC, RATE, spec)
    found = estimate_bandwidth(degraded, RATE)
    assert found.cutoff_hz == pytest.approx(true_cutoff_hz(MUSIC, degraded, RATE), rel=within)
    assert 10 < found.slope_db_per_octave < 90


@pytest.mark.parametrize("tilt", [0.0, -8.0, -14.0])
def test_a_natural_slope_is_full_band_however_dark(tilt: float) -> None:
    found = estimate_bandwidth(music(8.0, tilt=tilt), RATE)
    assert found.full_band
    assert found.cutoff_hz >= 19_000


def test_a_slope_into_a_bed_of_noise_is_full_band() -> None:
    rng = np.random.default_rng(5)
    dark = music(8.0, tilt=-18.0)
    dark += 1e-3 * rng.standard_normal(dark.shape).astype(np.float32)
    assert estimate_bandwidth(dark, RATE).full_band


@pytest.mark.parametrize("floor_dbfs", [-96.3, -84.0, -72.0])
def test_dither_and_hiss_above_a_cliff_are_not_content(floor_dbfs: float) -> None:
    rng = np.random.default_rng(1)
    degraded = lowpass(MUSIC, RATE, Lowpass("brickwall", 7_000.0))
    hiss = 10 ** (floor_dbfs / 20) * rng.standard_normal(degraded.shape)
    found = estimate_bandwidth(degraded + hiss.astype(np.float32), RATE)
    assert found.cutoff_hz == pytest.approx(7_200, abs=300)


def test_white_noise_and_its_faint_copy_are_full_band() -> None:
    white = np.random.default_rng(2).standard_normal((1, 4 * RATE)).astype(np.float32)
    assert estimate_bandwidth(0.1 * white, RATE).full_band
    assert estimate_bandwidth(1e-5 * white, RATE).full_band


def test_silence_has_nothing_to_restore() -> None:
    found = estimate_bandwidth(np.zeros((2, RATE), np.float32), RATE)
    assert found.full_band
    assert found.confidence == 0
    assert estimate_bandwidth(np.zeros((1, 0), np.float32), RATE).full_band


@pytest.mark.parametrize("samples", [1, 100, 1_500, 3_000])
def test_less_than_a_few_windows_is_measured_all_the_same(samples: int) -> None:
    found = estimate_bandwidth(MUSIC[:, 4_000 : 4_000 + samples], RATE)
    assert 0 < found.cutoff_hz <= RATE / 2
    assert 0 <= found.confidence <= 1


def test_a_hum_and_a_constant_claim_no_certainty() -> None:
    time = np.arange(4 * RATE) / RATE
    hum = (0.5 + 0.1 * np.sin(2 * np.pi * 100 * time)).astype(np.float32)[None]
    assert estimate_bandwidth(hum, RATE).confidence < 0.5


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000])
def test_a_low_rate_ends_at_its_nyquist_frequency(rate: int) -> None:
    found = estimate_bandwidth(music(5.0, rate), rate)
    assert 0.97 * rate / 2 <= found.cutoff_hz <= rate / 2
    assert not found.full_band


def test_a_slope_in_a_low_rate_never_ends_above_what_its_converter_left() -> None:
    """Two poles at 6 kHz, three times, stored at 16 kHz: was read as 8192 Hz of 8000."""
    sound = MUSIC
    for _ in range(3):
        sound = lowpass(sound, RATE, Lowpass("butterworth", 6_000.0, 2))
    found = estimate_bandwidth(resample(sound, RATE, 16_000), 16_000)
    assert 5_500 < found.cutoff_hz <= 7_840


@pytest.mark.parametrize("rate", [48_000, 96_000, 192_000])
def test_higher_rates_measure_the_same_cutoff(rate: int) -> None:
    sound = music(3.0, rate)
    degraded = lowpass(sound, rate, Lowpass("brickwall", 9_000.0))
    found = estimate_bandwidth(degraded, rate)
    assert found.cutoff_hz == pytest.approx(true_cutoff_hz(sound, degraded, rate), abs=200)


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(1, 120_000), min_size=1, max_size=6), st.booleans())
def test_the_result_does_not_depend_on_block_size(sizes: list[int], stereo: bool) -> None:
    sound = MUSIC[: 1 + stereo]
    meter = BandwidthMeter(RATE)
    start, turn = 0, 0
    while start < sound.shape[1]:
        meter.update(sound[:, start : start + sizes[turn % len(sizes)] + 2_000])
        start += sizes[turn % len(sizes)] + 2_000
        turn += 1
    assert meter.result() == estimate_bandwidth(sound, RATE)


def test_threads_change_nothing() -> None:
    sound = np.concatenate([MUSIC, lowpass(MUSIC, RATE, Lowpass("soxr", 5_000.0))] * 2, axis=1)
    alone = estimate_bandwidth(sound, RATE)
    with ThreadPoolExecutor(3) as pool:
        meter = BandwidthMeter(RATE, pool)
        halfway = sound.shape[1] // 2
        meter.update(sound[:, :halfway])
        meter.result()  # more may follow
        meter.update(sound[:, halfway:])
        assert meter.result() == alone
        assert meter.result() == alone


def test_a_one_sided_recording_is_measured_on_the_side_that_sounds() -> None:
    both = lowpass(MUSIC, RATE, Lowpass("brickwall", 6_000.0))
    left = both * np.array([[1.0], [0.0]], np.float32)
    assert estimate_bandwidth(left, RATE).cutoff_hz == pytest.approx(6_170, abs=200)
    opposite = np.concatenate([both[:1], -both[:1]])
    assert estimate_bandwidth(opposite, RATE).cutoff_hz == pytest.approx(6_170, abs=200)


def test_clicks_are_not_treble() -> None:
    degraded = lowpass(MUSIC, RATE, Lowpass("brickwall", 6_000.0)).copy()
    degraded[:, 20_000::70_000] += 0.5
    assert estimate_bandwidth(degraded, RATE).cutoff_hz == pytest.approx(6_170, abs=200)


def test_samples_that_are_no_numbers_count_as_zero() -> None:
    degraded = lowpass(MUSIC, RATE, Lowpass("brickwall", 6_000.0)).copy()
    degraded[0, 30_000] = np.nan
    degraded[1, 90_000] = np.inf
    before = degraded.copy()
    assert estimate_bandwidth(degraded, RATE).cutoff_hz == pytest.approx(6_170, abs=200)
    np.testing.assert_array_equal(degraded, before)


def test_a_change_inside_a_file_gives_two_segments_and_spares_the_fuller_one() -> None:
    long = music(60.0, seed=3)
    half = long.shape[1] // 2
    spliced = long.copy()
    spliced[:, :half] = lowpass(long[:, :half], RATE, Lowpass("brickwall", 8_000.0))
    first, second = estimate_bandwidth(spliced, RATE).segments
    assert first.cutoff_hz == pytest.approx(8_230, abs=200)
    assert second.cutoff_hz >= 19_000
    assert first.start_seconds == 0
    assert 24 <= first.end_seconds <= 28.5
    assert second.start_seconds == first.end_seconds
    assert second.end_seconds == pytest.approx(60)

    backwards = np.ascontiguousarray(spliced[:, ::-1])
    first, second = estimate_bandwidth(backwards, RATE).segments
    assert first.cutoff_hz >= 19_000
    assert 31.5 <= first.end_seconds <= 36


def test_a_dark_passage_is_not_a_change() -> None:
    bright, dark = music(24.0, seed=4), music(24.0, seed=5, tilt=-15.0)
    assert len(estimate_bandwidth(np.concatenate([bright, dark], axis=1), RATE).segments) == 1


def test_memory_stays_flat_and_long_recordings_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aliquot.dsp.bandwidth._MOST_STRETCHES", 4)
    meter = BandwidthMeter(RATE)
    degraded = lowpass(MUSIC, RATE, Lowpass("brickwall", 6_000.0))
    for _ in range(6):
        meter.update(degraded)
        assert len(meter._stretches) < 4
    assert meter.result().cutoff_hz == pytest.approx(6_170, abs=200)


def test_a_rate_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="0 Hz"):
        BandwidthMeter(0)
