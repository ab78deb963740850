"""White noise as a function of position: the same sample gets the same noise in every run."""

from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from aliquot.dsp.stft import stft

PERIOD_FRAMES = 1_021
"""Frames after which the noise repeats (11.9 s at 44.1 kHz); prime, so no loop locks to it."""

SEED = 20_170_801

_FRAMES_AT_ONCE = 64
_MAKING = Lock()
"""Two threads that ask first at the same time would both make the table."""


@lru_cache(maxsize=4)
def noise_table(window: int, hop: int) -> NDArray[np.float32]:
    """The STFT of two independent periodic white noises of unit variance.

    Looking frames up costs nothing per frame, and they belong to a real signal: spectra drawn
    independently per frame would lose 6 dB in the inverse transform.

    Returns:
        ``(2, 2, PERIOD_FRAMES, window / 2 + 1)``: noise, real and imaginary part, frame, bin.
    """
    rng = np.random.Generator(np.random.Philox(SEED))
    cycle = rng.standard_normal((2, PERIOD_FRAMES * hop), dtype=np.float32)
    extended = np.concatenate([cycle, cycle[:, : window - hop]], axis=1)
    table = np.empty((2, 2, PERIOD_FRAMES, window // 2 + 1), np.float32)
    for begin in range(0, PERIOD_FRAMES, _FRAMES_AT_ONCE):
        end = min(begin + _FRAMES_AT_ONCE, PERIOD_FRAMES)
        part = stft(extended[:, begin * hop : (end - 1) * hop + window], window, hop)
        table[:, 0, begin:end], table[:, 1, begin:end] = part.real, part.imag
    return table


def noise_frames(
    first: int, count: int, window: int, hop: int, lowest: int = 0
) -> NDArray[np.float32]:
    """Frames ``first`` to ``first + count`` of the noise, ``(2, 2, count, bins - lowest)``.

    Args:
        first: Absolute frame number; frame ``t`` begins at sample ``t * hop``. May be negative.
        count: Number of frames.
        window: Of the STFT.
        hop: Of the STFT.
        lowest: First bin that is wanted.
    """
    with _MAKING:
        table = noise_table(window, hop)[..., lowest:]
    begin, parts = first % PERIOD_FRAMES, []
    while count > 0:  # whole stretches are copied four times as fast as frame by frame
        part = table[:, :, begin : begin + count]
        count, begin = count - part.shape[2], 0
        parts.append(part)
    return np.concatenate(parts, axis=2)
