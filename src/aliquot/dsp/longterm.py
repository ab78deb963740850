"""The long-term average spectrum of a recording: what is known of all of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LongTerm:
    """Mean power of every frequency.

    Attributes:
        power: ``(bins,)`` from 0 Hz to Nyquist, mean of mid and side; white noise of unit variance
            in both has 1.
        sample_rate: Of the recording, in Hz.
    """

    power: NDArray[np.float64]
    sample_rate: int

    def at(self, sample_rate: int, window: int) -> NDArray[np.float32]:
        """As a transform at another rate would find it; nothing lies above this one's Nyquist.

        Args:
            sample_rate: In Hz.
            window: Of the transform, in samples.

        Returns:
            ``(window // 2 + 1,)`` float32.

        >>> LongTerm(np.array([1.0, 2.0, 3.0]), 8_000).at(16_000, 8).tolist()
        [1.0, 2.0, 3.0, 0.0, 0.0]
        """
        known = np.linspace(0.0, self.sample_rate / 2, self.power.size)
        wanted = np.linspace(0.0, sample_rate / 2, window // 2 + 1)
        # Rounding must not put the last bin above Nyquist.
        inside = wanted <= self.sample_rate / 2 * (1 + 1e-9)
        return np.where(inside, np.interp(wanted, known, self.power), 0.0).astype(np.float32)
