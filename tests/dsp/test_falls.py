"""Long-term spectra drawn by hand: what they end by is known without any sound."""

import numpy as np
import pytest

from aliquot.dsp import candidates, falls
from aliquot.dsp.natural import covariance
from aliquot.dsp.spectrum_profile import Floats, cliff_start, grid, shelf_start

RATE = 44_100
FREQS = np.maximum(np.arange(1_025) * RATE / 2_048, 100.0)


def rough(seed: int = 0) -> Floats:
    """The unevenness of notes, 3 dB from one 1/12 octave to the next."""
    knots = np.linspace(np.log2(100), np.log2(RATE / 2), 94)
    wander = np.random.default_rng(seed).normal(0, 3.0, knots.size)
    return np.asarray(np.interp(np.log2(FREQS), knots, wander))


def located(levels_db: Floats) -> falls.Fall:
    return falls.locate_fall(10 ** (levels_db / 10), RATE)


def test_a_cliff_wins_over_a_natural_slope_below_it_that_looks_like_a_filter() -> None:
    """Strings: beyond 1.5 kHz their spectrum falls by 26 dB per octave, of itself."""
    natural = -6 * np.log2(FREQS / 100) - 20 * np.maximum(np.log2(FREQS / 1_500), 0) + rough()
    found = located(natural - 90 * (FREQS > 10_800))
    assert found.cutoff_hz == pytest.approx(10_800 * 2 ** (1 / 24), abs=100)
    assert found.slope_db_per_octave > 100
    assert found.confidence > 0.8


def test_an_edge_with_a_shoulder_is_found_at_the_edge() -> None:
    """As AAC at 96 kbit/s makes it, levels read off such a file; next to nothing from 17 kHz on."""
    heights = [0, -1, -3, -5, -9, -13, -16, -18]
    places = [15_300, 15_500, 15_900, 16_100, 16_300, 16_500, 16_600, 16_800]
    shoulder = np.interp(FREQS, places, heights)
    found = located(-8 * np.log2(FREQS / 100) + shoulder - 45 * (FREQS > 17_000))
    assert found.cutoff_hz == pytest.approx(17_000, abs=300)
    assert found.slope_db_per_octave > 100


def test_a_device_s_slope_below_a_codec_s_edge_is_still_found() -> None:
    """An eighth-order Butterworth filter at 6 kHz; the codec cut at 16 kHz what it had left."""
    slope = -10 * np.log10(1 + (FREQS / 6_000) ** 16)
    found = located(-8 * np.log2(FREQS / 100) + slope - 90 * (FREQS > 16_000))
    assert found.cutoff_hz == pytest.approx(6_000 * 99 ** (1 / 16), rel=0.1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss_hz", [4_000.0, 8_000.0])
def test_a_slope_is_followed_to_its_depth(loss_hz: float, seed: int) -> None:
    """Dark music; the filter takes 100 dB before the recording ends, and all of them tell.

    Readings of gentle slopes lie low rather than high by intention.
    """
    slope = -10 * np.log10(1 + (FREQS / (loss_hz / 99 ** (1 / 12))) ** 12)
    found = located(-9.5 * np.log2(FREQS / 100) + slope + rough(seed) - 60 * (FREQS > 18_000))
    assert 0.85 * loss_hz < found.cutoff_hz < 1.12 * loss_hz
    assert 10 < found.slope_db_per_octave < 60


@pytest.mark.parametrize("meets_hz", [15_000.0, 17_000.0, 18_000.0, 19_000.0, 20_000.0])
@pytest.mark.parametrize("order", [4, 6])
def test_where_a_slope_meets_its_floor_does_not_matter(order: int, meets_hz: float) -> None:
    """Converters have floors at -120 dBFS, which a slope may meet just under Nyquist."""
    edge_hz = 8_000 / 99 ** (1 / (2 * order))
    levels = -8 * np.log2(FREQS / 100) - 10 * np.log10(1 + (FREQS / edge_hz) ** (2 * order))
    levels += rough()
    floor_db = float(np.interp(meets_hz, FREQS, levels))
    found = located(10 * np.log10(10 ** (levels / 10) + 10 ** (floor_db / 10)))
    assert found.cutoff_hz == pytest.approx(8_000, rel=0.15)


@pytest.mark.parametrize("floor_db", [-100.0, -80.0, -70.0])
def test_a_slope_into_a_bed_of_noise_is_still_a_slope(floor_db: float) -> None:
    slope = -10 * np.log10(1 + (FREQS / 3_000) ** 12)
    levels = -8 * np.log2(FREQS / 100) + slope + rough(1)
    found = located(10 * np.log10(10 ** (levels / 10) + 10 ** (floor_db / 10)))
    assert 0.85 < found.cutoff_hz / (3_000 * 99 ** (1 / 12)) < 1.1


def test_readings_lie_low_where_there_is_a_slope_and_only_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is a cliff or whole stays so: the second quantile decides between slopes alone."""
    line = -8 * np.log2(FREQS / 100) + rough(1)
    slope = line - 10 * np.log10(1 + (FREQS / 4_000) ** 8)
    spectra = (slope, line - 90 * (FREQS > 9_000), line)
    low, cliff, whole = (located(levels).cutoff_hz for levels in spectra)
    monkeypatch.setattr(falls, "SLOPE_QUANTILE", falls.QUANTILE)
    high, same_cliff, same_whole = (located(levels).cutoff_hz for levels in spectra)
    assert 0.75 * high < low < 0.97 * high
    assert (cliff, whole) == (same_cliff, same_whole)
    assert whole == RATE / 2


@pytest.mark.parametrize("tilt", [-5.0, -8.0, -12.0])
@pytest.mark.parametrize("floor_db", [-200.0, -75.0])
def test_music_that_nobody_filtered_is_whole_with_noise_and_without(
    tilt: float, floor_db: float
) -> None:
    levels = tilt * np.log2(FREQS / 100) + rough(2)
    found = located(10 * np.log10(10 ** (levels / 10) + 10 ** (floor_db / 10)))
    assert found.cutoff_hz == RATE / 2


def test_filters_lose_what_they_say_and_are_whitened_as_music_is() -> None:
    tried = candidates.filters(RATE)
    freqs = grid(RATE)
    count = tried.loss_hz.size
    assert np.exp(tried.log_prior).sum() == pytest.approx(1)
    gentle = np.flatnonzero((tried.slope < 60) & (tried.loss_hz < 15_000))
    for number in gentle[::37]:
        lost = -np.interp(np.log(tried.loss_hz[number]), np.log(freqs), tried.response[:, number])
        assert lost == pytest.approx(20, abs=1.5)
    assert tried.response.shape == (freqs.size, count)
    white = tried.whitener @ covariance(freqs) @ tried.whitener.T
    np.testing.assert_allclose(white, np.eye(freqs.size), atol=1e-6)
    part = tried.whitener[:50, :50] @ tried.response[:50]
    np.testing.assert_allclose((part**2).sum(axis=0), tried.energy[49], rtol=1e-6, atol=1e-9)


def test_a_cliff_is_what_is_never_undone_and_steeper_than_any_device() -> None:
    freqs = grid(RATE)
    line = -8 * np.log2(freqs / 700)
    assert cliff_start(line) == freqs.size
    assert cliff_start(line - 10 * np.log10(1 + (freqs / 4_000) ** 24)) == freqs.size
    foot = int(np.searchsorted(freqs, 9_000))
    assert cliff_start(line - 40 * (freqs >= 9_000)) == foot
    notch = line - 40 * (np.abs(np.log2(freqs / 5_000)) < 0.1)
    assert cliff_start(notch) == freqs.size


def test_a_flat_tail_is_a_floor_only_far_under_the_sound() -> None:
    freqs = grid(RATE)[:100]
    slope = -20 * np.log2(freqs / 700)
    start = shelf_start(np.maximum(slope, -60))
    assert freqs[start] == pytest.approx(700 * 8, rel=0.08)
    assert shelf_start(np.maximum(slope, -12)) == freqs.size
    assert shelf_start(np.zeros(freqs.size)) == freqs.size


def test_noise_that_covers_all_but_the_bass_leaves_nothing_to_say() -> None:
    """Nor do the gaps between its notes, into which the noise reaches first."""
    bass = np.minimum(-40 * np.log2(FREQS / 700), 10.0) - 20 * (np.abs(FREQS - 850) < 50)
    found = located(np.maximum(bass, -27.0))
    assert found.cutoff_hz == RATE / 2
    assert 0 < found.confidence < 0.5
