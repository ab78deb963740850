"""The one path: blocks in, high band predicted window by window, blocks out.

Command line, Python functions and streams all go through :class:`Restorer`. What is given is
never altered; the generated band is only added.
"""

from collections.abc import Sequence

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import FULL_BAND_HZ, Segment
from aliquot.dsp.headroom import Headroom
from aliquot.dsp.resample import StreamResampler, fitted
from aliquot.engine import Enhancer, load_enhancer
from aliquot.errors import ConfigError, InputError
from aliquot.io.formats import MAX_RATE, MIN_RATE
from aliquot.predictor import Predictor, Processing, Stream
from aliquot.report import Report

__all__ = ["Processing", "Report", "Restorer", "default_output_rate"]

DEFAULT = Processing()


def default_output_rate(sample_rate: int) -> int:
    """The input's own rate from 44.1 kHz on; below, 44.1 kHz for its divisors, else 48 kHz.

    >>> [default_output_rate(rate) for rate in (8_000, 11_025, 22_050, 32_000, 44_100, 96_000)]
    [48000, 44100, 44100, 48000, 44100, 96000]
    """
    if sample_rate >= 44_100:
        return sample_rate
    return 44_100 if 44_100 % sample_rate == 0 else 48_000


def check_rates(sample_rate: int, output_rate: int | None) -> None:
    """Refuse rates that nothing here was made for.

    Raises:
        InputError: If it is the stream's.
        ConfigError: If it is the result's.
    """
    known = f"{MIN_RATE} to {MAX_RATE} Hz"
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise InputError(f"a sample rate of {sample_rate} Hz; resample it to one of {known}")
    if output_rate is not None and not MIN_RATE <= output_rate <= MAX_RATE:
        raise ConfigError(f"an output rate of {output_rate} Hz; ask for one of {known}")


class Restorer:
    """Restore a stream block by block; the result does not depend on the size of the blocks.

    Args:
        sample_rate: Of the stream, in Hz.
        channels: 1 to 8; the first two are restored as a pair, the others one by one.
        cutoff_hz: Where the stream's own sound ends, or segments of it; None adds nothing. Segments
            that :class:`aliquot.dsp.bandwidth.BandwidthMeter` has measured hold the long-term
            spectrum too, which tells the model more of the music.
        model: A release, an ``.onnx`` file, or any :class:`aliquot.engine.Enhancer`.
        output_rate: In Hz; see :func:`default_output_rate`.
        processing: Everything else.

    Raises:
        InputError: If the sample rate is none that can be restored.
        ConfigError: If the cut-off lies outside the model's range or above what the stream can
            hold, or the output rate is none that can be made.

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
        processing: Processing = DEFAULT,
    ) -> None:
        self.sample_rate, self.channels, self.processing = sample_rate, channels, processing
        check_rates(sample_rate, output_rate)
        self.output_rate = output_rate or default_output_rate(sample_rate)
        self.segments = _segments(cutoff_hz)
        self.nonfinite = self.samples_in = self.samples_out = self.overs = 0
        self.energies = np.zeros(2)
        self.given = StreamResampler(sample_rate, self.output_rate, channels)
        self.given_held = np.zeros((channels, 0), np.float32)
        self.high_held = np.zeros((channels, 0), np.float32)
        self.headroom = Headroom(channels, self.output_rate, self._cutoff_between)
        self.predictor: Predictor | None = None
        told = cutoff_hz is not None and not isinstance(cutoff_hz, Sequence)
        if told or any(part.cutoff_hz < FULL_BAND_HZ for part in self.segments):
            raw = processing.raw
            enhancer = load_enhancer(model, raw=raw) if isinstance(model, str) else model
            stream = Stream(sample_rate, self.output_rate, channels)
            self.predictor = Predictor(enhancer, stream, self.segments, processing)

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
        length = self.samples_in / self.sample_rate
        return Report(
            action="restored" if self.predictor is not None else "copied",
            cutoff_hz=min(cutoffs) if cutoffs else None,
            segments=tuple(
                (part.start_seconds, min(part.end_seconds, length), part.cutoff_hz)
                for part in self.segments
            ),
            sample_rate=self.sample_rate,
            output_rate=self.output_rate,
            channels=self.channels,
            samples_in=self.samples_in,
            samples_out=self.samples_out,
            added_db=10 * float(np.log10(added / given)) if added > 0 and given > 0 else None,
            headroom_db=self.headroom.lost_db,
            overs=self.overs + self.headroom.clipped,
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

    def _cutoff_between(self, begin: int, end: int) -> float:
        """The highest cut-off of what is restored from one sample of the result to another."""
        start, stop = begin / self.output_rate, end / self.output_rate
        restored = [part for part in self.segments if part.cutoff_hz < FULL_BAND_HZ]
        here = [p for p in restored if p.start_seconds < stop and p.end_seconds > start]
        return max(part.cutoff_hz for part in here or restored)

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


def _segments(cutoff_hz: float | Sequence[Segment] | None) -> tuple[Segment, ...]:
    if cutoff_hz is None:
        return ()
    if not isinstance(cutoff_hz, Sequence):
        return (Segment(0.0, float("inf"), float(cutoff_hz)),)
    return tuple(cutoff_hz)


def _energy(samples: Waveform) -> float:
    return float(np.vdot(samples, samples))
