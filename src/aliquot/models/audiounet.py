"""AudioUNet: a bottleneck network on the waveform with stacked skips and subpixel upsampling.

Kuleshov, Enam and Ermon, "Audio super resolution using neural networks", 2017
(https://arxiv.org/abs/1708.00853), section 3; optionally with the temporal feature-wise modulation
of Birnbaum et al., "Temporal FiLM", 2019 (https://arxiv.org/abs/1909.06628), section 3.

Where the paper and its authors' code differ we follow the code: the filters below, no batch norm,
dropout on the way up, and a middle block of 512 filters of length 9 at any depth. This gives
71.0 million parameters for four layers and 118.2 million for eight. Where we differ from both:

- any number of channels, treated one by one; the spline is part of the graph;
- trained by :func:`aliquot.training.wavemethod.spectral_errors`, where the paper has the mean
  squared error (equation 1) and the code the root of each example's, with Adam at 1e-4;
- the modulation is an affine map that starts at the identity, where the code multiplies by the
  state of the LSTM and the paper takes scale and shift from it.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as fn

from aliquot.models.convolution import conv
from aliquot.models.waveform import (
    Kernels,
    SubPixel,
    WaveformModel,
    check_sizes,
    last_conv,
)

FILTERS = (128, 384, 512, 512, 512, 512, 512, 512)
"""Of each block down, and half those of its mirror image."""
LENGTHS = (65, 33, 17, 9, 9, 9, 9, 9)
"""Of the filters of each block."""
MIDDLE_FILTERS, MIDDLE_LENGTH, LAST_LENGTH = 512, 9, 9
FILM_SAMPLES = 256
"""Samples of the waveform that are modulated alike: the authors' 8192 in 32 blocks."""
FILM_MEMORY = 32
"""Blocks before a window that are shown to the LSTM; the network was trained on as many."""


@dataclass(frozen=True, slots=True)
class AudioUNetConfig:
    """Everything needed to rebuild the network, and nothing else.

    Attributes:
        factor: Upsampling factor.
        layers: Blocks on the way down, 1 to 8.
        width: Factor on the number of filters; 1 is the paper's.
        dropout: Probability of dropping a unit in the middle and on the way up.
        film: Whether each block ends in a temporal feature-wise modulation.
    """

    factor: int = 4
    layers: int = 4
    width: float = 1.0
    dropout: float = 0.5
    film: bool = False

    def __post_init__(self) -> None:
        check_sizes(self.factor, self.width, self.dropout)
        if not 1 <= self.layers <= len(FILTERS):
            raise ValueError(f"layers must lie in [1, {len(FILTERS)}], got {self.layers}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Filters of each block on the way down, then of the middle."""
        filters = (*FILTERS[: self.layers], MIDDLE_FILTERS)
        return tuple(max(1, round(self.width * count)) for count in filters)

    @property
    def kernels(self) -> Kernels:
        """Filter lengths."""
        lengths = LENGTHS[: self.layers]
        return Kernels(lengths, MIDDLE_LENGTH, lengths, LAST_LENGTH)


NARROW = AudioUNetConfig(width=0.125)
"""1.1 million parameters: trains on two CPU cores."""


class Film(nn.Module):
    """Scale and shift each channel by what an LSTM has heard of the signal so far, block by block.

    Shape: ``(batch, channels, samples)`` to the same; ``samples`` a multiple of ``block``.
    """

    def __init__(self, channels: int, block: int) -> None:
        super().__init__()
        self.block = block
        self.memory = nn.LSTM(channels, channels, batch_first=True)
        self.affine = nn.Linear(channels, 2 * channels)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the modulated signal; see the class for shapes."""
        pooled = fn.max_pool1d(x, self.block).transpose(1, 2)  # (batch, blocks, channels)
        heard, _ = self.memory(pooled)
        scale, shift = self.affine(heard).transpose(1, 2)[..., None].chunk(2, dim=1)
        blocks = x.reshape(x.shape[0], x.shape[1], -1, self.block)
        modulated: Tensor = blocks * (1 + scale) + shift
        return modulated.flatten(2)


class AudioUNet(WaveformModel):
    """Predict the missing band of a waveform; see :class:`WaveformModel` for shapes.

    With ``film`` the LSTMs never quite forget, so :attr:`context` is nominal: it counts the
    convolutions' reach and a memory of 32 blocks of 256 samples.
    """

    def __init__(self, config: AudioUNetConfig) -> None:
        super().__init__(config.factor, config.kernels)
        self.config = config
        if config.film:
            self.multiple = math.lcm(self.multiple, FILM_SAMPLES)
            self.context += FILM_SAMPLES * (FILM_MEMORY + 1)
        *widths, middle = config.widths
        lengths = config.kernels.down
        self.down = nn.ModuleList(
            nn.Sequential(
                conv(inputs, width, length, stride=2),
                nn.LeakyReLU(0.2),
                self.modulation(width, level + 1),
            )
            for level, (inputs, width, length) in enumerate(
                zip((1, *widths[:-1]), widths, lengths, strict=True)
            )
        )
        self.middle = nn.Sequential(
            conv(widths[-1], middle, MIDDLE_LENGTH, stride=2),
            nn.Dropout(config.dropout),
            nn.LeakyReLU(0.2),
            self.modulation(middle, len(widths) + 1),
        )
        below = (*(2 * width for width in widths[1:]), middle)
        self.up = nn.ModuleList(
            nn.Sequential(
                conv(inputs, 2 * width, length),
                nn.Dropout(config.dropout),
                nn.ReLU(),
                SubPixel(),
                self.modulation(width, level + 1),
            )
            for level, (inputs, width, length) in enumerate(
                zip(below, widths, lengths, strict=True)
            )
        )
        self.last = last_conv(2 * widths[0], LAST_LENGTH)

    def modulation(self, channels: int, level: int) -> nn.Module:
        """The last layer of a block whose output has a sample for each ``2^level`` samples."""
        if not self.config.film:
            return nn.Identity()
        return Film(channels, max(1, FILM_SAMPLES >> level))
