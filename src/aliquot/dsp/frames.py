"""Transforms of windows that overlap: what one window shares with another is transformed once."""

from collections import deque
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import frame_count, stft

_KEPT = 4
"""Windows whose ends are kept: those of as many threads or pairs of channels."""

Planes = NDArray[np.float32]
"""``(channels, 2, frames, bins)``; real and imaginary part."""


class _End(NamedTuple):
    """The last samples of a window and the frames that lie in them."""

    samples: Waveform
    planes: Planes


class Frames:
    """Transform windows, each of which begins with what another has ended with.

    Ends are recognised by their samples, every one of them, so a result is the same to the last
    bit whatever came before, in any order and from any thread.

    >>> frames = Frames(2048, 512, 8192)
    >>> samples = np.random.default_rng(0).standard_normal((1, 40_960)).astype(np.float32)
    >>> first, second = frames(samples[:, :24_576]), frames(samples[:, 16_384:])
    >>> bool(np.array_equal(second, Frames(2048, 512, 8192)(samples[:, 16_384:])))
    True
    """

    def __init__(self, window: int, hop: int, overlap: int) -> None:
        """Begin with nothing known.

        Args:
            window: Samples of a frame.
            hop: Samples from one frame to the next.
            overlap: Samples that a window shares with the next one.
        """
        self.window, self.hop, self.overlap = window, hop, overlap
        self.ends: deque[_End] = deque(maxlen=_KEPT)
        self.lock = Lock()

    def __call__(self, samples: Waveform) -> Planes:
        """Transform a window, ``(channels, samples)``, all its whole frames."""
        shape = (samples.shape[0], 2, frame_count(samples.shape[1], self.window, self.hop))
        planes = np.empty((*shape, self.window // 2 + 1), np.float32)
        known = self._known(samples[:, : self.overlap])
        done = 0 if known is None else known.shape[2]
        if known is not None:
            planes[:, :, :done] = known
        spectrum = stft(samples[:, done * self.hop :], self.window, self.hop)
        planes[:, 0, done:], planes[:, 1, done:] = spectrum.real, spectrum.imag
        shared = frame_count(self.overlap, self.window, self.hop)
        end = _End(samples[:, -self.overlap :].copy(), planes[:, :, -shared:].copy())
        with self.lock:
            self.ends.append(end)
        return planes

    def _known(self, begin: Waveform) -> Planes | None:
        """The frames of an end that these samples are."""
        with self.lock:
            ends = list(self.ends)
        for end in reversed(ends):
            if np.array_equal(end.samples, begin):
                return end.planes
        return None
