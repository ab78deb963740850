"""What moves the weights: AdamW, and Muon for the matrices if it is asked for."""

from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from aliquot.training.settings import OptimSettings


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
            Muon(
                matrices,
                settings.learning_rate,
                weight_decay=settings.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    return found


def _is_for_muon(parameter: Tensor, settings: OptimSettings) -> bool:
    return settings.matrices == "muon" and parameter.ndim == 2
