"""Whole numbers out of samples: TPDF dither that is a function of position, and rounding.

The noise is drawn from a counter-based generator (Philox) whose key is the channel and whose
counter is the absolute sample number, so it depends neither on block sizes nor on any state.
"""

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform

DITHER_KEY = 0x616C6971756F74
"""Separates this noise from every other in the package ("aliquot" in ASCII)."""
PER_COUNT = 4
"""Numbers that Philox draws for one value of its counter."""


def tpdf(channels: int, frames: int, start: int) -> NDArray[np.float64]:
    """Triangular noise between -1 and 1, in steps of the last bit.

    Args:
        channels: Rows wanted.
        frames: Samples of each row.
        start: Absolute number of the first sample in its recording.

    Returns:
        ``(channels, frames)`` float64; row ``c`` at sample ``n`` depends on ``c`` and ``n`` only.

    >>> whole = tpdf(2, 100, 0)
    >>> bool((whole[:, 37:] == tpdf(2, 63, 37)).all())
    True
    """
    noise = np.empty((channels, frames))
    count, offset = divmod(start, PER_COUNT)
    for channel in range(channels):
        generator = np.random.Philox(counter=count, key=[DITHER_KEY, channel])
        drawn = generator.random_raw(frames + offset)[offset:]
        halves = drawn.astype("<u8", copy=False).view("<u4").reshape(-1, 2)
        np.subtract(halves[:, 1], halves[:, 0], out=noise[channel], dtype=np.float64)
    noise *= 2.0**-32
    return noise


def quantise16(samples: Waveform, start: int) -> NDArray[np.int16]:
    """Round to 16 bits with dither; frames that are whole numbers already stay as they are.

    So silence stays silence, and 16-bit sound that only changes its container is not touched.

    Args:
        samples: ``(channels, frames)``; full scale is 1.0. What lies beyond is clipped.
        start: Absolute number of the first frame in its recording.

    Returns:
        ``(channels, frames)`` int16.

    >>> quantise16(np.zeros((2, 4), np.float32), 0).tolist()
    [[0, 0, 0, 0], [0, 0, 0, 0]]
    """
    scaled = np.multiply(samples, 2.0**15, dtype=np.float64)
    channels, frames = samples.shape
    scaled += tpdf(channels, frames, start) * (scaled != np.rint(scaled)).any(axis=0)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -(2.0**15), 2.0**15 - 1, out=scaled).astype(np.int16)


def quantise24(samples: Waveform) -> NDArray[np.int32]:
    """Round to 24 bits, without dither: the step lies 144 dB below full scale.

    Args:
        samples: ``(channels, frames)``; full scale is 1.0. What lies beyond is clipped.

    Returns:
        ``(channels, frames)`` int32 between -2**23 and 2**23 - 1.

    >>> quantise24(np.array([[0.5, -1.0, 1.0]], np.float32)).tolist()
    [[4194304, -8388608, 8388607]]
    """
    scaled = np.multiply(samples, 2.0**23, dtype=np.float64)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -(2.0**23), 2.0**23 - 1, out=scaled).astype(np.int32)
