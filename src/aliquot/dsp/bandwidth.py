"""Where a recording's own content ends, measured in a stream.

The meter keeps, for stretches of some three seconds, the mean power of every frequency bin: loud
windows rule it, so treble that a codec kept only in loud moments is seen. Windows in which treble
flashes up for an instant are left out: clicks and splices must not look like content. Memory is
bounded: when there are too many stretches, neighbours are joined.
"""

from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.changes import alike, changes, cliffs
from aliquot.dsp.falls import Fall, locate_fall
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.moments import HOLE_BANDS, Moments, measure_moments, window_powers
from aliquot.dsp.spectrum_profile import Floats

FULL_BAND_HZ = 19_000.0
"""Sound that reaches this is full-band: nothing to restore."""

_WINDOW_SECONDS = 0.032
_GROUP = 64
"""Windows measured together."""
_GROUPS_PER_STRETCH = 2
_MOST_STRETCHES = 1_024
_IN_FLIGHT = 6
"""Groups that may wait for threads at once: memory stays flat."""

_SHORTEST_SECONDS = 10.0
_SURE = 0.8
"""Less confidence in any part, and the recording counts as one."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a recording with one cut-off.

    Attributes:
        start_seconds: Where it begins.
        end_seconds: Where it ends.
        cutoff_hz: Where its content ends.
        long_term: Its long-term spectrum; None if it was not measured.
    """

    start_seconds: float
    end_seconds: float
    cutoff_hz: float
    long_term: LongTerm | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """How far up a recording's own content reaches.

    Attributes:
        cutoff_hz: Where its 1/12-octave spectrum lies 20 dB below its natural course; Nyquist if
            it never does.
        confidence: Probability, 0-1, that this is right within max(300 Hz, 10 %).
        full_band: Whether the sound reaches 19 kHz; silence counts, there is nothing to add to it.
        slope_db_per_octave: How steeply it ends; 0 if it does not.
        segments: One if the cut-off never changes, else one per part.
        holes: Share of moments, 0-1, in which the band just below the cut-off was emptied.
        long_term: The recording's long-term spectrum; None if it was not measured.
    """

    cutoff_hz: float
    confidence: float
    full_band: bool
    slope_db_per_octave: float
    segments: tuple[Segment, ...]
    holes: float = 0.0
    long_term: LongTerm | None = field(default=None, compare=False, repr=False)

    def told(self, cutoff_hz: float) -> tuple[Segment, ...]:
        """The recording as one segment that ends where somebody says, in Hz."""
        return (Segment(0.0, float("inf"), float(cutoff_hz), self.long_term),)


class BandwidthMeter:
    """Measure a recording block by block; the result does not depend on how it is cut.

    >>> meter = BandwidthMeter(44_100)
    >>> noise = np.random.default_rng(0).standard_normal((1, 88_200)).astype(np.float32)
    >>> meter.update(noise[:, :1_000]); meter.update(noise[:, 1_000:])
    >>> meter.result().full_band
    True
    """

    def __init__(self, sample_rate: int, pool: Executor | None = None) -> None:
        """Start a measurement.

        Args:
            sample_rate: In Hz.
            pool: Threads to measure in; the result is the same to the last bit.

        Raises:
            ValueError: If it is not positive.
        """
        if sample_rate <= 0:
            raise ValueError(f"a sample rate must be positive, got {sample_rate} Hz")
        self.sample_rate = sample_rate
        self.window = 2 << int(np.log2(max(16.0, _WINDOW_SECONDS * sample_rate)))
        self._hop = self.window // 2
        self._pool = pool
        self._running: deque[Future[Moments]] = deque()
        self._pending: list[Waveform] = []
        self._pending_samples = 0
        self._samples = 0
        self._channels = 1
        self._stretches: list[NDArray[np.float32]] = []
        self._groups_per_stretch = _GROUPS_PER_STRETCH
        self._open: Floats = np.zeros(self.window // 2 + 1)
        self._open_groups = 0
        self._holes = np.zeros(HOLE_BANDS)
        self._moments = np.zeros(HOLE_BANDS)

    def update(self, block: Waveform) -> None:
        """Take the next samples.

        Args:
            block: ``(channels, samples)``; not finite samples count as 0.
        """
        if not block.shape[1]:
            return
        self._samples += block.shape[1]
        self._channels = block.shape[0]
        finite = np.nan_to_num(np.array(block, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        self._pending.append(finite)
        self._pending_samples += block.shape[1]
        need = self.window + (_GROUP - 1) * self._hop
        if self._pending_samples < need:
            return
        waiting = np.concatenate(self._pending, axis=1)
        start = 0
        while waiting.shape[1] - start >= need:
            self._measure(waiting[:, start : start + need])
            start += _GROUP * self._hop
        rest = waiting[:, start:].copy()
        self._pending, self._pending_samples = [rest], rest.shape[1]

    @property
    def power(self) -> Floats:
        """Long-term power of each bin so far, ``(window // 2 + 1,)``, summed over channels."""
        stretches, weights = self._all_stretches()
        return np.asarray(weights @ stretches / weights.sum())

    @property
    def long_term(self) -> LongTerm:
        """The long-term spectrum so far."""
        return self._long_term(*self._all_stretches())

    def result(self) -> Bandwidth:
        """What has been found so far; more blocks may follow."""
        stretches, weights = self._all_stretches()
        fall = self._locate(stretches, weights)
        silent = not stretches.any()
        return Bandwidth(
            fall.cutoff_hz,
            fall.confidence,
            silent or fall.cutoff_hz >= FULL_BAND_HZ,
            fall.slope_db_per_octave,
            self._segments(stretches, weights, fall),
            self._hole_share(fall.cutoff_hz),
            self._long_term(stretches, weights),
        )

    def _all_stretches(self) -> tuple[Floats, Floats]:
        """Mean powers ``(stretches, bins)`` and how many windows each stands for."""
        self._settle()
        means: list[Floats] = [mean.astype(np.float64) for mean in self._stretches]
        weights = [self._groups_per_stretch * _GROUP] * len(means)
        if self._open_groups:
            means.append(self._open / self._open_groups)
            weights.append(self._open_groups * _GROUP)
        rest = np.concatenate(self._pending, axis=1) if self._pending else np.zeros((1, 0), "f4")
        if not means or rest.shape[1] >= self.window:
            if rest.shape[1] < self.window:
                rest = np.pad(rest, ((0, 0), (0, self.window - rest.shape[1])))
            powers = window_powers(rest, self.window)
            means.append(powers.mean(axis=0, dtype=np.float64))
            weights.append(powers.shape[0])
        return np.array(means), np.array(weights, np.float64)

    def _long_term(self, stretches: Floats, weights: Floats) -> LongTerm:
        # Of left and right the mean of mid and side is a quarter, of one channel the half.
        unit = 2 * self._channels * 0.375 * self.window
        return LongTerm(weights @ stretches / weights.sum() / unit, self.sample_rate)

    def _locate(self, stretches: Floats, weights: Floats) -> Fall:
        return locate_fall(weights @ stretches / weights.sum(), self.sample_rate)

    def _measure(self, group: Waveform) -> None:
        """Measure a group of windows, here or in the pool."""
        if self._pool is None:
            self._take(measure_moments(group, self.window))
            return
        self._running.append(self._pool.submit(measure_moments, group, self.window))
        self._settle(_IN_FLIGHT)

    def _settle(self, left: int = 0) -> None:
        """Take what the pool has measured, in order, until so many are still running."""
        while len(self._running) > left:
            self._take(self._running.popleft().result())

    def _take(self, found: Moments) -> None:
        self._holes += found.emptied
        self._moments += found.heard
        self._open = self._open + found.power
        self._open_groups += 1
        if self._open_groups < self._groups_per_stretch:
            return
        self._stretches.append((self._open / self._open_groups).astype(np.float32))
        self._open, self._open_groups = np.zeros_like(self._open), 0
        if len(self._stretches) == _MOST_STRETCHES:
            joined = np.array(self._stretches).reshape(_MOST_STRETCHES // 2, 2, -1).mean(axis=1)
            self._stretches = list(joined)
            self._groups_per_stretch *= 2

    def _hole_share(self, cutoff_hz: float) -> float:
        """Share of emptied moments in the bands from 0.8 to 0.95 of the cut-off."""
        width_hz = self.sample_rate / 2 / HOLE_BANDS
        low = int(0.8 * cutoff_hz / width_hz)
        high = max(low + 1, int(0.95 * cutoff_hz / width_hz))
        moments = self._moments[low:high].sum()
        return float(self._holes[low:high].sum() / moments) if moments else 0.0

    def _segments(self, stretches: Floats, weights: Floats, whole: Fall) -> tuple[Segment, ...]:
        """Parts with cut-offs of their own, each long enough and sure of where it ends."""
        total = self._samples / self.sample_rate
        begins = np.concatenate([[0.0], np.cumsum(weights)]) * self._hop / self.sample_rate
        shortest = int(np.ceil(_SHORTEST_SECONDS / begins[1]))
        starts = changes(cliffs(stretches, self.sample_rate), shortest)
        only = Segment(0.0, total, whole.cutoff_hz, self._long_term(stretches, weights))
        parts = [only]
        if len(starts) == 1:
            return tuple(parts)
        bounds = list(pairwise([*starts, len(stretches)]))
        falls = [self._locate(stretches[a:b], weights[a:b]) for a, b in bounds]
        spectra = [self._long_term(stretches[a:b], weights[a:b]) for a, b in bounds]
        if min(fall.confidence for fall in falls) < _SURE:
            return tuple(parts)
        parts[0] = Segment(0.0, total, falls[0].cutoff_hz, spectra[0])
        for start, fall, spectrum in zip(starts[1:], falls[1:], spectra[1:], strict=True):
            if not alike(parts[-1].cutoff_hz, fall.cutoff_hz):
                # In doubt a moment belongs to the part that reaches higher: nothing is added to it.
                lower = fall.cutoff_hz < parts[-1].cutoff_hz
                begin = float(begins[start + 1 if lower else start - 1])
                parts[-1] = replace(parts[-1], end_seconds=begin)
                parts.append(Segment(begin, total, fall.cutoff_hz, spectrum))
        return tuple(parts) if len(parts) > 1 else (only,)


def estimate_bandwidth(samples: Waveform, sample_rate: int) -> Bandwidth:
    """Measure a whole recording; see :class:`BandwidthMeter`.

    Args:
        samples: ``(channels, samples)``.
        sample_rate: In Hz.

    Returns:
        Its bandwidth.
    """
    meter = BandwidthMeter(sample_rate)
    meter.update(samples)
    return meter.result()
