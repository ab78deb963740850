from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform

SECONDS = 4


@pytest.fixture(scope="session")
def make_noise() -> Callable[..., Waveform]:
    """White noise of standard deviation 0.1: ``make_noise(seed, channels=1)``."""

    def make(seed: int, channels: int = 1, samples: int = SECONDS * 44_100) -> Waveform:
        rng = np.random.default_rng(seed)
        return (0.1 * rng.standard_normal((channels, samples))).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def noise(make_noise: Callable[..., Waveform]) -> Waveform:
    return make_noise(0)


@pytest.fixture(scope="session")
def change_band() -> Callable[[Waveform, float, float, float], Waveform]:
    """Multiply ``low_hz <= f < high_hz`` by a gain in dB (exactly, by one long transform)."""

    def change(samples: Waveform, low_hz: float, high_hz: float, gain_db: float) -> Waveform:
        spectrum = np.fft.rfft(samples.astype(np.float64), axis=1)
        freqs = np.fft.rfftfreq(samples.shape[1], 1 / 44_100)
        spectrum[:, (freqs >= low_hz) & (freqs < high_hz)] *= 10 ** (gain_db / 20)
        return np.fft.irfft(spectrum, samples.shape[1], axis=1).astype(np.float32)

    return change
