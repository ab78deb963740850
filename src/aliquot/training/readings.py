"""Where a detector says that a degraded recording ends: what a network is told in earnest.

The cut-off of a gentle filter cannot be read exactly (docs/decisions/0018), and a reading that is a
fifth too high makes the levels above it 13 dB too low unless the network has learned what spectra
look like then. So examples are read by the detector itself, from the long-term power of their whole
pieces: degrading that is a product, and a reading takes two milliseconds.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from aliquot.audio import Waveform
from aliquot.degrade.truth import Powers
from aliquot.dsp.bandwidth import FULL_BAND_HZ, BandwidthMeter
from aliquot.dsp.falls import locate_fall
from aliquot.training.pieces import Piece
from aliquot.training.recordings import decoded, keep, samples_of
from aliquot.training.settings import DataSettings

_ROUNDING = 10**-14.6
"""Power of single precision's rounding errors over that of the sound."""
_BLOCK = 1 << 20
HIGHEST = 0.47
"""Share of the sample rate over which no cut-off is told: nothing would be left to add."""


def long_term_power(piece: Piece, settings: DataSettings, speed: float = 1.0) -> Powers:
    """Mean power of every frequency of a piece played at ``speed``, measured once into the cache.

    Returns:
        ``(bins,)`` from 0 Hz to Nyquist, the powers of mid and side together; white noise of unit
        variance in both has 2.
    """
    path = Path(settings.cache) / "power" / f"{piece.key}.npy"
    if not path.is_file():
        stored = decoded(piece, settings)
        starts = range(0, len(stored), _BLOCK)
        blocks = (samples_of(stored[start : start + _BLOCK]) for start in starts)
        keep(path, power_of(blocks, piece.sample_rate))
    power = np.asarray(np.load(path), np.float64)
    if speed == 1.0:
        return power
    bins = np.arange(power.size)
    return np.asarray(np.interp(bins / speed, bins, power, right=0.0))


def power_of(blocks: Iterable[Waveform], sample_rate: int) -> Powers:
    """Long-term power, as :func:`long_term_power`, of blocks of left and right."""
    meter = BandwidthMeter(sample_rate)
    for block in blocks:
        meter.update(block)
    return meter.power / (2 * 0.375 * meter.window)


def read_cutoff(power: Powers, sample_rate: int, true_hz: float, lowest_hz: float) -> float:
    """The cut-off that a detector finds in what is left of a piece.

    Args:
        power: ``(bins,)`` long-term power of the degraded piece.
        sample_rate: In Hz.
        true_hz: The true cut-off.
        lowest_hz: Recordings that seem to end lower are left alone.

    Returns:
        What is found, in Hz; ``true_hz`` where nothing would be restored, so that a network never
        meets such a reading.
    """
    found = locate_fall(power + _ROUNDING * power.mean(), sample_rate).cutoff_hz
    return found if lowest_hz <= found < FULL_BAND_HZ else true_hz


def known_cutoff(
    left: Powers | None,
    sample_rate: int,
    true_hz: float,
    lowest_hz: float,
    settings: DataSettings,
    rng: np.random.Generator,
) -> float:
    """The cut-off that a network is told of an example: the truth, or mostly what is read.

    Args:
        left: Long-term power of the degraded piece, see :func:`read_cutoff`; None if it is not
            known, so that the truth is told.
        sample_rate: In Hz.
        true_hz: The true cut-off.
        lowest_hz: As :func:`read_cutoff`.
        settings: Say how often the truth is told, and how far off it is.
        rng: Decides.

    Returns:
        In Hz, between ``lowest_hz`` and a little less than half of ``sample_rate``.
    """
    found = true_hz
    if rng.uniform() >= settings.told_share and left is not None:
        found = read_cutoff(left, sample_rate, true_hz, lowest_hz)
    found *= 1 + settings.cutoff_jitter * rng.standard_normal()
    return float(np.clip(found, lowest_hz, HIGHEST * sample_rate))


def known_outline(settings: DataSettings, rng: np.random.Generator) -> str:
    """Of what a network is told the long-term spectrum.

    The ``whole`` recording, this ``moment`` as if there were no more, or ``nothing``, as in a
    stream.
    """
    shares = (settings.moment_share, settings.unknown_share)
    place = rng.uniform()
    return "moment" if place < shares[0] else "nothing" if place < sum(shares) else "whole"
