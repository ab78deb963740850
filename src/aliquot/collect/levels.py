"""Flat peaks, channels that are the same, and how a recording ends, measured in a stream."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform

FLAT = 1.5 / 32768
"""Neighbouring samples that differ by no more are level: a step and a half of 16 bits."""
SHORTEST_RUN = 3
"""Samples on one level that make a flat peak; a wave that turns over by itself has two."""
CORNER = 4 * FLAT
"""A flat peak begins or ends with a corner. The top of a smooth low tone does not: a parabola whose
first samples are level goes on by no more than twice :data:`FLAT`."""
QUIETEST_PEAK = 0.1
"""Peaks lower than this were not clipped by anything that one meets."""
NEAR_PEAK = 0.99
"""Flat runs this near to the highest sample are clipping, whatever the level it is stored at."""
END_SECONDS = 0.05

_STEPS = 1_024
_MOST = 4
"""Levels are counted in steps of 1/1024 up to 4 times full scale; what is higher counts as that."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What was found.

    Attributes:
        peak: Highest absolute sample.
        clipped_share: Share of all samples, 0-1, that lie on flat peaks.
        difference_db: Power by which the channels differ from their mean, against their own power;
            None for one channel, and for silence.
        dead_channel: Of two channels the one, 0 or 1, that is 60 dB or more under the other; None
            if both sound.
        end_db: Level of the last 50 ms, the mean of the channels, in dB of full scale.
    """

    peak: float
    clipped_share: float
    difference_db: float | None
    dead_channel: int | None
    end_db: float


class LevelMeter:
    """Measure a recording block by block.

    >>> meter = LevelMeter(44_100, 2)
    >>> sine = np.sin(np.arange(44_100) * 0.1, dtype=np.float32)
    >>> meter.update(np.stack([sine, sine]).clip(-0.5, 0.5))
    >>> result = meter.result()
    >>> result.peak, result.clipped_share > 0.6, result.difference_db, result.dead_channel
    (0.5, True, -200.0, None)
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        """Start a measurement.

        Args:
            sample_rate: In Hz.
            channels: Rows of every block.
        """
        self._power = np.zeros(channels)
        self._difference = 0.0
        self._samples = 0
        self._peak = 0.0
        self._flat: NDArray[np.int64] = np.zeros(_STEPS * _MOST + 1, np.int64)
        self._end_samples = max(1, round(END_SECONDS * sample_rate))
        self._end: Waveform = np.zeros((channels, 0), np.float32)

    def update(self, block: Waveform) -> None:
        """Take the next samples.

        Args:
            block: ``(channels, samples)``, finite. Where two blocks meet, a flat peak counts as
                two, and as none if both are too short.
        """
        self._samples += block.shape[1]
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        self._power += np.einsum("cn,cn->c", block, block, dtype=np.float64)
        apart = block - block.mean(axis=0)
        self._difference += float(np.einsum("cn,cn->", apart, apart, dtype=np.float64))
        for channel in block:
            self._count(channel)
        self._end = np.concatenate([self._end, block], axis=1)[:, -self._end_samples :].copy()

    def _count(self, samples: NDArray[np.float32]) -> None:
        """Add the flat runs of one channel to the histogram of their levels."""
        step = np.abs(np.diff(samples))
        level = (step <= FLAT) & (np.abs(samples[1:]) >= QUIETEST_PEAK)
        edge = np.diff(level.astype(np.int8), prepend=0, append=0)
        first, last = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)  # last is exclusive
        padded = np.pad(step, 1)  # padded[k] leads to sample k
        corner = np.maximum(padded[first], padded[last + 1]) > CORNER
        long = corner & (last - first >= SHORTEST_RUN - 1)
        height = np.abs(samples[first[long]]) * _STEPS
        where = np.minimum(height.astype(np.int64), self._flat.size - 1)
        np.add.at(self._flat, where, last[long] - first[long] + 1)

    def result(self) -> Levels:
        """What has been found so far; more blocks may follow."""
        top = int(NEAR_PEAK * self._peak * _STEPS)
        on_top = int(self._flat[min(top, self._flat.size - 1) :].sum())
        total = float(self._power.sum())
        several = self._power.size > 1 and total > 0
        lowest, highest = float(self._power.min()), float(self._power.max())
        dead = self._power.size == 2 and lowest < 1e-6 * highest
        return Levels(
            peak=self._peak,
            clipped_share=on_top / max(1, self._samples * self._power.size),
            difference_db=_db(self._difference / total) if several else None,
            dead_channel=int(self._power.argmin()) if dead else None,
            end_db=_db(2 * float(np.square(self._end).mean())) if self._end.size else -200.0,
        )


def _db(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-20)))
