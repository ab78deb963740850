"""The one path: blocks in, high band predicted window by window, blocks out.

Command line, Python functions and streams all go through :class:`Restorer`. What is given is
never altered; the generated band is only added.
"""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import FULL_BAND_HZ, Segment
from aliquot.dsp.chunking import Window, Windower
from aliquot.dsp.resample import StreamResampler, fitted
from aliquot.dsp.splice import Headroom
from aliquot.dsp.stereo import channel_groups
from aliquot.engine import Enhancer, load_enhancer, model_rate
from aliquot.errors import ConfigError, InputError
from aliquot.report import Report

__all__ = ["Processing", "Report", "Restorer", "default_output_rate"]


@dataclass(frozen=True, slots=True)
class Processing:
    """How a stream is processed.

    Attributes:
        strength: Gain of the added band, 0 to 1.5.
        only_high: Give what would be added instead of the sum.
        headroom: Turn the added band down where the sum would clip; for integer results.
        threads: Windows worked on at a time; the result does not depend on it.
        core_frames: Frames of a window without its context; a multiple of four.
        grid_frames: Frames by which the grid of windows begins before the stream.
    """

    strength: float = 1.0
    only_high: bool = False
    headroom: bool = False
    threads: int = 2
    core_frames: int = 256
    grid_frames: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1.5:
            raise ConfigError(f"strength must lie in 0..1.5, got {self.strength}")
        if self.threads < 1:
            raise ConfigError(f"threads must be at least 1, got {self.threads}")


def default_output_rate(sample_rate: int) -> int:
    """The input's own rate from 44.1 kHz on; below, 44.1 kHz for its divisors, else 48 kHz.

    >>> [default_output_rate(rate) for rate in (8_000, 11_025, 22_050, 32_000, 44_100, 96_000)]
    [48000, 44100, 44100, 48000, 44100, 96000]
    """
    if sample_rate >= 44_100:
        return sample_rate
    return 44_100 if 44_100 % sample_rate == 0 else 48_000


class Restorer:
    """Restore a stream block by block; the result does not depend on the size of the blocks.

    Args:
        sample_rate: Of the stream, in Hz.
        channels: 1 to 8; the first two are restored as a pair, the others one by one.
        cutoff_hz: Where the stream's own sound ends, or segments of it; None adds nothing.
        model: A release, an ``.onnx`` file, or any :class:`aliquot.engine.Enhancer`.
        output_rate: In Hz; see :func:`default_output_rate`.
        processing: Everything else.

    Raises:
        ConfigError: If the cut-off lies outside the model's range.

    Example::

        restorer = Restorer(44_100, 2, cutoff_hz=8_000)
        out = [restorer.process(block) for block in blocks] + [restorer.flush()]
    """

    def __init__(
        self,
        sample_rate: int,
        channels: int,
        cutoff_hz: float | Sequence[Segment] | None,
        *,
        model: str | Enhancer = "default",
        output_rate: int | None = None,
        processing: Processing = Processing(),
    ) -> None:
        self.sample_rate, self.channels, self.processing = sample_rate, channels, processing
        self.output_rate = output_rate or default_output_rate(sample_rate)
        self.segments = _segments(cutoff_hz)
        self.nonfinite = self.samples_in = self.samples_out = self.overs = 0
        self.energies = np.zeros(2)
        self.given = StreamResampler(sample_rate, self.output_rate, channels)
        self.given_held = np.zeros((channels, 0), np.float32)
        self.high_held = np.zeros((channels, 0), np.float32)
        self.headroom = Headroom(channels)
        self.predictor: _Predictor | None = None
        if any(part.cutoff_hz < FULL_BAND_HZ for part in self.segments):
            enhancer = load_enhancer(model) if isinstance(model, str) else model
            check_cutoff(enhancer, min(part.cutoff_hz for part in self.segments))
            self.predictor = _Predictor(self, enhancer)

    def process(self, block: Waveform) -> Waveform:
        """Take a block ``(channels, n)``; return what is ready, ``(channels, m)``.

        Raises:
            InputError: If the block has another shape or type.
        """
        if block.ndim != 2 or block.shape[0] != self.channels or block.dtype != np.float32:
            raise InputError(
                f"a block must be ({self.channels}, samples) float32, got {block.shape} "
                f"{block.dtype}"
            )
        bad = ~np.isfinite(block)
        if bad.any():
            self.nonfinite += int(bad.sum())
            block = np.where(bad, np.float32(0), block)
        self.samples_in += block.shape[1]
        given = self.given.process(block)
        self.given_held = np.concatenate([self.given_held, given], axis=1)
        if self.predictor is not None:
            high = self.predictor.process(block, given)
            self.high_held = np.concatenate([self.high_held, high], axis=1)
        return self._joined(end=False)

    def flush(self) -> Waveform:
        """End the stream; return the rest. ``round(n * ratio)`` samples came out in all."""
        rest = self.given.flush()
        self.given_held = np.concatenate([self.given_held, rest], axis=1)
        if self.predictor is not None:
            high = self.predictor.flush(rest)
            self.high_held = np.concatenate([self.high_held, high], axis=1)
            self.high_held = fitted(self.high_held, self.given_held.shape[1])
        return self._joined(end=True)

    def close(self) -> None:
        """Let go of the threads of a stream that is not flushed."""
        if self.predictor is not None:
            self.predictor.close()

    @property
    def report(self) -> Report:
        """What has been done so far."""
        given, added = (float(value) for value in self.energies)
        cutoffs = [part.cutoff_hz for part in self.segments]
        return Report(
            action="restored" if self.predictor is not None else "copied",
            cutoff_hz=min(cutoffs) if cutoffs else None,
            segments=tuple(
                (part.start_seconds, part.end_seconds, part.cutoff_hz) for part in self.segments
            ),
            sample_rate=self.sample_rate,
            output_rate=self.output_rate,
            channels=self.channels,
            samples_in=self.samples_in,
            samples_out=self.samples_out,
            added_db=10 * float(np.log10(added / given)) if added > 0 and given > 0 else None,
            headroom_db=-20 * float(np.log10(max(self.headroom.lowest, 1e-5))) + 0.0,
            overs=self.overs,
            nonfinite=self.nonfinite,
            model=self.predictor.enhancer.name if self.predictor is not None else None,
        )

    def _joined(self, *, end: bool) -> Waveform:
        """What both streams have ready, joined."""
        if self.predictor is None:
            given, self.given_held = self.given_held, self.given_held[:, :0]
            high = np.zeros_like(given)
        else:
            ready = min(self.given_held.shape[1], self.high_held.shape[1])
            given, self.given_held = self.given_held[:, :ready], self.given_held[:, ready:]
            high, self.high_held = self.high_held[:, :ready], self.high_held[:, ready:]
            high = high * np.float32(self.processing.strength)
            if self.processing.headroom:
                given, high = self._with_headroom(given, high, end=end)
        self.energies += [_energy(given), _energy(high)]
        out = high if self.processing.only_high else given + high
        self.samples_out += out.shape[1]
        self.overs += int(np.count_nonzero(np.abs(out) > 1.0))
        return out

    def _with_headroom(
        self, given: Waveform, high: Waveform, *, end: bool
    ) -> tuple[Waveform, Waveform]:
        first = self.headroom.process(given, high)
        if not end:
            return first
        last = self.headroom.flush()
        return (
            np.concatenate([first[0], last[0]], axis=1),
            np.concatenate([first[1], last[1]], axis=1),
        )


class _Predictor:
    """The high band of a stream, at its output rate."""

    def __init__(self, restorer: Restorer, enhancer: Enhancer) -> None:
        processing, channels = restorer.processing, restorer.channels
        self.enhancer, self.segments = enhancer, restorer.segments
        self.rate = model_rate(enhancer, restorer.output_rate)
        self.shared = self.rate == restorer.output_rate
        self.down = StreamResampler(restorer.sample_rate, self.rate, channels)
        self.up = StreamResampler(self.rate, restorer.output_rate, channels)
        self.core = processing.core_frames * enhancer.hop
        self.windower = Windower(
            channels, self.core, enhancer.context, processing.grid_frames * enhancer.hop
        )
        self.skip = processing.grid_frames * enhancer.hop
        self.pool = ThreadPoolExecutor(processing.threads)
        self.pending: deque[Future[Waveform]] = deque()
        self.most_pending = processing.threads + 1
        self.empty = np.zeros((channels, 0), np.float32)

    def process(self, block: Waveform, given: Waveform) -> Waveform:
        feed = given if self.shared else self.down.process(block)
        return self._advance(feed, end=False)

    def flush(self, rest: Waveform) -> Waveform:
        feed = rest if self.shared else self.down.flush()
        try:
            high = self._advance(feed, end=True)
        finally:
            self.close()
        return np.concatenate([high, self.up.flush()], axis=1)

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _advance(self, feed: Waveform, *, end: bool) -> Waveform:
        done = [self.empty]
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
        cutoff_hz = self._cutoff(window.start + self.enhancer.context)
        if cutoff_hz >= FULL_BAND_HZ:
            return out
        for group in channel_groups(window.samples.shape[0]):
            out[list(group)] = self.enhancer(
                window.samples[list(group)],
                sample_rate=self.rate,
                cutoff_hz=cutoff_hz,
                start=window.start,
            )
        return out

    def _cutoff(self, core_start: int) -> float:
        """The highest cut-off of the segments that a core touches: when in doubt, add less."""
        begin, end = core_start / self.rate, (core_start + self.core) / self.rate
        touched = [p for p in self.segments if p.start_seconds < end and p.end_seconds > begin]
        highest = max((p.cutoff_hz for p in touched), default=self.segments[-1].cutoff_hz)
        return max(highest, self.enhancer.cutoff_range_hz[0])


def check_cutoff(enhancer: Enhancer, cutoff_hz: float) -> None:
    """Refuse a cut-off that a model was not made for.

    Raises:
        ConfigError: Naming the range.
    """
    low, high = enhancer.cutoff_range_hz
    if not low <= cutoff_hz <= high:
        raise ConfigError(
            f"{enhancer.name} restores from cut-offs of {low:.0f} to {high:.0f} Hz, got "
            f"{cutoff_hz:.0f} Hz; give --cutoff a value in that range"
        )


def _segments(cutoff_hz: float | Sequence[Segment] | None) -> tuple[Segment, ...]:
    if cutoff_hz is None:
        return ()
    if isinstance(cutoff_hz, int | float):
        return (Segment(0.0, float("inf"), float(cutoff_hz)),)
    return tuple(cutoff_hz)


def _energy(samples: Waveform) -> float:
    return float(np.vdot(samples, samples))
