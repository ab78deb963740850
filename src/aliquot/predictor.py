"""The high band of a stream: windows to a model, side by side, and joined again in order."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import FULL_BAND_HZ, Segment
from aliquot.dsp.chunking import Known, Window, Windower
from aliquot.dsp.edges import Edges
from aliquot.dsp.resample import StreamResampler
from aliquot.dsp.stereo import channel_groups
from aliquot.engine import Enhancer, model_rate
from aliquot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Stream:
    """Rates, in Hz, and channels of a stream."""

    sample_rate: int
    output_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Processing:
    """How a stream is processed.

    Attributes:
        strength: Gain of the added band, 0 to 1.5.
        only_high: Give what would be added instead of the sum.
        headroom: Turn the added band down where the sum would clip; for integer results.
        raw: Take all that a waveform model returns, its version of the given band included.
        threads: Windows worked on at a time; the result does not depend on it.
        core_frames: Frames of a window without its context; a multiple of four.
        grid_frames: Frames by which the grid of windows begins before the stream.
    """

    strength: float = 1.0
    only_high: bool = False
    headroom: bool = False
    raw: bool = False
    threads: int = 2
    core_frames: int = 160
    grid_frames: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1.5:
            raise ConfigError(f"strength must lie in 0..1.5, got {self.strength}")
        if self.threads < 1:
            raise ConfigError(f"threads must be at least 1, got {self.threads}")


class Predictor:
    """The high band of a stream, at its output rate.

    Args:
        enhancer: The model.
        stream: Rates and channels.
        segments: Where the stream's own sound ends.
        processing: Threads and the grid of windows.

    Raises:
        ConfigError: If a cut-off lies outside the model's range.
    """

    def __init__(
        self,
        enhancer: Enhancer,
        stream: Stream,
        segments: tuple[Segment, ...],
        processing: Processing,
    ) -> None:
        check_cutoff(enhancer, min(part.cutoff_hz for part in segments), stream.sample_rate)
        channels = stream.channels
        self.enhancer, self.segments = enhancer, segments
        self.rate = model_rate(enhancer, stream.output_rate)
        self.shared = self.rate == stream.output_rate
        self.down = StreamResampler(stream.sample_rate, self.rate, channels)
        self.up = StreamResampler(self.rate, stream.output_rate, channels)
        self.core = processing.core_frames * enhancer.hop
        self.windower = Windower(
            channels, self.core, enhancer.context, processing.grid_frames * enhancer.hop
        )
        self.edges = None if processing.raw else Edges(channels)
        self.skip = processing.grid_frames * enhancer.hop
        self.pool = ThreadPoolExecutor(processing.threads)
        self.pending: deque[Future[Waveform]] = deque()
        self.most_pending = processing.threads + 1
        self.empty = np.zeros((channels, 0), np.float32)

    def process(self, block: Waveform, given: Waveform) -> Waveform:
        """Take a block at the stream's rate, and what of it is ready at the output rate."""
        feed = given if self.shared else self.down.process(block)
        return self._advance(feed, end=False)

    def flush(self, rest: Waveform) -> Waveform:
        """End the stream; ``rest`` is what was left at the output rate."""
        feed = rest if self.shared else self.down.flush()
        try:
            high = self._advance(feed, end=True)
        finally:
            self.close()
        return np.concatenate([high, self.up.flush()], axis=1)

    def close(self) -> None:
        """Let go of the threads."""
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _advance(self, feed: Waveform, *, end: bool) -> Waveform:
        done = [self.empty]
        if self.edges is not None:
            feed = self.edges.process(feed)
            if end:
                feed = np.concatenate([feed, self.edges.flush()], axis=1)
        for window in self.windower.push(feed):
            done += self._submit(window)
        if end:
            for window in self.windower.flush():
                done += self._submit(window)
        while self.pending and (end or self.pending[0].done()):
            done.append(self._next())
        return np.concatenate(done, axis=1)

    def _submit(self, window: Window) -> list[Waveform]:
        self.pending.append(self.pool.submit(self._predict, window))
        return [self._next()] if len(self.pending) > self.most_pending else []

    def _next(self) -> Waveform:
        high = self.pending.popleft().result()
        cut = min(self.skip, high.shape[1])
        self.skip -= cut
        return self.up.process(high[:, cut:])

    def _predict(self, window: Window) -> Waveform:
        out = np.zeros((window.samples.shape[0], self.core), np.float32)
        part = self._part(window.start + self.enhancer.context)
        if part.cutoff_hz >= FULL_BAND_HZ:
            return out
        cutoff_hz = max(part.cutoff_hz, self.enhancer.cutoff_range_hz[0])
        known = Known(self.rate, cutoff_hz, window.start, part.long_term)
        for group in channel_groups(window.samples.shape[0]):
            out[list(group)] = self.enhancer(window.samples[list(group)], known)
        return out

    def _part(self, core_start: int) -> Segment:
        """Of the segments that a core touches that of the highest cut-off: in doubt, add less."""
        begin, end = core_start / self.rate, (core_start + self.core) / self.rate
        touched = [p for p in self.segments if p.start_seconds < end and p.end_seconds > begin]
        return max(touched, key=lambda p: p.cutoff_hz, default=self.segments[-1])


def check_cutoff(enhancer: Enhancer, cutoff_hz: float, sample_rate: int) -> None:
    """Refuse a cut-off that a model was not made for, or that a stream cannot have.

    Raises:
        ConfigError: Naming the range.
    """
    low, high = enhancer.cutoff_range_hz
    if cutoff_hz > sample_rate / 2:
        raise ConfigError(
            f"sound of {sample_rate} Hz ends at {sample_rate / 2:.0f} Hz at the latest, and cannot "
            f"have a cut-off of {cutoff_hz:.0f} Hz; give --cutoff less, or leave it out"
        )
    if not low <= cutoff_hz <= high:
        raise ConfigError(
            f"{enhancer.name} restores from cut-offs of {low:.0f} to {high:.0f} Hz, got "
            f"{cutoff_hz:.0f} Hz; give --cutoff a value in that range"
        )
