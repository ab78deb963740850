"""The prior of natural spectra: a proper covariance, and about as wide as music is."""

import numpy as np
import pytest

from aliquot.dsp import natural
from aliquot.dsp.spectrum_profile import grid


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_the_covariance_is_one(rate: int) -> None:
    covariance = natural.covariance(grid(rate))
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0.1


def test_spectra_fall_and_spread_as_music_does() -> None:
    freqs = np.array([1_000.0, 2_000.0, 8_000.0, 16_000.0])
    falls = -np.diff(natural.mean_db(freqs)) / np.diff(np.log2(freqs))
    assert (np.diff(falls) > 0).all()
    assert 3 < falls[0] < falls[-1] < 13
    at = natural.octaves(freqs)
    course = natural.course(at, at)
    apart = np.sqrt(np.diag(course) + course[0, 0] - 2 * course[0])
    # Differences of level to 1 kHz; 5 and 9 dB were measured at 4 and 16 kHz.
    assert 3 < apart[1] < 6
    assert 8 < apart[3] < 14


def test_the_level_is_free_and_what_lies_close_is_alike() -> None:
    at = np.array([1.0, 1.01, 3.0])
    course = natural.course(at, at)
    assert np.sqrt(course[0, 0]) > 15
    assert course[0, 0] + course[1, 1] - 2 * course[0, 1] < 0.2
    assert course[0, 0] + course[2, 2] - 2 * course[0, 2] > 20
