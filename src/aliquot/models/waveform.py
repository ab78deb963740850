"""What the three founding networks share: waveform in, waveform with its high band out.

All are bottleneck networks in which each block halves the rate and a mirrored block restores it
by a subpixel shuffle (Kuleshov, Enam and Ermon, 2017, section 3, figure 1):

    x ─► every r-th ─► cubic ─► D1 ─► … ─► DL ─► middle ─► UL ─► … ─► U1 ─► last ─► + ─► y
          sample       spline │  └───────────────── skip ────────────────►│         │
                              └──────────────────── residual ───────────────────────┘

Their papers start from the low-rate samples, upsampled by a cubic spline. Ours are given the
band-limited recording at the full rate, so taking every r-th sample and the spline are part of the
graph: what the network sees is the same whatever resampler made the recording.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from aliquot.models.convolution import conv

REACH = 12
"""Low-rate samples on each side of an interval that its spline depends on; the rest is < 1e-6."""


def subpixel(x: Tensor, factor: int) -> Tensor:
    """Interleave neighbouring channels in time (Shi et al., 2016, equation 4, in one dimension).

    Args:
        x: ``(batch, factor * channels, samples)``.
        factor: Channels ``factor * c`` to ``factor * c + factor - 1`` become channel ``c``.

    Returns:
        ``(batch, channels, factor * samples)``.

    >>> subpixel(torch.tensor([[[0, 2], [1, 3]]]), 2).tolist()
    [[[0, 1, 2, 3]]]
    """
    return x.reshape(x.shape[0], -1, factor, x.shape[2]).transpose(2, 3).flatten(2)


class SubPixel(nn.Module):
    """:func:`subpixel` as a layer. Shape: ``(batch, 2c, n)`` to ``(batch, c, 2n)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return twice the samples of half the channels."""
        return subpixel(x, 2)


def last_conv(inputs: int, kernel: int) -> nn.Conv1d:
    """The last convolution, so small at first that an untrained network is nearly the spline."""
    layer = conv(inputs, 2, kernel)
    nn.init.normal_(layer.weight, std=1e-3)
    return layer


def spline_kernel(factor: int) -> Tensor:
    """Impulse responses of interpolating cubic splines, one per sample between two given ones.

    The coefficients of the cubic B-spline through samples ``x`` are ``x`` filtered by
    ``sqrt(3) * z^|n|`` with ``z = sqrt(3) - 2`` (Unser, Aldroubi and Eden, "B-spline signal
    processing", 1993), which has decayed to 1e-7 after :data:`REACH` samples: cut there, filter
    and B-spline are one short filter.

    Returns:
        ``(factor, 1, 2 * REACH + 2)``; row ``j`` gives the value at ``j / factor`` after a sample.
    """
    position = torch.arange(-REACH, REACH + 2, dtype=torch.float64)
    fraction = torch.arange(factor, dtype=torch.float64)[:, None] / factor
    kernel = torch.zeros(factor, 2 * REACH + 2, dtype=torch.float64)
    for knot in range(-1, 3):
        away = (fraction - knot).abs()
        near = 2 / 3 - away**2 + away**3 / 2
        far = (2 - away).clamp(min=0) ** 3 / 6
        pole = torch.tensor(math.sqrt(3) - 2, dtype=torch.float64)
        prefilter = math.sqrt(3) * pole ** (position - knot).abs()
        kernel += torch.where(away < 1, near, far) * prefilter
    return (kernel / kernel.sum(1, keepdim=True)).float()[:, None]


def check_sizes(factor: int, width: float, dropout: float = 0.0) -> None:
    """Raise ``ValueError`` for sizes with which no network can be built."""
    if factor < 2:
        raise ValueError(f"factor must be at least 2, got {factor}")
    if width <= 0:
        raise ValueError(f"width, or the number of channels, must be above 0, got {width:g}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout:g}")


class Spline(nn.Module):
    """Keep every ``factor``-th sample, the first included, and draw a cubic spline through them.

    The signal is continued beyond its ends by reflection.

    Shape: ``(batch, 1, samples)`` to the same; ``samples`` a multiple of ``factor``.
    """

    kernel: Tensor

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.register_buffer("kernel", spline_kernel(factor), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the interpolated signal."""
        kept = fn.pad(x[:, :, :: self.factor], (REACH, REACH + 1), mode="reflect")
        return subpixel(fn.conv1d(kept, self.kernel), self.factor)


class Kernels(NamedTuple):
    """Filter lengths of a bottleneck network: blocks down, middle, blocks up from U1 on, last."""

    down: tuple[int, ...]
    middle: int
    up: tuple[int, ...]
    last: int


def receptive_field(kernels: Kernels, factor: int) -> tuple[int, int]:
    """Samples before and after an output sample that it depends on, by interval arithmetic."""
    before = after = 0
    stride = 1
    skips = [(before, after)]  # the residual
    for kernel in (*kernels.down, kernels.middle):
        before += stride * ((kernel - 1) // 2)
        after += stride * (kernel // 2)
        stride *= 2
        skips.append((before, after))
    skips.pop()  # the middle's
    for kernel in reversed((kernels.last, *kernels.up)):
        before += stride * ((kernel - 1) // 2)
        after += stride * (kernel // 2)
        stride //= 2
        before += stride  # of the two samples a shuffle makes, the later looks further back
        skip = skips.pop()
        before, after = max(before, skip[0]), max(after, skip[1])
    return before + factor * REACH + factor - 1, after + factor * (REACH + 1)


class WaveformModel(nn.Module):
    """A bottleneck network that adds a high band to the spline through every r-th sample.

    A subclass builds ``down``, ``middle``, ``up`` (from U1, the last applied, on) and ``last``.

    Shape:
        - input: ``(batch, channels, samples)`` at the model's rate, ``samples`` a multiple of
          :attr:`multiple` and at least ``14 * factor``; channels are treated one by one. A window
          of a longer signal must start on a multiple of :attr:`multiple` of it
        - output: same as the input

    Attributes:
        factor: Upsampling factor r; the input's band ends at ``rate / (2 * factor)``.
        multiple: What the length must be a multiple of.
        context: Samples on each side that an output sample depends on; nearer to an end of a
            window than this, the result depends on how the window ends.
    """

    down: nn.ModuleList
    middle: nn.Module
    up: nn.ModuleList
    last: nn.Module

    def __init__(self, factor: int, kernels: Kernels) -> None:
        super().__init__()
        self.factor = factor
        self.multiple = math.lcm(2 ** (len(kernels.down) + 1), factor)
        self.context = max(receptive_field(kernels, factor))
        self.spline = Spline(factor)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spline plus the predicted band; see the class for shapes.

        Raises:
            ValueError: If the length is not a multiple of :attr:`multiple`, or too short.
        """
        batch, channels, samples = x.shape
        if not torch.onnx.is_in_onnx_export():
            self.check(samples)
        given = self.spline(x.reshape(-1, 1, samples))
        restored: Tensor = given + self.band(given)
        return restored.reshape(batch, channels, samples)

    def check(self, samples: int) -> None:
        """Raise ``ValueError`` for a length that the network cannot take."""
        least = self.factor * (REACH + 2)
        if samples % self.multiple or samples < least:
            raise ValueError(
                f"samples must be a multiple of {self.multiple} and at least {least}, got {samples}"
            )

    def band(self, given: Tensor) -> Tensor:
        """What is to be added to the spline. Shape: ``(batch, 1, samples)`` to the same."""
        y = given
        skips = []
        for block in self.down:
            y = block(y)
            skips.append(y)  # (batch, width, samples / 2^b)
        y = self.middle(y)
        for block, skip in zip(reversed(self.up), reversed(skips), strict=True):
            y = self.join(block(y), skip)
        return subpixel(self.last(y), 2)

    def join(self, y: Tensor, skip: Tensor) -> Tensor:
        """Stack the output of block ``B - b + 1`` on that of block ``b``, along the channels."""
        return torch.cat([y, skip], dim=1)
