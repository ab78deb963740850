"""Add a generated high band to a recording without touching what was given."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform

SEGMENT = 512
"""Samples over which the headroom gain moves."""
HIGH_BAND_REACH = 1_024
"""Samples on each side of a sample on which its :func:`high_band` depends."""


def guard_hz(cutoff_hz: float) -> float:
    """Width of the guard below a cut-off: 500 Hz or a tenth of it, whichever is more.

    >>> guard_hz(4_000.0), guard_hz(11_025.0)
    (500.0, 1102.5)
    """
    return max(500.0, 0.1 * cutoff_hz)


def fade_in(freqs_hz: NDArray[np.floating], cutoff_hz: float) -> NDArray[np.float32]:
    """Gain of a generated band: 0 below the middle of the guard, 1 from its last quarter on.

    The first half of the guard is left free so that a cut-off read somewhat too low still keeps
    the promise that nothing changes below the true one less its guard.

    Args:
        freqs_hz: Frequencies in Hz.
        cutoff_hz: Where the given band ends.

    Returns:
        The gains, shaped as ``freqs_hz``.
    """
    guard = guard_hz(cutoff_hz)
    place = np.clip((freqs_hz - (cutoff_hz - 0.5 * guard)) / (0.25 * guard), 0, 1)
    gain: NDArray[np.float32] = (place * place * (3 - 2 * place)).astype(np.float32)
    return gain


def high_band(samples: Waveform, sample_rate: int, cutoff_hz: float) -> Waveform:
    """What lies above a cut-off, fading in as :func:`fade_in`, by a linear-phase filter.

    Args:
        samples: ``(channels, samples)``; silence is assumed around them.
        sample_rate: In Hz.
        cutoff_hz: Where the given band ends.

    Returns:
        As ``samples``, without delay; exact from :data:`HIGH_BAND_REACH` samples inside on.
    """
    freqs = np.arange(HIGH_BAND_REACH + 1) * (sample_rate / (2 * HIGH_BAND_REACH))
    taps = np.roll(np.fft.irfft(fade_in(freqs, cutoff_hz)), HIGH_BAND_REACH)
    taps = np.append(taps, taps[0]) * (
        0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, taps.size + 1))
    )
    size = samples.shape[1]
    padded = 1 << (size + taps.size).bit_length()
    spectrum = np.fft.rfft(samples, n=padded, axis=1) * np.fft.rfft(taps, n=padded)
    whole = np.fft.irfft(spectrum, n=padded, axis=1)
    return whole[:, HIGH_BAND_REACH : HIGH_BAND_REACH + size].astype(np.float32)


class Headroom:
    """Turn the added band down where the sum would pass full scale; never the given samples.

    The gain is piecewise linear over segments of 512 samples at absolute positions, each end the
    lowest gain that its neighbours need, so the sum never passes the ceiling, the gain never
    jumps, and the result does not depend on how the stream comes in blocks. Samples that are over
    the ceiling by themselves are left alone: nothing that is added can mend them.

    Attributes:
        lowest: The lowest gain used so far.
    """

    REACH = 2

    def __init__(self, channels: int, ceiling: float = 1.0 - 2.0**-15) -> None:
        self.ceiling = np.float32(ceiling)
        self.lowest = 1.0
        self.given = np.zeros((channels, 0), np.float32)
        self.high = np.zeros((channels, 0), np.float32)
        self.needs = np.ones(self.REACH + 1)
        """Gains needed by the segments before the one to come out next, then by it and later."""

    def process(self, given: Waveform, high: Waveform) -> tuple[Waveform, Waveform]:
        """Take both signals, ``(channels, n)``; return them as far as the gain is known."""
        self.given = np.concatenate([self.given, given], axis=1)
        self.high = np.concatenate([self.high, high], axis=1)
        measured = self.needs.size - (self.REACH + 1)
        whole = self.given.shape[1] // SEGMENT
        self._measure(measured, whole)
        return self._emit(max(0, whole - self.REACH - 1))

    def flush(self) -> tuple[Waveform, Waveform]:
        """End the stream; return the rest."""
        length = self.given.shape[1]
        segments = -(-length // SEGMENT)
        padding = ((0, 0), (0, segments * SEGMENT - length))
        self.given, self.high = np.pad(self.given, padding), np.pad(self.high, padding)
        self._measure(self.needs.size - (self.REACH + 1), segments)
        self.needs = np.concatenate([self.needs, np.ones(self.REACH + 1)])
        given, high = self._emit(segments)
        return given[:, :length], high[:, :length]

    def _measure(self, begin: int, end: int) -> None:
        if end <= begin:
            return
        part = slice(begin * SEGMENT, end * SEGMENT)
        given, high = self.given[:, part], self.high[:, part]
        room = np.where(high > 0, self.ceiling - given, self.ceiling + given)
        over = (np.abs(given + high) > self.ceiling) & (np.abs(given) < self.ceiling)
        ratio = np.where(over, room / np.maximum(np.abs(high), 1e-12), 1.0)
        needed = ratio.reshape(ratio.shape[0], -1, SEGMENT).min(axis=(0, 2))
        self.needs = np.concatenate([self.needs, np.clip(needed, 0.0, 1.0)])

    def _emit(self, segments: int) -> tuple[Waveform, Waveform]:
        if segments <= 0:
            empty = self.given[:, :0]
            return empty, empty
        reach = self.REACH
        # The gain at the border before segment i serves segments i - reach to i + reach - 1.
        spans = np.lib.stride_tricks.sliding_window_view(self.needs[1:], 2 * reach)
        borders = spans.min(axis=1)[: segments + 1]
        part = slice(0, segments * SEGMENT)
        given, high = self.given[:, part], self.high[:, part]
        if borders.min() < 1.0:
            self.lowest = min(self.lowest, float(borders.min()))
            steps = np.arange(SEGMENT) / SEGMENT
            gain = borders[:-1, None] + (borders[1:] - borders[:-1])[:, None] * steps
            high = high * gain.reshape(-1).astype(np.float32)
        self.given = self.given[:, segments * SEGMENT :]
        self.high = self.high[:, segments * SEGMENT :]
        self.needs = self.needs[segments:]
        return given, high
