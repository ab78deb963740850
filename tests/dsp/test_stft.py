import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliquot.dsp.stft import frame_count, hann, istft, stft


def test_a_tone_in_the_middle_of_a_bin_peaks_there_with_half_its_window() -> None:
    tone = np.cos(2 * np.pi * 10 * np.arange(1024) / 256).astype(np.float32)[None]
    spectrum = np.abs(stft(tone, 256, 64))
    assert (spectrum.argmax(axis=2) == 10).all()
    assert spectrum[0, :, 10] == pytest.approx(hann(256).sum() / 2, rel=1e-4)


def test_white_noise_has_the_power_of_the_window() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 200_000)).astype(np.float32)
    power = np.mean(np.abs(stft(noise)[:, :, 5:-5]) ** 2)
    assert power == pytest.approx(0.375 * 2048, rel=0.02)


@given(frames=st.integers(1, 20), window=st.sampled_from([64, 256]))
def test_frames_are_counted_as_they_are_made(frames: int, window: int) -> None:
    samples = np.zeros((2, window + (frames - 1) * window // 4), np.float32)
    assert stft(samples, window, window // 4).shape == (2, frames, window // 2 + 1)
    assert frame_count(samples.shape[1], window, window // 4) == frames


def test_centred_frames_stand_on_their_sample() -> None:
    click = np.zeros((1, 4096), np.float32)
    click[0, 1024] = 1.0
    energy = (np.abs(stft(click, 512, 128, centred=True)) ** 2).sum(axis=2)[0]
    assert energy.argmax() == 1024 // 128


def test_the_inverse_gives_back_the_inner_samples() -> None:
    noise = np.random.default_rng(1).standard_normal((2, 8192)).astype(np.float32)
    back = istft(stft(noise))
    np.testing.assert_allclose(back[:, 1536:-1536], noise[:, 1536:-1536], atol=2e-6)


def test_a_hop_too_long_for_the_inverse_is_refused() -> None:
    with pytest.raises(ValueError, match="three or more parts"):
        istft(np.zeros((1, 2, 33), np.complex64), 64, 32)
