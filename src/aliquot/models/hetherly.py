"""Hetherly's speech upsampler: AudioUNet's idea, deeper and with short filters.

Hetherly, "Using deep learning to reconstruct high-resolution audio", 2017
(https://github.com/jhetherly/EnglishSpeechUpsampler), network ``deep_residual``: eight blocks of
stride 2, filters of length 5, then 3, channels doubling from 8 to 1024, a middle of 2048 channels
and length 4, batch norm and ReLU everywhere, stacked skips, subpixel upsampling, the input added.
There trained by mean squared error on splices of two seconds, x4. Where we differ:

- blocks keep the signal's length (the original pads nothing and later restacks channels into the
  missing samples), so any multiple of 512 samples can be restored and skips meet their own time;
- the last convolution is linear (ELU there, which cannot go below -1);
- convolutions before a batch norm have no bias, which the norm would take away;
- any number of channels, treated one by one; the spline is part of the graph;
- trained by :func:`aliquot.training.wavemethod.spectral_errors`, on shorter examples
  (``wave.samples``), with AdamW.
"""

from dataclasses import dataclass

from torch import nn

from aliquot.models.convolution import conv
from aliquot.models.waveform import Kernels, SubPixel, WaveformModel, check_sizes, last_conv

FIRST_LENGTH, LENGTH, MIDDLE_LENGTH = 5, 3, 4


@dataclass(frozen=True, slots=True)
class HetherlyConfig:
    """Everything needed to rebuild the network, and nothing else.

    Attributes:
        factor: Upsampling factor.
        layers: Blocks on the way down.
        first: Channels of the first block; each further one has twice as many.
        limit: Most channels of a block.
    """

    factor: int = 4
    layers: int = 8
    first: int = 8
    limit: int = 2048

    def __post_init__(self) -> None:
        check_sizes(self.factor, min(self.first, self.limit))
        if self.layers < 1:
            raise ValueError(f"layers must be at least 1, got {self.layers}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each block on the way down, then of the middle."""
        return tuple(min(self.first << level, self.limit) for level in range(self.layers + 1))

    @property
    def kernels(self) -> Kernels:
        """Filter lengths."""
        shorter = (LENGTH,) * (self.layers - 1)
        return Kernels((FIRST_LENGTH, *shorter), MIDDLE_LENGTH, (LENGTH, *shorter), LENGTH)


NARROW = HetherlyConfig(limit=160)
"""1.5 million parameters: trains on two CPU cores."""


def block(inputs: int, outputs: int, length: int, stride: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        conv(inputs, outputs, length, stride=stride, bias=False),
        nn.BatchNorm1d(outputs, momentum=0.01),
        nn.ReLU(),
    )


class Hetherly(WaveformModel):
    """Predict the missing band of a waveform; see :class:`WaveformModel` for shapes."""

    def __init__(self, config: HetherlyConfig) -> None:
        super().__init__(config.factor, config.kernels)
        self.config = config
        *widths, middle = config.widths
        self.down = nn.ModuleList(
            block(inputs, width, length, 2)
            for inputs, width, length in zip(
                (1, *widths[:-1]), widths, config.kernels.down, strict=True
            )
        )
        self.middle = block(widths[-1], middle, MIDDLE_LENGTH, 2)
        below = (*(2 * width for width in widths[1:]), middle)
        self.up = nn.ModuleList(
            nn.Sequential(block(inputs, 2 * width, LENGTH, 1), SubPixel())
            for inputs, width in zip(below, widths, strict=True)
        )
        self.last = last_conv(2 * widths[0], LENGTH)
