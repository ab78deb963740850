import numpy as np
import pytest

from aliquot.dsp.noise import PERIOD_FRAMES, noise_frames
from aliquot.dsp.stft import istft


def test_noise_depends_on_its_place_alone() -> None:
    whole = noise_frames(-7, 40, 2048, 512)
    np.testing.assert_array_equal(noise_frames(3, 5, 2048, 512), whole[:, :, 10:15])
    np.testing.assert_array_equal(noise_frames(-7 + PERIOD_FRAMES, 40, 2048, 512), whole)


def test_frames_belong_to_a_real_white_noise_of_unit_variance() -> None:
    frames = noise_frames(PERIOD_FRAMES - 50, 100, 2048, 512)  # across the end of the period
    wave = istft((frames[:, 0] + 1j * frames[:, 1]).astype(np.complex64))[:, 1536:-1536]
    assert wave.std() == pytest.approx(1.0, abs=0.02)
    neighbours = np.mean(wave[:, 1:] * wave[:, :-1])
    assert abs(neighbours) < 0.02
    assert abs(np.mean(wave[0] * wave[1])) < 0.02
