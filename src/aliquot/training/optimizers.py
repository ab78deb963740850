"""What moves the weights: AdamW, and Muon for the matrices if it is asked for."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from aliquot.training.settings import OptimSettings

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Jordan's coefficients of the Newton-Schulz iteration."""


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """About the nearest orthogonal matrix, by Newton-Schulz iteration (Jordan et al., 2024).

    Args:
        matrix: ``(rows, columns)``, not all zero.
        steps: Iterations.

    Returns:
        As the matrix, with singular values between about 0.7 and 1.2.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class FloatMuon(Muon):
    """PyTorch's Muon, but for one thing: it multiplies matrices in their own precision.

    PyTorch's does so in bfloat16, which a CPU without instructions for it does ten times more
    slowly: a quarter of a step on band powers. Step sizes are those of ``match_rms_adamw``.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                mean = state.setdefault("momentum_buffer", torch.zeros_like(matrix))
                mean.lerp_(matrix.grad, 1 - momentum)
                update = orthogonal(matrix.grad.lerp(mean, momentum))
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(update, alpha=-0.2 * rate * sqrt(max(matrix.shape)))


def optimizers_of(module: nn.Module, settings: OptimSettings) -> list[Optimizer]:
    """The optimizers of a module; each of its parameters belongs to one of them.

    Muon (Jordan et al., 2024) moves a matrix along the nearest orthogonal matrix to its momentum,
    here scaled to the size of AdamW's steps (Liu et al., 2025), so both share a learning rate.
    """
    matrices = [p for p in module.parameters() if _is_for_muon(p, settings)]
    others = [p for p in module.parameters() if not _is_for_muon(p, settings)]
    found: list[Optimizer] = []
    if others:
        betas = (settings.momentum, 0.98)
        found.append(
            AdamW(others, settings.learning_rate, betas, weight_decay=settings.weight_decay)
        )
    if matrices:
        found.append(
            FloatMuon(matrices, settings.learning_rate, weight_decay=settings.weight_decay)
        )
    return found


def _is_for_muon(parameter: Tensor, settings: OptimSettings) -> bool:
    return settings.matrices == "muon" and parameter.ndim == 2
