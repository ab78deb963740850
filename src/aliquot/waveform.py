"""Waveform models behind the enhancer's face: what they add above the cut-off, or all of it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.chunking import Known
from aliquot.dsp.splice import HIGH_BAND_REACH, high_band

FACTS = frozenset({"factor", "multiple", "context", "rates", "cutoff_range_hz"})
"""What the metadata of a waveform model must say."""
_LEAST_HOP = 512


@dataclass(frozen=True, slots=True)
class WaveformEnhancer:
    """A waveform model (see :mod:`aliquot.models.waveform`) as the pipeline wants it.

    Attributes:
        session: Runs the graph.
        name: Of the release or file.
        facts: Metadata of the graph.
        raw: Return all that the model changed, as its paper would, instead of its high band.
    """

    session: Any
    name: str
    facts: dict[str, str]
    raw: bool = False

    @property
    def rates(self) -> tuple[int, ...]:
        """Sample rates it works at, in Hz."""
        return tuple(int(rate) for rate in self.facts["rates"].split())

    @property
    def hop(self) -> int:
        """Windows start on multiples of it: whole lengths of the network, about 512 samples."""
        multiple = int(self.facts["multiple"])
        return multiple * math.ceil(_LEAST_HOP / multiple)

    @property
    def context(self) -> int:
        """Samples it must see on both sides of a core."""
        return self.hop * math.ceil((int(self.facts["context"]) + HIGH_BAND_REACH) / self.hop)

    @property
    def cutoff_range_hz(self) -> tuple[float, float]:
        """Lowest and highest cut-off it was made for, in Hz."""
        low, high = (float(value) for value in self.facts["cutoff_range_hz"].split())
        return low, high

    def __call__(self, window: Waveform, known: Known) -> Waveform:
        """Return the high band of a window's core; see :class:`aliquot.engine.Enhancer`."""
        core = slice(self.context, window.shape[1] - self.context)
        if not np.any(window):
            return np.zeros_like(window[:, core])
        restored: Waveform = self.session.run(["restored"], {"waveform": window[None]})[0][0]
        if self.raw:
            return restored[:, core] - window[:, core]
        return high_band(restored, known.sample_rate, known.cutoff_hz)[:, core]
