"""Ease a stream in and out, so that a model does not take its edges for clicks."""

import numpy as np

from aliquot.audio import Waveform

EDGE = 192
"""Samples of a fade: about 4 ms. A recording that is cut in full sound, a loop or a preview, breaks
off with energy at all frequencies, and where nothing else stands above the cut-off the treble comes
out as loud as that click, up to 25 dB too loud. Shorter fades leave more of it; longer ones soften
an attack on the first sample (decision 36)."""


class Edges:
    """Fade what a model is given in and out at its beginning and end; the rest passes.

    Args:
        channels: Of the stream.

    >>> edges = Edges(1)
    >>> eased = np.concatenate([edges.process(np.ones((1, 500), np.float32)), edges.flush()], 1)
    >>> eased.shape, bool(eased[0, 200] == 1.0), bool(eased[0, 0] < 1e-4 > eased[0, -1])
    ((1, 500), True, True)
    """

    def __init__(self, channels: int) -> None:
        self.position = 0
        self.held = np.zeros((channels, 0), np.float32)

    def process(self, block: Waveform) -> Waveform:
        """Take a block; return all but the last samples so far, which may be the end."""
        missing = EDGE - self.position
        if missing > 0 and block.shape[1]:
            block = block.copy()
            first = block[:, :missing]
            first *= ramp(self.position, first.shape[1])
        self.position += block.shape[1]
        held = np.concatenate([self.held, block], axis=1)
        ready = max(0, held.shape[1] - EDGE)
        self.held = held[:, ready:]
        return held[:, :ready]

    def flush(self) -> Waveform:
        """End the stream; return what was held, faded out."""
        held, self.held = self.held, self.held[:, :0]
        return held * ramp(0, held.shape[1])[::-1]


def ramp(start: int, size: int) -> Waveform:
    """Part of a rise from 0 to 1 over :data:`EDGE` samples, as half a cosine: ``(size,)``."""
    at = (np.arange(start, start + size) + 0.5) / EDGE
    return (0.5 - 0.5 * np.cos(np.pi * np.minimum(at, 1.0))).astype(np.float32)
