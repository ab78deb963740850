"""Mid and side, and which channels are restored together."""

import numpy as np

from aliquot.audio import Waveform


def channel_groups(channels: int) -> tuple[tuple[int, ...], ...]:
    """The first two channels as a pair, the others one by one.

    >>> channel_groups(1), channel_groups(4)
    (((0,),), ((0, 1), (2,), (3,)))
    """
    if channels == 1:
        return ((0,),)
    return ((0, 1), *((channel,) for channel in range(2, channels)))


def to_mid_side(samples: Waveform) -> Waveform:
    """Left and right, or one channel, to mid and side, ``(2, samples)``; mono has a silent side.

    >>> to_mid_side(np.array([[1.0], [0.5]], np.float32)).tolist()
    [[0.75], [0.25]]
    """
    if samples.shape[0] == 1:
        return np.concatenate([samples, np.zeros_like(samples)])
    left, right = samples
    return np.stack([(left + right) * np.float32(0.5), (left - right) * np.float32(0.5)])


def from_mid_side(samples: Waveform, channels: int) -> Waveform:
    """Inverse of :func:`to_mid_side` for one or two channels."""
    middle, side = samples
    return middle[None] if channels == 1 else np.stack([middle + side, middle - side])
