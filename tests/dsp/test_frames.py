"""Windows share frames, and never those of other sound."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.dsp import frames as module
from aliquot.dsp.frames import Frames, Planes
from aliquot.dsp.stft import stft

WINDOW, HOP, OVERLAP, CORE = 64, 16, 256, 160


def cut(samples: Waveform, count: int) -> list[Waveform]:
    return [samples[:, at * CORE : at * CORE + CORE + OVERLAP] for at in range(count)]


def plain(samples: Waveform) -> Planes:
    spectrum = stft(samples, WINDOW, HOP)
    return np.stack([spectrum.real, spectrum.imag], axis=1)


@pytest.fixture
def windows() -> list[Waveform]:
    rng = np.random.default_rng(0)
    return cut(rng.standard_normal((2, 12 * CORE + OVERLAP)).astype(np.float32), 12)


def test_a_window_is_transformed_as_if_alone_and_its_beginning_only_once(
    windows: list[Waveform], monkeypatch: pytest.MonkeyPatch
) -> None:
    transformed = []

    def counting(samples: Waveform, window: int, hop: int) -> object:
        found = stft(samples, window, hop)
        transformed.append(found.shape[1])
        return found

    monkeypatch.setattr(module, "stft", counting)
    frames = Frames(WINDOW, HOP, OVERLAP)
    for samples in windows:
        np.testing.assert_array_equal(frames(samples), plain(samples))
    whole = (CORE + OVERLAP - WINDOW) // HOP + 1
    assert transformed == [whole] + [CORE // HOP] * 11


def test_other_sound_of_the_same_length_is_transformed_anew(windows: list[Waveform]) -> None:
    """One sample of the overlap differs; then another stream; then the channels are swapped."""
    frames = Frames(WINDOW, HOP, OVERLAP)
    frames(windows[0])
    changed = windows[1].copy()
    changed[1, 3] += 1e-6
    for samples in (changed, windows[7], windows[1][::-1], windows[1][:1], windows[1]):
        np.testing.assert_array_equal(frames(samples), plain(samples))


def test_threads_and_order_do_not_matter(windows: list[Waveform]) -> None:
    frames = Frames(WINDOW, HOP, OVERLAP)
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(12), 5))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: frames(windows[place]), order))
    for place, planes in zip(order, found, strict=True):
        np.testing.assert_array_equal(planes, plain(windows[place]))
