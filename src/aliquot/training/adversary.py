"""Losses of a generator and of the discriminators that it is trained against.

``original`` and ``restored`` are what discriminators made of originals and of what the generator
made of the degraded. Each discriminator counts alike, whatever the number of its scores.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as fn

from aliquot.models.discriminators import Judgement
from aliquot.training.parallel import Group

TINY = 1e-6
"""Mean magnitude that is nothing."""


def least_squares_discriminator(original: Judgement, restored: Judgement) -> Tensor:
    """Mean of ``(1 - D(original))^2 + D(restored)^2`` (Mao et al., "LSGAN", 2017, equation 9)."""
    return mean(
        (1 - true).square().mean() + false.square().mean()
        for true, false in zip(original.scores, restored.scores, strict=True)
    )


def least_squares_generator(restored: Judgement) -> Tensor:
    """Mean of ``(1 - D(restored))^2``."""
    return mean((1 - scores).square().mean() for scores in restored.scores)


def hinge_discriminator(original: Judgement, restored: Judgement) -> Tensor:
    """Mean of ``max(0, 1 - D(original)) + max(0, 1 + D(restored))`` (Lim and Ye, 2017)."""
    return mean(
        fn.relu(1 - true).mean() + fn.relu(1 + false).mean()
        for true, false in zip(original.scores, restored.scores, strict=True)
    )


def hinge_generator(restored: Judgement) -> Tensor:
    """Mean of ``-D(restored)``."""
    return mean(-scores.mean() for scores in restored.scores)


def feature_matching(
    original: Judgement, restored: Judgement, group: Group | None = None
) -> Tensor:
    """Mean over layers of the mean distance of features, over the mean size of the original's.

    MelGAN's (Kumar et al., 2019, equation 4), normalised so that no layer counts more because its
    numbers are large. Nothing is learned through the original's.

    Args:
        original: What the discriminators made of originals.
        restored: And of what the generator made of the degraded.
        group: The processes that share the batch; sizes are taken over all of it.
    """
    pairs = [
        (true.detach(), false)
        for trues, falses in zip(original.features, restored.features, strict=True)
        for true, false in zip(trues, falses, strict=True)
    ]
    distances = torch.stack([(true - false).abs().mean() for true, false in pairs])
    sizes = torch.stack([true.abs().mean() for true, _ in pairs])
    return (distances / ((group or Group()).mean(sizes) + TINY)).mean()


def mean(terms: Iterable[Tensor]) -> Tensor:
    """Mean of scalar tensors."""
    return torch.stack(list(terms)).mean()


@dataclass(frozen=True, slots=True)
class AdversarialLoss:
    """The two sides of a game.

    Attributes:
        discriminator: Of originals and restored, to be lowered by the discriminators.
        generator: Of restored, to be lowered by the generator.
    """

    discriminator: Callable[[Judgement, Judgement], Tensor]
    generator: Callable[[Judgement], Tensor]


ADVERSARIAL_LOSSES = {
    "least-squares": AdversarialLoss(least_squares_discriminator, least_squares_generator),
    "hinge": AdversarialLoss(hinge_discriminator, hinge_generator),
}
"""By the names used in settings."""
