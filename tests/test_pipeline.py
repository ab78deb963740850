"""The one path with enhancers whose answers are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import Segment
from aliquot.dsp.chunking import Known
from aliquot.dsp.edges import ramp
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.resample import resample
from aliquot.errors import ConfigError, InputError
from aliquot.pipeline import Processing, Restorer, default_output_rate

RATE = 44_100


class Echo:
    """Adds a tenth of the sound 100 samples later and earlier: wrong at once if context lacks."""

    name = "echo"
    rates = (44_100, 48_000)
    hop = 64
    context = 128
    cutoff_range_hz = (2_500.0, 19_000.0)

    def __init__(self) -> None:
        self.cutoffs: list[float] = []
        self.long_terms: list[LongTerm | None] = []
        self.channels: list[int] = []

    def __call__(self, window: Waveform, known: Known) -> Waveform:
        assert known.start % self.hop == 0
        self.cutoffs.append(known.cutoff_hz)
        self.long_terms.append(known.long_term)
        self.channels.append(window.shape[0])
        core = window.shape[1] - 2 * self.context
        first, last = (slice(128 + by, 128 + by + core) for by in (-100, 100))
        return np.float32(0.1) * (window[:, first] + window[:, last])


class Place(Echo):
    """Adds the absolute position of each sample, so that any slip shows."""

    def __call__(self, window: Waveform, known: Known) -> Waveform:
        core = window.shape[1] - 2 * self.context
        place = np.arange(core, dtype=np.float32) + np.float32(known.start + self.context)
        return np.repeat(place[None], window.shape[0], axis=0)


SMALL = Processing(core_frames=8)


def run(  # noqa: PLR0913 - each is one thing under test
    samples: Waveform,
    block: int,
    cutoff_hz: float | list[Segment] | None = 8_000.0,
    *,
    enhancer: Echo | None = None,
    rate: int = RATE,
    output_rate: int | None = None,
    processing: Processing = SMALL,
) -> tuple[Waveform, Restorer]:
    restorer = Restorer(
        rate,
        samples.shape[0],
        cutoff_hz,
        model=enhancer or Echo(),
        output_rate=output_rate,
        processing=processing,
    )
    parts = [
        restorer.process(samples[:, at : at + block]) for at in range(0, samples.shape[1], block)
    ]
    return np.concatenate([*parts, restorer.flush()], axis=1), restorer


def noise(channels: int, length: int) -> Waveform:
    rng = np.random.default_rng(length)
    return (0.2 * rng.standard_normal((channels, length))).astype(np.float32)


def echoed(samples: Waveform) -> Waveform:
    eased = samples * ramp(0, samples.shape[1]) * ramp(0, samples.shape[1])[::-1]
    padded = np.pad(eased, ((0, 0), (100, 100)))
    return samples + np.float32(0.1) * (padded[:, :-200] + padded[:, 200:])


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(0, 3_000),
    block=st.integers(1, 1_500),
    channels=st.integers(1, 4),
    threads=st.integers(1, 3),
    grid=st.integers(0, 7),
)
def test_the_result_is_the_formula_whatever_blocks_threads_and_grid(
    length: int, block: int, channels: int, threads: int, grid: int
) -> None:
    samples = noise(channels, length)
    how = Processing(core_frames=8, threads=threads, grid_frames=grid)
    out, restorer = run(samples, block, processing=how)
    np.testing.assert_allclose(out, echoed(samples), atol=1e-6)
    assert restorer.report.samples_in == restorer.report.samples_out == length


def test_windows_are_told_their_true_place() -> None:
    out, _ = run(np.zeros((2, 5_000), np.float32), 700, enhancer=Place())
    np.testing.assert_array_equal(out[1], np.arange(5_000))
    moved, _ = run(
        np.zeros((2, 5_000), np.float32),
        700,
        enhancer=Place(),
        processing=Processing(core_frames=8, grid_frames=3),
    )
    np.testing.assert_array_equal(moved, out)


@pytest.mark.parametrize(
    ("rate", "output_rate", "length"),
    [(22_050, None, 5_001), (8_000, None, 999), (96_000, None, 7_777), (44_100, 48_000, 4_410)],
)
def test_lengths_are_exact_at_every_rate_and_the_given_sound_is_the_resampled_input(
    rate: int, output_rate: int | None, length: int
) -> None:
    samples = noise(2, length)
    expected_rate = output_rate or default_output_rate(rate)
    none = Processing(strength=0.0)
    out, restorer = run(
        samples, 1_000, 3_500.0, rate=rate, output_rate=output_rate, processing=none
    )
    assert restorer.output_rate == expected_rate
    assert out.shape[1] == round(length * expected_rate / rate)
    np.testing.assert_allclose(out, resample(samples, rate, expected_rate), atol=2e-6)


def test_pairs_go_together_and_other_channels_alone() -> None:
    enhancer = Echo()
    run(noise(4, 500), 500, enhancer=enhancer)
    assert enhancer.channels == [2, 1, 1]


def test_only_high_is_the_difference_and_strength_scales_it() -> None:
    samples = noise(1, 2_000)
    whole, _ = run(samples, 300)
    high, _ = run(samples, 300, processing=Processing(core_frames=8, only_high=True))
    half, _ = run(samples, 300, processing=Processing(core_frames=8, strength=0.5))
    np.testing.assert_allclose(high, whole - samples, atol=1e-6)
    np.testing.assert_allclose(half - samples, 0.5 * high, atol=1e-6)


def test_where_the_cutoff_changes_each_window_takes_the_highest_it_touches() -> None:
    enhancer = Echo()
    spectra = [LongTerm(np.full(9, float(number)), RATE) for number in range(2)]
    parts = [
        Segment(0.0, 0.03, 4_000.0, spectra[0]),
        Segment(0.03, 0.06, 9_000.0, spectra[1]),
        Segment(0.06, 1, 20_000.0),
    ]
    samples = noise(1, 4_096)
    out, _ = run(samples, 4_096, parts, enhancer=enhancer)
    # cores of 512 samples: 2 and a half at 4 kHz, then up to sample 2646 at 9 kHz, then full-band
    assert sorted(enhancer.cutoffs) == [4_000.0] * 2 + [9_000.0] * 3
    told = dict(zip(enhancer.cutoffs, enhancer.long_terms, strict=True))
    assert told == {4_000.0: spectra[0], 9_000.0: spectra[1]}
    np.testing.assert_array_equal(out[:, 5 * 512 :], samples[:, 5 * 512 :])


def test_nothing_to_add_asks_no_model() -> None:
    samples = noise(2, 1_000)
    out, restorer = run(samples, 100, None)
    np.testing.assert_array_equal(out, samples)
    assert restorer.report.action == "copied"
    assert restorer.report.model is None


def test_samples_that_are_no_numbers_become_silence_and_are_counted() -> None:
    samples = noise(1, 1_000)
    samples[0, [10, 500]] = np.nan, np.inf
    out, restorer = run(samples, 100)
    assert np.isfinite(out).all()
    assert restorer.report.nonfinite == 2


def test_integer_results_do_not_clip_and_the_report_says_by_how_much() -> None:
    samples = np.full((1, 4_000), 0.95, np.float32)
    out, restorer = run(samples, 500, processing=Processing(core_frames=8, headroom=True))
    assert out.max() <= 1.0
    assert out.shape == samples.shape
    assert restorer.report.headroom_db == pytest.approx(-20 * np.log10(0.05 / 0.19), abs=0.5)
    free, loose = run(samples, 500)
    assert free.max() == pytest.approx(1.14, abs=0.01)
    assert loose.report.overs > 0


def test_the_report_tells_how_much_was_added() -> None:
    samples = noise(1, 40_000)
    _, restorer = run(samples, 5_000)
    assert restorer.report.added_db == pytest.approx(10 * np.log10(0.02), abs=0.3)


@pytest.mark.parametrize("cutoff_hz", [1_000.0, 19_001.0])
def test_a_cutoff_outside_the_range_is_refused(cutoff_hz: float) -> None:
    with pytest.raises(ConfigError, match=f"2500 to 19000 Hz, got {cutoff_hz:.0f}"):
        run(noise(1, 100), 100, cutoff_hz)


def test_a_segment_that_reaches_high_enough_needs_nothing() -> None:
    samples = noise(1, 100)
    np.testing.assert_array_equal(run(samples, 100, [Segment(0.0, 1.0, 19_500.0)])[0], samples)


def test_a_block_of_another_shape_is_refused() -> None:
    restorer = Restorer(RATE, 2, 8_000.0, model=Echo())
    with pytest.raises(InputError, match=r"\(2, samples\) float32, got \(1, 5\)"):
        restorer.process(np.zeros((1, 5), np.float32))
    restorer.close()


def test_a_model_that_fails_ends_the_stream_with_its_error() -> None:
    class Broken(Echo):
        def __call__(self, window: Waveform, known: Known) -> Waveform:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(noise(1, 5_000), 500, enhancer=Broken())
