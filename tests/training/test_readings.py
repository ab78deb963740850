from dataclasses import replace

import numpy as np
import pytest

from aliquot.dsp.bandwidth import estimate_bandwidth
from aliquot.dsp.stereo import to_mid_side
from aliquot.training.bands import BandExamples
from aliquot.training.data import Examples
from aliquot.training.pieces import read_manifest
from aliquot.training.readings import long_term_power, read_cutoff
from aliquot.training.recordings import decoded, samples_of
from aliquot.training.settings import Settings

RATE, BINS = 44_100, 1_025


def pink(hz: np.ndarray) -> np.ndarray:
    """A spectrum that falls by 8 dB per octave."""
    return np.asarray(np.maximum(hz, 50.0) ** -2.66)


@pytest.fixture
def natural() -> np.ndarray:
    return pink(np.linspace(0, RATE / 2, BINS))


def test_the_power_of_a_piece_is_that_of_its_sound(tiny: Settings) -> None:
    piece = read_manifest(tiny.data, held_out=False)[0]
    power = long_term_power(piece, tiny.data)
    assert power.shape == (BINS,)
    waves = to_mid_side(samples_of(decoded(piece, tiny.data)[:]))
    # Parseval: bins between 0 Hz and Nyquist stand for two frequencies each.
    assert power[1:-1].mean() == pytest.approx((waves**2).sum(axis=0).mean(), rel=0.1)
    again = long_term_power(piece, replace(tiny.data, music="not needed any more"))
    np.testing.assert_array_equal(again, power)


def test_a_piece_played_faster_has_its_power_further_up(tiny: Settings) -> None:
    piece = read_manifest(tiny.data, held_out=False)[0]
    usual, slow = (long_term_power(piece, tiny.data, speed) for speed in (1.0, 0.8))
    assert slow[400] == pytest.approx(usual[500])
    assert not slow[822:].any()


def test_readings_are_the_detectors(tiny: Settings) -> None:
    piece = read_manifest(tiny.data, held_out=False)[0]
    gain = np.where(np.arange(BINS) < 300, 1.0, 0.0)
    found = read_cutoff(long_term_power(piece, tiny.data) * gain, RATE, 1.0, 500.0)
    spectrum = np.fft.rfft(samples_of(decoded(piece, tiny.data)[:]), axis=1)
    spectrum[:, round(300 / 1024 * spectrum.shape[1]) :] = 0
    waves = np.fft.irfft(spectrum, axis=1).astype(np.float32)
    assert found == pytest.approx(estimate_bandwidth(waves, RATE).cutoff_hz, rel=0.02)
    assert found == pytest.approx(300 / 2048 * RATE, rel=0.03)


def test_what_would_not_be_restored_counts_as_told(natural: np.ndarray) -> None:
    assert read_cutoff(natural, RATE, 7_000.0, 2_500.0) == 7_000.0  # full-band, as it seems
    low = natural * (np.arange(BINS) < 50)
    assert read_cutoff(low, RATE, 7_000.0, 500.0) == pytest.approx(50 / 2048 * RATE, rel=0.05)
    assert read_cutoff(low, RATE, 7_000.0, 2_500.0) == 7_000.0


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_examples_are_read_or_told(told: float, tiny: Settings) -> None:
    """A cascade of order 5 cannot be read to a per cent; who is told, knows."""
    data = replace(tiny.data, told_share=told, cutoff_jitter=0.0, floor_share=0.0)
    model = replace(tiny.model, input_bands=64)
    limits = replace(tiny.degrade, families=("cascade",), cutoff_hz=(2_500.0, 4_000.0))
    examples = BandExamples(data, tiny.levels, limits, model, 1)
    waves = Examples(data, limits, tiny.model, 1)
    errors = []
    for index in range(12):
        example = examples[index]
        lost = 10 * np.log10(np.interp(example.cutoff_bin, examples.band_centres, example.response))
        errors.append(abs(lost + 20))
    assert (np.max(errors) < 1.5) == bool(told)
    cutoffs = [float(waves[index].cutoff_bin) for index in range(4)]
    other = Examples(replace(data, told_share=1 - told), limits, tiny.model, 1)
    assert not np.allclose(cutoffs, [float(other[index].cutoff_bin) for index in range(4)])
