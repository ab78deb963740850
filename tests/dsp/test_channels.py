import numpy as np
import pytest

from aliquot.dsp.stereo import channel_groups, from_mid_side, to_mid_side


@pytest.mark.parametrize("channels", [1, 2])
def test_mid_and_side_and_back(channels: int) -> None:
    samples = np.random.default_rng(0).standard_normal((channels, 50)).astype(np.float32)
    np.testing.assert_allclose(from_mid_side(to_mid_side(samples), channels), samples, atol=1e-6)


def test_equal_channels_have_no_side() -> None:
    samples = np.repeat(np.random.default_rng(0).standard_normal((1, 50)), 2, axis=0)
    assert not to_mid_side(samples.astype(np.float32))[1].any()


def test_the_first_two_of_many_are_a_pair() -> None:
    assert channel_groups(6) == ((0, 1), (2,), (3,), (4,), (5,))
