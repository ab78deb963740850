"""Long-term spectra drawn by hand: what they end by is known without any sound."""

import numpy as np
import pytest

from aliquot.dsp import candidates, falls
from aliquot.dsp.spectrum_profile import Floats

RATE = 44_100
FREQS = np.maximum(np.arange(1_025) * RATE / 2_048, 100.0)


def rough(seed: int = 0) -> Floats:
    """The unevenness of notes, 3 dB from one 1/12 octave to the next."""
    knots = np.linspace(np.log2(100), np.log2(RATE / 2), 94)
    wander = np.random.default_rng(seed).normal(0, 3.0, knots.size)
    return np.asarray(np.interp(np.log2(FREQS), knots, wander))


def located(levels_db: Floats) -> falls.Fall:
    return falls.locate_fall(10 ** (levels_db / 10), RATE, 1.0)


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


def test_every_hypothesis_is_numbered_as_its_filters_are() -> None:
    freqs = np.geomspace(700.0, 20_000.0, 60)
    gentle, steep = candidates.candidates(freqs, RATE)
    alone = 1 + gentle.slope.size + steep.slope.size
    response, slope = candidates.explanation(0, gentle, steep)
    assert not response.any()
    assert slope == 0
    response, _ = candidates.explanation(1 + 7, gentle, steep)
    np.testing.assert_array_equal(response, gentle.response[:, 7])
    response, _ = candidates.explanation(1 + gentle.slope.size + 9, gentle, steep)
    np.testing.assert_array_equal(response, steep.response[:, 9])
    of_each = steep.slope[candidates.PAIRED_STEEP].size
    # The gentle filter of the lowest edge with a steep one an octave and more higher.
    response, slope = candidates.explanation(alone + 3 * of_each + 50, gentle, steep)
    i, j = 3 * candidates.PAIRED_GENTLE.step, 50 * candidates.PAIRED_STEEP.step
    np.testing.assert_array_equal(response, gentle.response[:, i] + steep.response[:, j])
    assert slope == gentle.slope[i]


def test_a_slope_and_an_edge_that_end_together_count_as_the_edge() -> None:
    gentle, steep = candidates.candidates(np.geomspace(700.0, 20_000.0, 60), RATE)
    ends = steep.loss_hz[candidates.PAIRED_STEEP]
    apart = np.abs(np.log(gentle.loss_hz[candidates.PAIRED_GENTLE][:, None] / ends))
    row, column = np.unravel_index(int(apart.argmin()), apart.shape)
    pair = 1 + gentle.slope.size + steep.slope.size + int(row) * ends.size + int(column)
    response, slope = candidates.explanation(pair, gentle, steep)
    j = int(column) * candidates.PAIRED_STEEP.step
    np.testing.assert_array_equal(response, steep.response[:, j])
    assert slope == steep.slope[j]
