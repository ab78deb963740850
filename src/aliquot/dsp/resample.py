"""Sample-rate conversion, whole or in a stream, with exact sample counts."""

import numpy as np
import soxr

from aliquot.audio import Waveform


def fitted(samples: Waveform, length: int) -> Waveform:
    """Cut or zero-pad at the end to exactly ``length`` samples."""
    if samples.shape[1] < length:
        return np.pad(samples, ((0, 0), (0, length - samples.shape[1])))
    return samples[:, :length]


def resample(samples: Waveform, old_rate: float, new_rate: float, quality: str = "VHQ") -> Waveform:
    """Resample with soxr, without delay.

    Args:
        samples: ``(channels, samples)``.
        old_rate: In Hz.
        new_rate: In Hz.
        quality: soxr's ``LQ``, ``MQ``, ``HQ`` or ``VHQ``.

    Returns:
        ``(channels, round(samples * new_rate / old_rate))`` float32.

    >>> resample(np.zeros((2, 22_050), np.float32), 22_050, 48_000).shape
    (2, 48000)
    """
    if old_rate == new_rate:
        return samples
    length = round(samples.shape[1] * new_rate / old_rate)
    out = soxr.resample(np.ascontiguousarray(samples.T), old_rate, new_rate, quality=quality)
    return np.ascontiguousarray(fitted(out.T, length), dtype=np.float32)


class StreamResampler:
    """Resample block by block; the blocks joined equal one :func:`resample` of the whole.

    ``process`` may hold samples back; ``flush`` returns the rest, so that exactly
    ``round(n * new_rate / old_rate)`` samples come out in total.
    """

    def __init__(self, old_rate: int, new_rate: int, channels: int) -> None:
        self.old_rate, self.new_rate, self.channels = old_rate, new_rate, channels
        self.taken = self.given = 0
        self.stream = (
            None
            if old_rate == new_rate
            else soxr.ResampleStream(old_rate, new_rate, channels, dtype="float32", quality="VHQ")
        )

    def process(self, block: Waveform) -> Waveform:
        """Take a block ``(channels, n)``; return what is ready, ``(channels, m)``."""
        self.taken += block.shape[1]
        if self.stream is None:
            self.given += block.shape[1]
            return block
        out = self.stream.resample_chunk(np.ascontiguousarray(block.T), last=False).T
        self.given += out.shape[1]
        return np.ascontiguousarray(out)

    def flush(self) -> Waveform:
        """End the stream; return what is left."""
        if self.stream is None:
            return np.zeros((self.channels, 0), np.float32)
        empty = np.zeros((0, self.channels), np.float32)
        rest = self.stream.resample_chunk(empty, last=True).T
        wanted = round(self.taken * self.new_rate / self.old_rate)
        return np.ascontiguousarray(fitted(rest, wanted - self.given), dtype=np.float32)
