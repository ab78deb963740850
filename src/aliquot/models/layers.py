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
