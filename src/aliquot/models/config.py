"""What a spectral network is built from."""

from dataclasses import dataclass

from torch import Tensor

from aliquot.models.description import OUTER


@dataclass(frozen=True, slots=True)
class SpectralConfig:
    """Everything needed to rebuild the network, and nothing else.

    Attributes:
        window: Samples of an STFT frame.
        hop: Samples between frames; a quarter of ``window``.
        input_bands: Bands in which the given band is described.
        output_bands: Bands in which level and mixture are predicted, from the cut-off up.
        width: Channels of the network.
        expansion: Inner width of a block over ``width``.
        kernel: Frames seen by one convolution; odd.
        dilations: One per block.
        guard_bins: Smallest guard below the cut-off in bins (500 Hz at 44.1 kHz).
        level_offset: Log10 level over the anchor at which an untrained network starts.
        steady: Frames over which what a filter took is averaged: it changes slowly; odd.
        dropout: Probability of dropping a unit of a block while training.
    """

    window: int = 2048
    hop: int = 512
    input_bands: int = 128
    output_bands: int = 40
    width: int = 64
    expansion: int = 3
    kernel: int = 7
    dilations: tuple[int, ...] = (1, 2, 1, 1)
    guard_bins: float = 23.2
    level_offset: float = -0.3
    steady: int = 33
    dropout: float = 0.0

    @property
    def bins(self) -> int:
        """Bins of a frame."""
        return self.window // 2 + 1

    @property
    def context(self) -> int:
        """Frames on each side that an output frame depends on."""
        return OUTER + sum(self.dilations) * (self.kernel // 2) + self.steady // 2

    def guard(self, cutoff_bin: Tensor) -> Tensor:
        """Bins below a cut-off that are not relied on, ``(batch,)``."""
        return (0.1 * cutoff_bin).clamp(min=self.guard_bins)
