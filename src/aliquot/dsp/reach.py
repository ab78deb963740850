"""How far up a recording carries content, moment by moment: up to where it may teach.

:mod:`aliquot.dsp.bandwidth` says where a recording's sound *ends* against the natural course of
music, for restoring it. Here the question is a trainer's: above which frequency is there nothing
at all, because a codec or a converter emptied it? A loss must not look there. So every moment has
a reach, the highest bin with content, and a recording has two: what its highest moments reach, and
what half of its loud moments reach. Between the two a codec keeps the band only now and then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.spectrum_profile import STEPS, grid, smoothed_db
from aliquot.dsp.stft import hann

CONTENT_DB = -112.0
"""A bin above this holds content, in dB of full scale: 7 dB over the highest bins of 16-bit dither,
and where the measurement agrees best with a collection that was measured otherwise."""
LOUD_DB = 30.0
"""Moments that lie no further than this under the loudest are loud."""
HIGHEST_SHARE = 0.95
"""Share of the loud moments that reach no higher than the highest reach."""
TYPICAL_SHARE = 0.5
CLIFF_DB = 24.0
"""Where the long-term spectrum falls by this within a sixth of an octave and never rises again,
what lies beyond the foot is leftovers of a later codec, or hiss: no sound to learn from."""

_CLIFF_SPAN = STEPS // 6
_BEYOND = 0.9
"""A foot nearer to the highest reach is the fall of that reach itself."""
_MOMENT_SECONDS = 0.06
_GROUP = 32
"""Moments measured together."""
_LEVELS = 160
_LOWEST_DB = -120
"""Levels of moments are counted in steps of 1 dB from here up."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far up a recording carries content.

    Attributes:
        highest_hz: 95 % of its loud moments reach no higher; 0 for silence.
        typical_hz: Half of its loud moments reach it.
        loudest_db: Level of the loudest moment, the mean of its channels, in dB of full scale.
        seconds: Length.
    """

    highest_hz: float
    typical_hz: float
    loudest_db: float
    seconds: float


class ReachMeter:
    """Measure a recording block by block; the result does not depend on how it is cut.

    Memory does not grow: moments are counted by level and reach.

    >>> meter = ReachMeter(44_100)
    >>> noise = np.random.default_rng(0).standard_normal((1, 88_200)).astype(np.float32)
    >>> meter.update(noise[:, :1_000]); meter.update(noise[:, 1_000:])
    >>> meter.result().highest_hz
    22050.0
    """

    def __init__(self, sample_rate: int) -> None:
        """Start a measurement.

        Args:
            sample_rate: In Hz.

        Raises:
            ValueError: If it is not positive.
        """
        if sample_rate <= 0:
            raise ValueError(f"a sample rate must be positive, got {sample_rate} Hz")
        self.sample_rate = sample_rate
        self.window = 2 << int(np.log2(max(16.0, _MOMENT_SECONDS * sample_rate)))
        self._taper = hann(self.window)
        self._pending: list[Waveform] = []
        self._pending_samples = 0
        self._samples = 0
        bins = self.window // 2 + 1
        self._counts = np.zeros((_LEVELS, bins), np.int64)
        self._power = np.zeros(bins)

    def update(self, block: Waveform) -> None:
        """Take the next samples.

        Args:
            block: ``(channels, samples)``, finite.
        """
        self._samples += block.shape[1]
        self._pending.append(np.array(block, np.float32))
        self._pending_samples += block.shape[1]
        need = self.window * _GROUP
        if self._pending_samples < need:
            return
        waiting = np.concatenate(self._pending, axis=1)
        whole = waiting.shape[1] // need * need
        for start in range(0, whole, need):
            self._count(self._powers(waiting[:, start : start + need]))
        rest = waiting[:, whole:].copy()
        self._pending, self._pending_samples = [rest], rest.shape[1]

    def result(self) -> Reach:
        """What has been found so far; more blocks may follow."""
        counts, power = self._counts.copy(), self._power.copy()
        if self._pending_samples:
            rest = np.concatenate(self._pending, axis=1)
            short = -rest.shape[1] % self.window
            self._count(self._powers(np.pad(rest, ((0, 0), (0, short)))))
        found, self._counts = self._counts, counts
        mean, self._power = self._power, power
        seconds = self._samples / self.sample_rate
        heard = np.flatnonzero(found[1:].sum(axis=1)) + 1  # the lowest level is silence
        if not heard.size:
            return Reach(0.0, 0.0, float(_LOWEST_DB), seconds)
        loud = found[max(1, int(heard[-1] - LOUD_DB)) :].sum(axis=0)
        highest, typical = (
            _quantile(loud, share) * self.sample_rate / self.window
            for share in (HIGHEST_SHARE, TYPICAL_SHARE)
        )
        edge, foot = _cliff_hz(mean, self.sample_rate)
        if foot < _BEYOND * highest:
            highest, typical = min(edge, highest), min(edge, typical)
        return Reach(highest, typical, float(heard[-1] + _LOWEST_DB), seconds)

    def _powers(self, samples: Waveform) -> NDArray[np.float32]:
        """Mean power of the channels ``(moments, bins)``; the bins of a moment sum to its own."""
        moments = samples.reshape(samples.shape[0], -1, self.window)
        spectrum = np.fft.rfft(moments * self._taper, axis=2)
        power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0)
        scaled: NDArray[np.float32] = (power / self._scale).astype(np.float32)
        return scaled

    @property
    def _scale(self) -> float:
        return float((self._taper**2).sum()) * self.window / 2

    def _count(self, powers: NDArray[np.float32]) -> None:
        self._power += powers.sum(axis=0, dtype=np.float64)
        content = powers > 10 ** (CONTENT_DB / 10)
        top = powers.shape[1] - 1 - np.argmax(content[:, ::-1], axis=1)
        top[~content.any(axis=1)] = 0
        total = powers.sum(axis=1, dtype=np.float64)
        level = np.rint(10 * np.log10(np.maximum(total, 1e-30))) - _LOWEST_DB
        np.add.at(self._counts, (np.clip(level, 0, _LEVELS - 1).astype(int), top), 1)


def _cliff_hz(power: NDArray[np.float64], sample_rate: int) -> tuple[float, float]:
    """Edge and foot of the lowest cliff in a long-term spectrum; Nyquist if there is none."""
    freqs = grid(sample_rate)
    freqs = freqs[freqs < sample_rate / 2 * 0.985]
    if freqs.size > _CLIFF_SPAN:
        levels = smoothed_db(power, sample_rate, freqs)
        highest_above = np.maximum.accumulate(levels[::-1])[::-1]
        fallen = levels[:-_CLIFF_SPAN] - highest_above[_CLIFF_SPAN:] > CLIFF_DB
        if fallen.any():
            edge = int(np.argmax(fallen))
            return float(freqs[edge]), float(freqs[edge + _CLIFF_SPAN])
    return sample_rate / 2, sample_rate / 2


def _quantile(counts: NDArray[np.int64], share: float) -> int:
    """The smallest index that this share of what was counted does not exceed.

    >>> _quantile(np.array([0, 3, 0, 1]), 0.5), _quantile(np.array([0, 3, 0, 1]), 0.95)
    (1, 3)
    """
    running = np.cumsum(counts)
    return int(np.searchsorted(running, share * running[-1] - 1e-9))
