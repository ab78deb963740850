import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliquot.dsp.resample import StreamResampler, fitted, resample


def tone(hz: float, rate: int, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)[None]


@pytest.mark.parametrize(("old", "new"), [(22_050, 44_100), (48_000, 44_100), (8_000, 48_000)])
def test_a_tone_comes_out_in_place(old: int, new: int) -> None:
    out = resample(tone(1_000, old, 1.0), old, new)
    inner = slice(new // 10, -new // 10)
    np.testing.assert_allclose(out[:, inner], tone(1_000, new, 1.0)[:, inner], atol=2e-5)


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(0, 9_000),
    block=st.integers(1, 4_000),
    rates=st.sampled_from([(22_050, 44_100), (44_100, 48_000), (96_000, 44_100), (4_000, 48_000)]),
)
def test_a_stream_equals_the_whole_to_the_last_sample(
    length: int, block: int, rates: tuple[int, int]
) -> None:
    samples = np.random.default_rng(length).standard_normal((2, length)).astype(np.float32)
    stream = StreamResampler(*rates, channels=2)
    parts = [stream.process(samples[:, at : at + block]) for at in range(0, length, block)]
    joined = np.concatenate([*parts, stream.flush()], axis=1)
    assert joined.shape[1] == round(length * rates[1] / rates[0])
    if length:
        np.testing.assert_allclose(joined, resample(samples, *rates), atol=1e-6)


def test_equal_rates_change_nothing() -> None:
    samples = tone(100, 8_000, 0.1)
    stream = StreamResampler(8_000, 8_000, 1)
    assert stream.process(samples) is samples
    assert stream.flush().shape == (1, 0)


def test_fitted_cuts_and_fills() -> None:
    assert fitted(np.ones((1, 3), np.float32), 2).tolist() == [[1, 1]]
    assert fitted(np.ones((1, 3), np.float32), 4).tolist() == [[1, 1, 1, 0]]
