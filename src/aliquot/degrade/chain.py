"""Random degradations, described as data: seeded, reproducible, shared by training and tests."""

from dataclasses import dataclass

import numpy as np

from aliquot.audio import Waveform
from aliquot.degrade.lowpass import Lowpass, lowpass

TRAINED_FAMILIES = ("butterworth", "chebyshev1", "elliptic", "sinc", "soxr", "brickwall")
"""Families a model may be trained on. Bessel and Butterworth of order <= 4 are kept for testing
whether it generalises (PROTOCOL section 3; Sulun and Davies 2021)."""

GENTLE = "cascade"
"""A family of gentle slopes for training: unlike any that is measured with."""

HELD_OUT = (Lowpass("bessel", 8_000.0, 8), Lowpass("butterworth", 8_000.0, 4))
"""Families never trained on; replace ``cutoff_hz`` as needed."""


@dataclass(frozen=True, slots=True)
class DegradationRange:
    """What :func:`draw` draws from.

    Attributes:
        families: Filter families, equally likely.
        cutoff_hz: Lowest and highest nominal cut-off, drawn evenly on a logarithmic axis.
        orders: Lowest and highest order of the IIR families.
    """

    families: tuple[str, ...] = TRAINED_FAMILIES
    cutoff_hz: tuple[float, float] = (2_500.0, 18_000.0)
    orders: tuple[int, int] = (5, 12)


def draw(rng: np.random.Generator, limits: DegradationRange) -> Lowpass:
    """Draw one low-pass filter."""
    low, high = np.log(limits.cutoff_hz)
    return Lowpass(
        family=str(rng.choice(limits.families)),
        cutoff_hz=float(np.exp(rng.uniform(low, high))),
        order=int(rng.integers(limits.orders[0], limits.orders[1] + 1)),
        steepness=float(rng.uniform()),
    )


def degrade(samples: Waveform, sample_rate: int, spec: Lowpass) -> Waveform:
    """Degrade a recording in place; see :func:`aliquot.degrade.lowpass.lowpass`."""
    return lowpass(samples, sample_rate, spec)
