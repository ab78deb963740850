"""Where a degraded recording truly ends, measured against its original."""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform

Powers = NDArray[np.float64]

LOSS_DB = 20.0
"""A band has ended where it has lost this much against the original."""
EMPTY_DB = 40.0
"""An original has itself ended where all that follows lies this far under what came before."""


def smoothed_power(samples: Waveform, sample_rate: int, freqs_hz: Powers) -> Powers:
    """Long-term power, summed over channels, in windows of 1/12 octave centred on ``freqs_hz``.

    Args:
        samples: ``(channels, samples)``.
        sample_rate: In Hz.
        freqs_hz: ``(points,)`` centres in Hz.

    Returns:
        ``(points,)`` float64, unscaled.
    """
    size = samples.shape[1]
    # Without a fade, the jump between end and beginning would fill the emptied band.
    fade = min(size // 4, 8_192)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1))
    faded = samples.copy()
    faded[:, :fade] *= ramp
    faded[:, size - fade :] *= ramp[::-1]
    power = (np.abs(np.fft.rfft(faded, axis=1)) ** 2).sum(axis=0, dtype=np.float64)
    return _smoothed(power, size / sample_rate, freqs_hz)


def _smoothed(power: Powers, bins_per_hz: float, freqs_hz: Powers) -> Powers:
    total = np.concatenate([[0.0], np.cumsum(power)])
    edge = 2.0 ** (1 / 24)
    position = np.arange(total.size) - 0.5

    def below(freq_hz: Powers) -> Powers:
        return np.asarray(np.interp(freq_hz * bins_per_hz, position, total))

    result: Powers = below(freqs_hz * edge) - below(freqs_hz / edge)
    return result


def true_cutoff_hz(original: Waveform, degraded: Waveform, sample_rate: int) -> float:
    """The cut-off of a degraded recording: where it has lost 20 dB against its original.

    Both long-term spectra are smoothed over 1/12 octave; the cut-off is the lowest frequency from
    which on the loss stays above 20 dB for a quarter of an octave (or up to where the original
    itself ends), so that a notch is no cut-off. Above the original's own end there is nothing to
    lose: a codec's noise there, louder than the original's emptiness, is no content kept.

    Args:
        original: ``(channels, samples)``.
        degraded: Same shape and rate, aligned.
        sample_rate: In Hz.

    Returns:
        The cut-off in Hz; the Nyquist frequency if nothing is lost that was there.

    Raises:
        ValueError: If the shapes differ.
    """
    if original.shape != degraded.shape:
        raise ValueError(f"shapes must agree, got {original.shape} and {degraded.shape}")
    freqs = _places(sample_rate)
    before = smoothed_power(original, sample_rate, freqs)
    after = smoothed_power(degraded, sample_rate, freqs)
    return _ended(before, after, freqs)


def lost_hz(original: Powers, degraded: Powers, sample_rate: int) -> float:
    """As :func:`true_cutoff_hz`, of long-term powers ``(bins,)`` from 0 Hz to Nyquist."""
    if original.shape != degraded.shape:
        raise ValueError(f"shapes must agree, got {original.shape} and {degraded.shape}")
    freqs, bins_per_hz = _places(sample_rate), 2 * (original.size - 1) / sample_rate
    before, after = (_smoothed(power, bins_per_hz, freqs) for power in (original, degraded))
    return _ended(before, after, freqs)


def _places(sample_rate: int) -> Powers:
    return np.geomspace(1_000.0, sample_rate / 2, 12 * 40 + 1)


def _ended(before: Powers, after: Powers, freqs: Powers) -> float:
    # Below -120 dB of the loudest band lie rounding and dither, which no filter takes away.
    tiny = 1e-12 * float(before.max(initial=0.0)) + 1e-30
    loss_db = 10 * np.log10((before + tiny) / (after + tiny))
    steps_per_octave = 1 / np.log2(freqs[1] / freqs[0])
    held = slice(0, _own_end(10 * np.log10((before + tiny) / freqs), steps_per_octave))
    lost = loss_db[held] >= LOSS_DB
    span = max(1, round(0.25 * steps_per_octave))
    for index in np.flatnonzero(lost):
        if np.all(lost[index : index + span]):
            if index == 0:
                return float(freqs[0])
            step = loss_db[index] - loss_db[index - 1]
            part = (LOSS_DB - loss_db[index - 1]) / step if step > 0 else 1.0
            return float(freqs[index - 1] * (freqs[index] / freqs[index - 1]) ** part)
    return float(freqs[-1])


def _own_end(levels_db: np.ndarray, steps_per_octave: float) -> int:
    """Index from which an original is empty up to Nyquist, or the number of points.

    That it ends shows against the median of the octave that ends 0.38 octave lower, as in the
    estimate: a natural slope never falls ``EMPTY_DB`` within that. It ends, as any recording does,
    where it has lost ``LOSS_DB``; on the way down from there a codec's noise hides a loss.
    """
    gap, octave = round(0.38 * steps_per_octave), round(steps_per_octave)
    highest_above = np.maximum.accumulate(levels_db[::-1])[::-1]
    # No median exceeds the highest level so far: where that is no reason to look, none is taken.
    highest_below = np.maximum.accumulate(levels_db)[: levels_db.size - gap]
    for index in gap + np.flatnonzero(highest_above[gap:] < highest_below - EMPTY_DB):
        usual = np.median(levels_db[max(0, index - gap - octave) : index - gap + 1])
        if highest_above[index] < usual - EMPTY_DB:
            nearby = levels_db[index - gap : index]
            return int(index) - gap + int(np.flatnonzero(nearby >= nearby.max() - LOSS_DB)[-1]) + 1
    return levels_db.size
