"""Round trips through codecs come back in step, as long as they were, and audibly changed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.degrade.codec import round_trip
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.errors import ConfigError, InputError

RATE = 44_100
ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
CODECS = [
    ("mp3", 128),
    ("vorbis", 3),
    ("opus", 96),
    pytest.param("aac", 128, marks=[pytest.mark.ffmpeg, ffmpeg]),
]


def noise(channels: int, count: int, top_hz: float) -> Waveform:
    white = 0.1 * np.random.default_rng(0).standard_normal((channels, count))
    return lowpass(white.astype(np.float32), RATE, Lowpass("brickwall", top_hz))


def delay(before: Waveform, after: Waveform) -> int:
    """Samples by which ``after`` lags, from the peak of the cross-correlation."""
    size = 2 * before.shape[1]
    spectrum = np.conj(np.fft.rfft(before[0], size)) * np.fft.rfft(after[0], size)
    peak = int(np.argmax(np.abs(np.fft.irfft(spectrum, size))))
    return peak if peak < size // 2 else peak - size


@pytest.mark.parametrize(("codec", "setting"), CODECS)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_round_trip_keeps_shape_and_place(codec: str, setting: float, channels: int) -> None:
    before = noise(channels, 3 * RATE + 123, 4_000.0)
    after = round_trip(before, RATE, codec, setting)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    assert delay(before, after) == 0
    error = float(((after - before) ** 2).mean() / (before**2).mean())
    assert 1e-7 < error < 0.1


@pytest.mark.parametrize(("codec", "setting"), CODECS)
def test_even_one_sample_comes_back(codec: str, setting: float) -> None:
    assert round_trip(np.full((2, 1), 0.1, np.float32), RATE, codec, setting).shape == (2, 1)
    assert round_trip(np.zeros((1, 0), np.float32), RATE, codec, setting).shape == (1, 0)


@pytest.mark.parametrize(
    ("rate", "kbps"), [(48_000, 32), (44_100, 40), (44_100, 56), (32_000, 32), (22_050, 16)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_of_low_rates_comes_back_in_step(rate: int, kbps: int, channels: int) -> None:
    """Where the file has no room to say by how much it is late."""
    before = noise(channels, 3 * RATE + 123, 2_000.0)
    after = round_trip(before, rate, "mp3", kbps)
    assert delay(before, after) == 0
    assert 1e-4 < ((after - before) ** 2).mean() / (before**2).mean() < 0.5


def test_fewer_bits_leave_a_larger_error() -> None:
    before = noise(2, 2 * RATE, 15_000.0)
    coarse, fine = (round_trip(before, RATE, "mp3", kbps) for kbps in (64, 256))
    assert ((coarse - before) ** 2).mean() > 2 * ((fine - before) ** 2).mean()


def test_unknown_codecs_and_settings_are_refused_with_the_cure() -> None:
    sound = np.zeros((2, 1_000), np.float32)
    with pytest.raises(ConfigError, match="use one of mp3"):
        round_trip(sound, RATE, "atrac", 64)
    with pytest.raises(ConfigError, match="use 32 to 320"):
        round_trip(sound, RATE, "mp3", 1_000)
    with pytest.raises(InputError, match="in pairs"):
        round_trip(np.zeros((3, 1_000), np.float32), RATE, "mp3", 128)
    with pytest.raises(InputError, match="resample"):
        round_trip(np.zeros((2, 1_000), np.float32), 50_000, "mp3", 128)


def test_a_missing_ffmpeg_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="install ffmpeg"):
        round_trip(np.zeros((2, 1_000), np.float32), RATE, "aac", 128)
