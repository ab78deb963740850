"""Random degradations, described as data: seeded, reproducible, shared by training and tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.degrade.codec import named, round_trip
from aliquot.degrade.lowpass import Lowpass, lost_at, lowpass, placed, power_response
from aliquot.degrade.truth import LOSS_DB
from aliquot.errors import ConfigError

TRAINED_FAMILIES = ("butterworth", "chebyshev1", "elliptic", "sinc", "soxr", "brickwall")
"""Families a model may be trained on. Bessel and Butterworth of order <= 4 are kept for testing
whether it generalises (Sulun and Davies 2021)."""

LOWEST_ORDER = {"butterworth": 5}
"""Lowest order that is drawn of a family, where lower ones are kept for testing."""

HELD_OUT = (Lowpass("bessel", 8_000.0, 8), Lowpass("butterworth", 8_000.0, 4))
"""Families never trained on; replace ``cutoff_hz`` as needed."""


@dataclass(frozen=True, slots=True)
class DegradationRange:
    """What :func:`draw` draws from.

    Attributes:
        families: Filter families, equally likely.
        cutoff_hz: Lowest and highest cut-off, where 20 dB are lost, drawn evenly on a logarithmic
            axis.
        orders: Lowest and highest order of the IIR families, but for :data:`LOWEST_ORDER`.
        wall_share: Share of chains that end in a wall, see :func:`draw_chain`.
        codec_share: Share of recordings that go through a lossy codec first, whose artefacts are
            then in the band that is given; where waveforms are degraded, not band powers.
        codecs: Equally likely, as :func:`aliquot.degrade.codec.named` reads them. AAC needs the
            ``ffmpeg`` program.
        codec_alone: Share of coded recordings that no filter follows: they end where the codec
            ends.
    """

    families: tuple[str, ...] = TRAINED_FAMILIES
    cutoff_hz: tuple[float, float] = (2_500.0, 18_000.0)
    orders: tuple[int, int] = (5, 12)
    wall_share: float = 0.0
    codec_share: float = 0.0
    codecs: tuple[str, ...] = ("mp3-128", "vorbis-q3", "opus-96")
    codec_alone: float = 0.0

    def __post_init__(self) -> None:
        if not self.families or not self.codecs:
            raise ConfigError("degrade.families and degrade.codecs must name at least one each")
        for name in self.codecs:
            named(name)


def draw(rng: np.random.Generator, limits: DegradationRange, sample_rate: int) -> Lowpass:
    """Draw one low-pass filter, placed so that it has lost 20 dB at the cut-off that was drawn.

    Raises:
        ConfigError: If the range has no order of a family that may be drawn.
    """
    return placed(_drawn(rng, limits), sample_rate)


def _drawn(rng: np.random.Generator, limits: DegradationRange) -> Lowpass:
    """A filter yet to be placed: its ``cutoff_hz`` is the true one."""
    low, high = np.log(limits.cutoff_hz)
    family = str(rng.choice(limits.families))
    cutoff_hz = float(np.exp(rng.uniform(low, high)))
    least, most = max(limits.orders[0], LOWEST_ORDER.get(family, 2)), limits.orders[1]
    if least > most:
        raise ConfigError(
            f"degrade.orders ends at {most}, and {family} of orders below {least} is never drawn; "
            "raise it, or take the family out of degrade.families"
        )
    return Lowpass(family, cutoff_hz, int(rng.integers(least, most + 1)), float(rng.uniform()))


WALL_DB = (3.0, 40.0)
"""A wall stands where the filter before it has lost between so much and so much."""


def draw_chain(
    rng: np.random.Generator, limits: DegradationRange, sample_rate: int
) -> tuple[Lowpass, ...]:
    """Draw a filter and, at times, a wall above it, as in recordings stored at a low rate.

    A gentle filter before a converter leaves a slope, and the converter cuts it off: the slope is
    there to be seen, what it would have left beyond is not. The cut-off that was drawn is that of
    the chain: the wall's, if it comes before the filter has lost 20 dB.
    """
    first = _drawn(rng, limits)
    if rng.uniform() >= limits.wall_share or first.family in ("soxr", "brickwall"):
        return (placed(first, sample_rate),)
    loss_db = float(rng.uniform(*WALL_DB))
    first = placed(first, sample_rate, min(loss_db, LOSS_DB))
    wall = str(rng.choice(("brickwall", "soxr")))
    wall_hz = lost_at(first, sample_rate, loss_db)
    return first, Lowpass(wall, wall_hz, steepness=float(rng.uniform()))


def response(chain: tuple[Lowpass, ...], sample_rate: int, points: int) -> NDArray[np.float64]:
    """Power gain of a chain; see :func:`aliquot.degrade.lowpass.power_response`."""
    gains = [power_response(spec, sample_rate, points) for spec in chain]
    return np.asarray(np.prod([np.ones(points), *gains], axis=0))


def draw_codec(rng: np.random.Generator, limits: DegradationRange) -> str | None:
    """The codec that a recording goes through first, mostly none."""
    # Without codecs nothing is drawn: runs begun before there were any meet the same examples.
    if not limits.codec_share or rng.uniform() >= limits.codec_share:
        return None
    return str(rng.choice(limits.codecs))


def coded(samples: Waveform, sample_rate: int, codec: str | None) -> Waveform:
    """A recording, one or two channels, as a codec gives it back, in step to the sample."""
    return samples if codec is None else round_trip(samples, sample_rate, *named(codec))


def degrade(samples: Waveform, sample_rate: int, chain: tuple[Lowpass, ...]) -> Waveform:
    """Degrade a recording in place; see :func:`aliquot.degrade.lowpass.lowpass`."""
    for spec in chain:
        samples = lowpass(samples, sample_rate, spec)
    return samples
