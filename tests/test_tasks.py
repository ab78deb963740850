from dataclasses import replace

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.degrade.chain import TRAINED_FAMILIES
from aliquot.degrade.lowpass import Lowpass, placed
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.resample import resample
from aliquot.errors import ConfigError
from aliquot.tasks import TASKS, UNSEEN, choose_filter, degrade, find_task

RATE = 44_100


@pytest.fixture(scope="module")
def white() -> Waveform:
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal((2, 2 * RATE))).astype(np.float32)


def test_the_tasks_of_the_protocol_are_there() -> None:
    rates = {name: (task.output_rate, task.input_rate) for name, task in TASKS.items()}
    assert rates["x2"] == (48_000, 24_000)
    assert rates["x4"] == (48_000, 12_000)
    assert rates["x6"] == (48_000, 8_000)
    assert rates["11025"] == (44_100, 11_025)
    assert TASKS["vorbis-q0"].codec == ("vorbis", 0.0)
    assert TASKS["aac-96"].codec == ("aac", 96.0)
    assert rates["x4-16k"] == (16_000, 4_000)
    assert len(TASKS) == 20


@pytest.mark.parametrize("name", ["x5", "cutoff-", "cutoff-999", "cutoff-30000", "mp3"])
def test_an_unknown_task_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match=r"use one of x2, .*cutoff-HZ"):
        find_task(name)


def test_the_filter_of_a_file_is_the_same_on_every_run_and_differs_between_files() -> None:
    task = find_task("cutoff-8000")
    names = [f"{n}.ogg" for n in range(30)]
    specs = [choose_filter(task, name) for name in names]
    assert specs == [choose_filter(task, name) for name in names]
    assert {spec.family for spec in specs} == set(TRAINED_FAMILIES)


def test_held_out_filters_are_bessel_and_butterworth_of_low_order() -> None:
    specs = [choose_filter(find_task("x2"), f"{n}.ogg", UNSEEN) for n in range(20)]
    assert {(spec.family, spec.order) for spec in specs} == {("bessel", 8), ("butterworth", 4)}
    assert max(spec.cutoff_hz for spec in specs) < 0.8 * find_task("x2").cutoff_hz  # placed


def test_a_family_that_is_unknown_is_refused() -> None:
    with pytest.raises(ConfigError, match="trained"):
        choose_filter(find_task("x2"), "a.ogg", "gauss")


@pytest.mark.parametrize("family", ["butterworth", "chebyshev1", "elliptic", "bessel", "sinc"])
@pytest.mark.parametrize("cutoff_hz", [3_000.0, 11_000.0])
def test_every_family_ends_where_the_task_says(
    white: Waveform, family: str, cutoff_hz: float
) -> None:
    """The true cut-off, measured on noise, is the task's, however gentle the slope.

    Its smoothing over a twelfth of an octave reads a steep edge 3 % too high.
    """
    task = replace(find_task("cutoff-3000"), cutoff_hz=cutoff_hz)
    degraded = degrade(white, task, placed(Lowpass(family, cutoff_hz, 4), RATE))
    assert true_cutoff_hz(white, degraded, RATE) == pytest.approx(cutoff_hz, rel=0.03)


@pytest.mark.parametrize("family", ["butterworth", "soxr", "decimate", "brickwall", "sinc"])
def test_a_lower_rate_has_exact_length_no_alias_and_no_delay(white: Waveform, family: str) -> None:
    """A quiet tone above the new Nyquist frequency does not come back below it."""
    task = find_task("11025")
    spec = placed(Lowpass(family, task.cutoff_hz, 8, 1.0), RATE)
    degraded = degrade(white, task, spec)
    assert degraded.shape == (2, round(white.shape[1] / 4))
    assert degraded.dtype == np.float32
    tone = np.sin(2 * np.pi * 7_000 / RATE * np.arange(RATE)).astype(np.float32)[None]
    assert np.abs(degrade(tone, task, spec)[0, 1000:-1000]).max() < 0.01
    back = resample(degraded, 11_025, RATE)
    spectra = np.fft.rfft(white[0]), np.fft.rfft(back[0])
    low = slice(200, 2_000)  # 100 to 1000 Hz
    phase = np.angle(np.vdot(spectra[0][low], spectra[1][low]))
    assert abs(phase) < (1.0 if family in ("butterworth", "decimate") else 0.01)


def test_every_fourth_sample_is_kept_as_it_is(white: Waveform) -> None:
    task = find_task("11025")
    degraded = degrade(white, task, placed(Lowpass("subsample", task.cutoff_hz), RATE))
    assert degraded.shape == (2, round(white.shape[1] / 4))
    np.testing.assert_array_equal(degraded, white[:, ::4][:, : degraded.shape[1]])


def test_a_codec_keeps_rate_and_length(white: Waveform) -> None:
    coded = degrade(white, find_task("mp3-64"), None)
    assert coded.shape == white.shape
    assert true_cutoff_hz(white, coded, RATE) < 13_000


def test_a_filter_task_without_a_filter_is_a_mistake(white: Waveform) -> None:
    with pytest.raises(ValueError, match="choose_filter"):
        degrade(white, find_task("x2"), None)
