"""Cut a stream into windows with context, on a grid that blocks cannot move."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.longterm import LongTerm


class Window(NamedTuple):
    """One piece of a stream with its surroundings.

    Attributes:
        samples: ``(channels, context + core + context)``; zeros stand before the beginning and
            after the end of the stream.
        start: Position in the stream of the first sample, context included; may be negative.
    """

    samples: Waveform
    start: int


@dataclass(frozen=True, slots=True)
class Known:
    """What a model is told of a window.

    Attributes:
        sample_rate: In Hz; one of the model's.
        cutoff_hz: Where the given band ends.
        start: Position of the window's first sample in the recording.
        long_term: The recording's long-term spectrum, if it was measured.
    """

    sample_rate: int
    cutoff_hz: float
    start: int
    long_term: LongTerm | None = None


class Windower:
    """Collect blocks; give windows whose cores follow one another without gap or overlap.

    The first core begins at ``-offset``; cores are ``core`` samples long whatever the blocks are,
    and the last one is filled up with zeros.

    Args:
        channels: Of the stream.
        core: Samples from one window to the next.
        context: Samples before and after a core.
        offset: Samples by which the grid begins before the stream; 0 to ``core - 1``.

    >>> windower = Windower(1, core=4, context=2)
    >>> [w.start for w in windower.push(np.ones((1, 7), np.float32))]
    [-2]
    >>> [(w.start, w.samples[0].tolist()) for w in windower.flush()]
    [(2, [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])]
    """

    def __init__(self, channels: int, core: int, context: int, offset: int = 0) -> None:
        if not 0 <= offset < core:
            raise ValueError(f"offset must lie in [0, {core}), got {offset}")
        self.core, self.context = core, context
        self.start = -context - offset
        self.held = np.zeros((channels, context + offset), np.float32)
        self.length = 0

    def push(self, block: Waveform) -> Iterator[Window]:
        """Take a block; yield the windows that are complete."""
        self.length += block.shape[1]
        self.held = np.concatenate([self.held, block], axis=1)
        yield from self._complete()

    def flush(self) -> Iterator[Window]:
        """End the stream; yield the windows that cover the rest."""
        missing = self.length - (self.start + self.context)
        if missing <= 0:
            return
        size = -(-missing // self.core) * self.core + 2 * self.context
        self.held = np.pad(self.held, ((0, 0), (0, size - self.held.shape[1])))
        yield from self._complete()

    def _complete(self) -> Iterator[Window]:
        size = self.core + 2 * self.context
        while self.held.shape[1] >= size:
            window = Window(self.held[:, :size].copy(), self.start)
            self.held = self.held[:, self.core :]
            self.start += self.core
            yield window
