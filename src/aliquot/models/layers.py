"""Parts that networks are built from."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

WARP_BINS = 60.0
"""Bands are evenly spaced on ``log(1 + bin / 60)``."""


def warped_bands(bands: int, first_bin: float, bins: int) -> Tensor:
    """Triangular bands, evenly spaced on ``log(1 + bin / 60)``, as interpolation weights.

    Returns:
        ``(bands, bins)``; every column from ``first_bin`` on sums to one.
    """
    positions = torch.log1p(torch.arange(bins, dtype=torch.float64) / WARP_BINS)
    first = torch.log1p(torch.tensor(first_bin / WARP_BINS, dtype=torch.float64))
    step = (positions[-1] - first) / (bands - 1)
    place = ((positions - first) / step).clamp(min=0, max=bands - 1)
    centres = torch.arange(bands, dtype=torch.float64)[:, None]
    return (1 - (place[None] - centres).abs()).clamp(min=0).float()


def warped_place(bin_: Tensor, bands: int, bins: int) -> Tensor:
    """Where frequencies in bins lie on the axis of bands of :func:`warped_bands` from bin 0."""
    step = math.log1p((bins - 1) / WARP_BINS) / (bands - 1)
    return torch.log1p(bin_ / WARP_BINS) / step


def hats(places: Tensor, count: int) -> Tensor:
    """Weights that read values known at 0, 1, ..., ``count - 1`` at places in between.

    Args:
        places: ``(batch, n)``; beyond the ends, the ends.
        count: Of known values.

    Returns:
        ``(batch, count, n)``; every column sums to one.

    >>> hats(torch.tensor([[0.25, 7.0]]), 3).tolist()
    [[[0.75, 0.0], [0.25, 0.0], [0.0, 1.0]]]
    """
    known = torch.arange(count, device=places.device)[:, None]
    return (1 - (places.clamp(0, count - 1)[:, None] - known).abs()).clamp(min=0)


def mean_over_frames(rows: Tensor, width: int, outer: int = 0) -> Tensor:
    """Mean over ``width`` frames, an odd number, around each; beyond the ends there are zeros.

    A product with a band matrix: pooling takes as long as its window is wide, and wants frames
    last.

    Args:
        rows: ``(batch, frames, n)``.
        width: In frames.
        outer: Frames at each end that need no mean of their own.

    Returns:
        ``(batch, frames - 2 * outer, n)``.

    >>> mean_over_frames(torch.tensor([[[3.0], [0.0], [6.0]]]), 3).flatten().tolist()
    [1.0, 3.0, 2.0]
    >>> mean_over_frames(torch.tensor([[[3.0], [0.0], [6.0]]]), 3, 1).flatten().tolist()
    [3.0]
    """
    frame = torch.arange(rows.shape[1], device=rows.device)
    near = (frame[outer : rows.shape[1] - outer, None] - frame).abs() <= width // 2
    return (near.to(rows.dtype) / width) @ rows


def steadied(values: Tensor, weight: Tensor, width: int) -> Tensor:
    """Weighted mean over ``width`` frames, an odd number, around each.

    Args:
        values: ``(batch, channels, frames, bands)``.
        weight: As ``values``, not negative.
        width: In frames.

    Returns:
        As ``values``; 0 where all weights are.

    >>> values = torch.tensor([1.0, 3.0, 8.0]).reshape(1, 1, 3, 1)
    >>> weight = torch.tensor([0.5, 0.5, 0.0]).reshape(1, 1, 3, 1)
    >>> steadied(values, weight, 5).flatten().round(decimals=3).tolist()
    [2.0, 2.0, 2.0]
    """
    batch, channels, frames, bands = values.shape
    rows = torch.cat([values * weight, weight], dim=3)
    mean = mean_over_frames(rows.reshape(batch * channels, frames, 2 * bands), width)
    result: Tensor = mean[..., :bands] / (mean[..., bands:] + 1e-6)
    return result.reshape(values.shape)


class Block(nn.Module):
    """ConvNeXt block over frames, channels last. Shape: ``(batch, frames, width)`` to the same."""

    def __init__(
        self, width: int, kernel: int, dilation: int, expansion: int, dropout: float
    ) -> None:
        super().__init__()
        reach = dilation * (kernel // 2)
        self.depthwise = nn.Conv1d(
            width, width, kernel, padding=reach, dilation=dilation, groups=width
        )
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return the block's output; see the class for shapes.

        Args:
            x: What comes in.
            style: ``(batch, 1, 2 * width)``: what normalised values are scaled by, less 1, then
                what is added to them.
        """
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        scale, shift = style.chunk(2, dim=2)
        y = fn.gelu(self.widen(self.norm(y) * (1 + scale) + shift))
        if self.training:  # a unit for a whole example: one for each frame costs a sixth of a step
            y = y * self.dropout(torch.ones_like(y[:, :1]))
        y = self.narrow(y)
        out: Tensor = x + self.scale * y
        return out


class Styles(nn.Module):
    """Turn what is known of a whole recording into changes to every layer.

    Feature-wise linear modulation (Perez et al., 2018).

    Shape: ``(batch, size)`` to ``(batch, sum of widths)``, zeros at first.
    """

    def __init__(self, size: int, hidden: int, widths: int) -> None:
        super().__init__()
        self.enter = nn.Linear(size, hidden)
        self.leave = nn.Linear(hidden, widths)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, known: Tensor) -> Tensor:
        """Return the changes; see the class for shapes."""
        changes: Tensor = self.leave(fn.gelu(self.enter(known)))
        return changes
