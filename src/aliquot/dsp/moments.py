"""What some windows of a recording tell: their mean power, and bands that were emptied."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.spectrum_profile import Floats
from aliquot.dsp.stft import hann

HOLE_BANDS = 32
"""Equal bands up to Nyquist in which moments without any content are counted."""

_CLICK_RATIO = 100.0
"""Treble (the top third of the spectrum) 20 dB above what it was two windows ago and will be two
windows on is a click's: a click touches two windows, the shortest drum hit rings for more."""
_HOLE_DB = 50.0
"""A band this far under its own mean of the last 1.5 s was emptied; reverberation is not."""


class Moments(NamedTuple):
    """Of windows measured together.

    Attributes:
        power: ``(bins,)``; mean over windows, clicks left out, summed over channels.
        emptied: ``(HOLE_BANDS,)``; moments in which a band was emptied.
        heard: ``(HOLE_BANDS,)``; moments in which it could have been seen.
    """

    power: Floats
    emptied: Floats
    heard: Floats


def window_powers(samples: Waveform, window: int) -> NDArray[np.float32]:
    """Power of half-overlapping Hann windows summed over channels, ``(windows, bins)``."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, window, axis=1)
    spectrum = np.fft.rfft(frames[:, :: window // 2] * hann(window), axis=2)
    powers: NDArray[np.float32] = (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
    return powers


def measure_moments(samples: Waveform, window: int) -> Moments:
    """Measure some seconds of sound; depends on nothing else.

    Args:
        samples: ``(channels, samples)``, finite, at least three windows' worth.
        window: In samples, even.
    """
    powers = window_powers(samples, window)
    width = (powers.shape[1] - 1) // HOLE_BANDS
    bands = powers[:, 1:].reshape(-1, HOLE_BANDS, width).sum(axis=2, dtype=np.float64)
    treble = np.pad(bands[:, 2 * HOLE_BANDS // 3 :].sum(axis=1), 2, mode="reflect")
    click = treble[2:-2] > _CLICK_RATIO * np.maximum(treble[:-4], treble[4:])
    usual = bands.mean(axis=0)
    heard = bands.sum(axis=1) > 1e-4 * bands.sum(axis=1).max()
    alive = usual > 1e-9 * usual.max()
    emptied = (bands[heard] < usual * 10 ** (-_HOLE_DB / 10)).sum(axis=0)
    return Moments(
        powers[~click].mean(axis=0, dtype=np.float64), alive * emptied, alive * float(heard.sum())
    )
