import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliquot.dsp.edges import EDGE, Edges, ramp


@given(length=st.integers(0, 3 * EDGE), sizes=st.lists(st.integers(0, 2 * EDGE), max_size=6))
def test_edges_are_eased_and_the_rest_passes_whatever_the_blocks(
    length: int, sizes: list[int]
) -> None:
    samples = np.random.default_rng(1).standard_normal((2, length)).astype(np.float32)
    edges, at, parts = Edges(2), 0, []
    for size in [*sizes, length]:
        parts.append(edges.process(samples[:, at : at + size]))
        at += size
    eased = np.concatenate([*parts, edges.flush()], axis=1)
    both = ramp(0, length) * ramp(0, length)[::-1]
    np.testing.assert_allclose(eased, samples * both, rtol=1e-6)
    np.testing.assert_array_equal(eased[:, EDGE:-EDGE], samples[:, EDGE:-EDGE])


def test_the_input_is_not_touched() -> None:
    samples = np.ones((1, 2 * EDGE), np.float32)
    Edges(1).process(samples)
    assert (samples == 1.0).all()


def test_a_rise_begins_and_ends_level() -> None:
    rise = ramp(0, EDGE + 5)
    assert rise[0] == pytest.approx(0.0, abs=1e-4)
    assert (np.diff(rise) >= 0).all()
    assert (rise[EDGE:] == 1.0).all()
