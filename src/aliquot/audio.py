"""The one container for sound: samples with their rate beside them."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Waveform: TypeAlias = NDArray[np.float32]
"""``(channels, samples)`` float32; full scale is 1.0."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of sound.

    Attributes:
        samples: ``(channels, samples)`` float32; full scale is 1.0.
        sample_rate: In Hz.

    >>> Audio(np.zeros((2, 22_050), np.float32), 44_100).seconds
    0.5
    """

    samples: Waveform
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(
                "samples must be (channels, samples) float32, got shape "
                f"{self.samples.shape} {self.samples.dtype}; use samples[None].astype('float32')"
            )

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.sample_rate)

    @property
    def mono(self) -> Waveform:
        """The channel mean, ``(1, samples)``."""
        mean: Waveform = self.samples.mean(axis=0, keepdims=True, dtype=np.float32)
        return mean
