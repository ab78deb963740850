import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliquot.dsp.chunking import Window, Windower


def windows_of(samples: np.ndarray, sizes: list[int], core: int, context: int) -> list[Window]:
    windower = Windower(1, core, context)
    found, at = [], 0
    for size in [*sizes, samples.shape[1]]:
        found += windower.push(samples[:, at : at + size])
        at += size
    return found + list(windower.flush())


@given(
    length=st.integers(0, 300),
    sizes=st.lists(st.integers(0, 60), max_size=8),
    core=st.integers(1, 40),
    context=st.integers(0, 25),
)
def test_cores_joined_are_the_stream_whatever_the_blocks(
    length: int, sizes: list[int], core: int, context: int
) -> None:
    samples = np.arange(1, length + 1, dtype=np.float32)[None]
    windows = windows_of(samples, sizes, core, context)
    cores = [w.samples[:, context : context + core] for w in windows]
    joined = np.concatenate([np.zeros((1, 0), np.float32), *cores], axis=1)
    np.testing.assert_array_equal(joined[:, :length], samples)
    assert not joined[:, length:].any()
    assert joined.shape[1] - length < core


def test_every_window_shows_its_surroundings_and_its_place() -> None:
    samples = np.arange(100, dtype=np.float32)[None]
    padded = np.pad(samples, ((0, 0), (8, 60)))
    for window in windows_of(samples, [7, 33], core=20, context=8):
        first = window.start + 8
        np.testing.assert_array_equal(window.samples, padded[:, first : first + 36])


def test_a_moved_grid_begins_before_the_stream() -> None:
    windower = Windower(1, 20, 8, offset=13)
    assert [w.start for w in windower.push(np.zeros((1, 40), np.float32))] == [-21, -1]


def test_an_offset_of_a_whole_core_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        Windower(1, 20, 8, offset=20)
