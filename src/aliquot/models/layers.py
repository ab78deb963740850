"""Parts that networks are built from."""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


def warped_bands(bands: int, first_bin: float, bins: int) -> Tensor:
    """Triangular bands, evenly spaced on ``log(1 + bin / 60)``, as interpolation weights.

    Returns:
        ``(bands, bins)``; every column from ``first_bin`` on sums to one.
    """
    scale = 60.0
    positions = torch.log1p(torch.arange(bins, dtype=torch.float64) / scale)
    first = torch.log1p(torch.tensor(first_bin / scale, dtype=torch.float64))
    step = (positions[-1] - first) / (bands - 1)
    place = ((positions - first) / step).clamp(min=0, max=bands - 1)
    centres = torch.arange(bands, dtype=torch.float64)[:, None]
    return (1 - (place[None] - centres).abs()).clamp(min=0).float()


def between(centres: Tensor, bands: Tensor) -> Tensor:
    """Weights that read values known at ``centres`` at the middles of ``bands``.

    Args:
        centres: ``(n,)`` in bins, rising.
        bands: ``(m, bins)`` weights.

    Returns:
        ``(n, m)``; every column sums to one.

    >>> between(torch.tensor([0.0, 2.0, 4.0]), torch.tensor([[0.0, 1.0, 0.0, 0.0]])).T.tolist()
    [[0.5, 0.5, 0.0]]
    """
    middles = (bands * torch.arange(bands.shape[1])).sum(1) / bands.sum(1)
    middles = middles.clamp(min=float(centres[0]), max=float(centres[-1]))
    above = torch.searchsorted(centres, middles).clamp(1, len(centres) - 1)
    low, high = centres[above - 1], centres[above]
    part = ((middles - low) / (high - low))[:, None]
    rows = torch.eye(len(centres))
    return (rows[above - 1] * (1 - part) + rows[above] * part).T.contiguous()


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
    rows = rows.reshape(batch * channels, frames, 2 * bands).transpose(1, 2)
    mean = fn.avg_pool1d(rows, width, 1, width // 2).transpose(1, 2)
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

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output; see the class for shapes."""
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        y = self.narrow(self.dropout(fn.gelu(self.widen(self.norm(y)))))
        out: Tensor = x + self.scale * y
        return out
