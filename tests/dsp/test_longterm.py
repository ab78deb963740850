"""The long-term spectrum: its unit, its places, and that parts of a recording have their own."""

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import BandwidthMeter
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.stereo import from_mid_side


def measured(samples: Waveform, rate: int) -> LongTerm:
    meter = BandwidthMeter(rate)
    meter.update(samples)
    return meter.long_term


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_white_noise_of_unit_variance_in_mid_and_side_has_power_1_up_to_its_nyquist(
    rate: int,
) -> None:
    noise = np.random.default_rng(1).standard_normal((2, 6 * rate)).astype(np.float32)
    row = measured(from_mid_side(noise, 2), rate).at(48_000, 2048)
    known = np.arange(1025) * 48_000 / 2048 < rate / 2 * 0.99
    assert row[known][4:].mean() == pytest.approx(1.0, abs=0.02)
    assert not row[np.arange(1025) * 48_000 / 2048 > rate / 2 * 1.001].any()


def test_one_channel_is_a_middle_without_a_side() -> None:
    noise = np.random.default_rng(2).standard_normal((1, 200_000)).astype(np.float32)
    assert measured(noise, 44_100).at(44_100, 2048)[4:].mean() == pytest.approx(0.5, abs=0.02)


def test_a_tone_stays_at_its_frequency_on_another_grid() -> None:
    tone = np.sin(2 * np.pi * 3_000 * np.arange(120_000) / 32_000).astype(np.float32)[None]
    row = measured(tone, 32_000).at(44_100, 2048)
    assert abs(int(row.argmax()) - 3_000 * 2048 / 44_100) < 1


def test_parts_of_a_recording_have_long_term_spectra_of_their_own() -> None:
    """Twenty seconds up to 5 kHz, then twenty up to 11 kHz."""
    rate = 44_100
    white = np.random.default_rng(3).standard_normal((1, 40 * rate))
    spectra = [np.fft.rfft(part) for part in np.split(white, 2, axis=1)]
    freqs = np.fft.rfftfreq(20 * rate, 1 / rate)
    parts = [
        np.fft.irfft(spectrum * (freqs < top), 20 * rate)
        for spectrum, top in zip(spectra, (5_000, 11_000), strict=True)
    ]
    meter = BandwidthMeter(rate)
    meter.update((0.1 * np.concatenate(parts, axis=1)).astype(np.float32))
    low, high = meter.result().segments
    place = round(8_000 * 2048 / rate)
    assert low.long_term is not None
    assert high.long_term is not None
    ratio = low.long_term.at(rate, 2048)[place] / high.long_term.at(rate, 2048)[place]
    assert 10 * np.log10(ratio + 1e-12) < -20
