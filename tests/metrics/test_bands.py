from itertools import pairwise

import numpy as np
import pytest

from aliquot.metrics.bands import (
    band_energies,
    check_pair,
    high_bands,
    loud,
    mel_edges,
    mono,
    power,
    side,
    upper_bins,
)

RATE = 44_100
BIN_HZ = RATE / 1024


def test_mel_edges_are_the_textbook_ones() -> None:
    """700 (10^(m / 2595) - 1): 1000 mel is 1000 Hz, 2000 mel is 3428.7 Hz."""
    edges = mel_edges(0.0, 3_428.68, 2)
    np.testing.assert_allclose(edges, [0.0, 1_000.0, 3_428.68], atol=0.1)


def test_the_bands_tile_the_bins_from_the_cutoff_to_20_khz() -> None:
    bands = high_bands(4_000.0, RATE)
    assert len(bands) == 24
    assert all(a[1] == b[0] for a, b in pairwise(bands))
    first, last = bands[0][0], bands[-1][1] - 1
    assert (first - 1) * BIN_HZ < 4_000 <= first * BIN_HZ
    assert last * BIN_HZ < 20_000 <= (last + 1) * BIN_HZ


def test_a_bin_exactly_on_the_cutoff_is_above_it() -> None:
    assert high_bands(100 * BIN_HZ, RATE)[0][0] == 100


def test_bins_above_the_upper_limit_belong_to_no_band() -> None:
    bands = high_bands(4_000.0, RATE, upper_hz=300 * BIN_HZ)
    assert bands[-1][1] - 1 == 300
    assert len(bands) < 24
    assert high_bands(16_000.0, RATE, upper_hz=15_000.0) == ()
    assert high_bands(20_500.0, RATE) == ()


def test_upper_bins_counts_the_bin_at_the_limit() -> None:
    assert upper_bins(10 * 100.0, 102_400, 1024) == 11
    assert upper_bins(1_099.0, 102_400, 1024) == 11
    assert upper_bins(None, RATE, 1024) == 513
    assert upper_bins(1e6, RATE, 1024) == 513


def test_a_low_rate_ends_the_bands_at_its_nyquist_frequency() -> None:
    bands = high_bands(4_000.0, 16_000)
    assert bands[-1][1] == 512


def test_a_sine_has_its_energy_in_its_own_bin() -> None:
    """Amplitude 1 on bin 200: |X| is half the sum of the window, 256."""
    sine = np.cos(2 * np.pi * 200 / 1024 * np.arange(8_192)).astype(np.float32)[None]
    powers = power(sine)
    assert powers.shape == (33, 513)
    middle = powers[16]
    assert middle[200] == pytest.approx(256.0**2, rel=1e-4)
    assert middle[:198].max() < 1e-3
    energies = band_energies(powers, ((190, 199), (199, 202), (202, 300)))
    assert energies[16, 1] == pytest.approx(1.5 * 256.0**2, rel=1e-4)  # 1/4 + 1 + 1/4
    assert energies[16, 0] < 1e-3


def test_frames_count_down_to_60_db_below_the_loudest() -> None:
    totals = np.array([[1.0], [1.01e-6], [0.99e-6], [0.0]])
    assert loud(totals).ravel().tolist() == [True, True, False, False]
    assert not loud(np.zeros((3, 1))).any()


def test_mono_is_the_mean_and_side_half_the_difference() -> None:
    stereo = np.array([[1.0], [0.5]], np.float32)
    assert mono(stereo).item() == 0.75
    assert side(stereo).item() == 0.25


@pytest.mark.parametrize("shape", [(1, 9), (2, 10), (0, 0)])
def test_signals_of_two_shapes_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        check_pair(np.zeros((1, 10), np.float32), np.zeros(shape, np.float32))
