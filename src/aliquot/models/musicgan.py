"""The generator of the founding paper, to be trained against a discriminator.

Șut, "Music Super-Resolution" (https://github.com/sutgeorge/Audio-Super-Resolution): can a GAN,
trained on short downsampled pieces of music, produce the missing samples (x2, x4, x6)? The network
is "a bottleneck-type architecture, containing residual connections between pairs of layer b and
layer B - b + 1", whose first part downsamples and whose second part upsamples. The paper gives no
sizes; they are those of its model, AudioUNet (Kuleshov, Enam and Ermon, 2017).

It differs from :mod:`aliquot.models.audiounet` in what the quoted sentence says: the output of
block b is *added* to that of block B - b + 1, not stacked on it, so the blocks on the way up have
half the inputs. No unit is dropped by default: the adversary regularises.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from aliquot.models.audiounet import LAST_LENGTH, MIDDLE_LENGTH, AudioUNetConfig
from aliquot.models.convolution import conv
from aliquot.models.waveform import SubPixel, WaveformModel, last_conv


@dataclass(frozen=True, slots=True)
class MusicGanConfig:
    """Everything needed to rebuild the network, and nothing else.

    Attributes:
        factor: Upsampling factor.
        layers: Blocks on the way down, 1 to 8; the paper's B is twice as many.
        width: Factor on AudioUNet's number of filters.
        dropout: Probability of dropping a unit in the middle and on the way up.
    """

    factor: int = 4
    layers: int = 4
    width: float = 1.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _ = self.sizes  # which are checked

    @property
    def sizes(self) -> AudioUNetConfig:
        """The network whose numbers and lengths of filters this one has."""
        return AudioUNetConfig(self.factor, self.layers, self.width, self.dropout)


NARROW = MusicGanConfig(width=0.16)
"""1.1 million parameters: trains on two CPU cores."""


class MusicGan(WaveformModel):
    """Predict the missing band of a waveform; see :class:`WaveformModel` for shapes."""

    def __init__(self, config: MusicGanConfig) -> None:
        sizes = config.sizes
        super().__init__(config.factor, sizes.kernels)
        self.config = config
        *widths, middle = sizes.widths
        lengths = sizes.kernels.down
        self.down = nn.ModuleList(
            nn.Sequential(conv(inputs, width, length, stride=2), nn.LeakyReLU(0.2))
            for inputs, width, length in zip((1, *widths[:-1]), widths, lengths, strict=True)
        )
        self.middle = nn.Sequential(
            conv(widths[-1], middle, MIDDLE_LENGTH, stride=2),
            nn.Dropout(config.dropout),
            nn.LeakyReLU(0.2),
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                conv(inputs, 2 * width, length),
                nn.Dropout(config.dropout),
                nn.ReLU(),
                SubPixel(),
            )
            for inputs, width, length in zip((*widths[1:], middle), widths, lengths, strict=True)
        )
        self.last = last_conv(widths[0], LAST_LENGTH)

    def join(self, y: Tensor, skip: Tensor) -> Tensor:
        """Add the output of block b to that of block ``B - b + 1``."""
        return y + skip
