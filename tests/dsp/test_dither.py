import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliquot.audio import Waveform
from aliquot.dsp.dither import quantise16, quantise24, tpdf


@given(start=st.integers(0, 2**40), frames=st.integers(0, 3_000), cut=st.integers(0, 3_000))
def test_noise_at_a_position_does_not_depend_on_where_the_block_begins(
    start: int, frames: int, cut: int
) -> None:
    cut = min(cut, frames)
    whole = tpdf(2, frames, start)
    np.testing.assert_array_equal(whole[:, :cut], tpdf(2, cut, start))
    np.testing.assert_array_equal(whole[:, cut:], tpdf(2, frames - cut, start + cut))


def test_noise_is_the_same_for_ever() -> None:
    """Stored values: a change of generator, key or order would change every 16-bit result."""
    expected = [
        [-0.653083261102438, 0.850795827107504, -0.159251300385222],
        [-0.341925292043015, -0.075246411841363, 0.367126160999760],
    ]
    np.testing.assert_allclose(tpdf(2, 3, 10), expected, atol=1e-9)


def test_noise_is_triangular_between_minus_and_plus_one_step() -> None:
    noise = tpdf(1, 200_000, 0)[0]
    assert abs(noise).max() < 1.0
    assert noise.mean() == pytest.approx(0.0, abs=5e-3)
    assert noise.var() == pytest.approx(1 / 6, rel=0.02)  # two uniforms of variance 1/12
    assert np.mean(abs(noise) < 0.5) == pytest.approx(0.75, abs=0.01)


def test_channels_get_independent_noise() -> None:
    noise = tpdf(3, 100_000, 0)
    correlation = np.corrcoef(noise)
    assert abs(correlation[np.triu_indices(3, 1)]).max() < 0.02


def test_the_process_wide_random_state_is_not_touched() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 its state is what is checked
    quantise16(np.ones((2, 100), np.float32) / 3, 0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_digital_silence_stays_digital_silence() -> None:
    samples = np.zeros((2, 1000), np.float32)
    samples[0, 400:600] = 1e-6
    stored = quantise16(samples, 7)
    assert not stored[:, :400].any()
    assert not stored[:, 600:].any()
    assert stored[:, 400:600].any()


def test_a_channel_beside_a_sounding_one_is_dithered_too() -> None:
    samples = np.stack([np.full(1000, 0.1, np.float32), np.zeros(1000, np.float32)])
    assert quantise16(samples, 0)[1].any()


def test_a_level_between_two_steps_survives_on_average() -> None:
    """What dither is for: plain rounding would give 0 for a third of a step."""
    third = np.full((1, 300_000), 1 / 3 / 2**15, np.float32)
    assert quantise16(third, 0).mean() == pytest.approx(1 / 3, abs=5e-3)


def test_full_scale_is_reached_and_never_wrapped() -> None:
    samples = np.array([[1.0, -1.0, 3.0, -3.0]], np.float32)
    stored = quantise16(samples, 0)[0]
    assert stored[0] >= 32_765
    assert stored[1] <= -32_766
    assert stored[2:].tolist() == [32_767, -32_768]
    assert quantise24(samples).tolist() == [[2**23 - 1, -(2**23), 2**23 - 1, -(2**23)]]


def test_twenty_four_bits_come_through_exactly() -> None:
    whole = np.arange(-(2**23), 2**23, 1237, dtype=np.int32)[None]
    samples: Waveform = (whole / 2.0**23).astype(np.float32)
    np.testing.assert_array_equal(quantise24(samples), whole)
