"""What a restored spectrum is judged by while training.

Everything is taken on what a listener would get, the given band plus the generated one, above the
fade-in and below the frequency up to which the original is true.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from aliquot.models.config import SpectralConfig
from aliquot.models.excitation import BLOCK_BINS
from aliquot.models.layers import warped_bands
from aliquot.models.spectral import Spectral
from aliquot.training.settings import LossSettings

LOSS_BANDS, FIRST_LOSS_BIN = 40, 90.0
DEEPEST = 3.0
"""Decades under its loudest bin below which the bins of a block are told apart no more."""
LEAST_HEARD = -6.0
"""Log10 power of a block's loudest bin below which it is empty: 114 dB under a full-scale sine."""
WIDE = 10
"""Bands joined for the energy balance."""
WIDE_BANDS = 16
"""Input bands joined for it while levels are learned."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where the loss is taken, in bins.

    ``cutoff``, ``typical`` and ``limit`` are ``(batch,)``; ``centres`` of the model's output bands
    ``(batch, output_bands)``.
    """

    cutoff: Tensor
    typical: Tensor
    limit: Tensor
    centres: Tensor


class SpectralLoss:
    """Weighted sum of spectrum, envelope, bias and texture distances and a prior.

    - spectrum: log-spectral distance (``metrics.lsd``), masked;
    - envelope: mean distance of log band energies in loud frames and bands, of mid, side, left and
      right;
    - bias: log ratio of energies over the whole example in wide bands, which the others, being
      medians and means of logarithms, leave too low;
    - texture: distance of the mean spread of log power inside blocks of 16 bins: how rough treble
      is, and not where chance puts its peaks in a frame, which would reward smooth treble;
    - prior: above the typical bandwidth little is known: levels fall slowly from the last band
      below it.
    """

    def __init__(self, weights: LossSettings, model: SpectralConfig, device: torch.device) -> None:
        self.weights, self.model = weights, model
        self.index = torch.arange(model.bins, device=device).float()
        self.bands = warped_bands(LOSS_BANDS, FIRST_LOSS_BIN, model.bins).to(device)

    def mask(self, region: Region) -> Tensor:
        """Weight of every bin, ``(batch, 1, 1, bins)``."""
        guard = self.model.guard(region.cutoff)
        start = (region.cutoff - 0.4 * guard)[:, None]
        inside = (self.index >= start) & (self.index < region.limit[:, None])
        weight = torch.where(self.index < region.typical[:, None], 1.0, self.weights.typical_weight)
        return (inside * weight)[:, None, None]

    def __call__(
        self, estimate: Tensor, original: Tensor, level: Tensor, region: Region
    ) -> dict[str, Tensor]:
        """Return the terms and their weighted sum ``total``.

        Args:
            estimate: ``(batch, 2, 2, frames, bins)``: mid/side, real/imaginary, given plus high.
            original: As ``estimate``.
            level: ``(batch, 2, frames, bands)`` from the model.
            region: Cut-off and limits.
        """
        mask = self.mask(region)
        power = estimate.square().sum(dim=2)
        truth = original.square().sum(dim=2)
        log_power = torch.log10(power.clamp(min=1e-8))
        log_truth = torch.log10(truth.clamp(min=1e-8))
        share = torch.tensor([1.0, self.weights.side], device=power.device)
        share = share / share.sum()
        terms = {
            "spectrum": self.spectrum(log_power, log_truth, mask, share),
            "texture": self.texture(log_power, log_truth, mask, share),
        }
        known = (mask > 0).float()
        terms["envelope"], terms["bias"] = self.energies(
            self.band_energies(estimate, power, known),
            self.band_energies(original, truth, known),
            truth.sum(dim=3, keepdim=True),
            mask,
        )
        terms["prior"] = prior(level, region)
        weights = self.weights
        terms["total"] = (
            weights.spectrum * terms["spectrum"]
            + weights.texture * terms["texture"]
            + weights.envelope * terms["envelope"]
            + weights.bias * terms["bias"]
            + weights.prior * terms["prior"]
        )
        return terms

    def spectrum(self, estimate: Tensor, truth: Tensor, mask: Tensor, share: Tensor) -> Tensor:
        """Root mean square over bins, mean over frames, of log10 power differences."""
        square = ((estimate - truth).square() * mask).sum(dim=3) / (mask.sum(dim=3) + 1e-6)
        return ((square + 1e-4).sqrt().mean(dim=(0, 2)) * share).sum()

    def band_energies(self, spectrum: Tensor, power: Tensor, known: Tensor) -> Tensor:
        """Band energies of mid, side, left and right, ``(batch, 4, frames, bands)``."""
        cross = (spectrum[:, 0] * spectrum[:, 1]).sum(dim=1, keepdim=True)
        bands = self.bands.T
        own, between = (power * known) @ bands, (cross * known) @ bands
        both = own.sum(dim=1, keepdim=True)
        return torch.cat([own, both + 2 * between, both - 2 * between], dim=1).clamp(min=0) + 1e-7

    def energies(
        self, estimate: Tensor, truth: Tensor, total: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Envelope and bias distances of band energies, both in log10 power.

        Args:
            estimate: ``(batch, 4, frames, bands)`` from :meth:`band_energies`.
            truth: As ``estimate``.
            total: ``(batch, 2, frames, 1)``; energy of mid and side of the original.
            mask: ``(batch, 1, 1, bins)``.
        """
        ear = self.weights.ear
        weight = torch.tensor([1.0, self.weights.side, ear, ear], device=truth.device)
        weight = weight / weight.sum()
        known = (mask > 0).float()
        width = known @ self.bands.T
        full = width > 0.6 * self.bands.sum(dim=1)
        trust = (mask @ self.bands.T) / (width + 1e-6) * full
        both = total.sum(dim=1, keepdim=True)
        total = torch.cat([total, both, both], dim=1)
        loud = (total > 1e-6 * total.amax(dim=2, keepdim=True)) & (truth > 1e-7 * total)
        gate = trust * loud * (truth > 2e-7)
        distance = (torch.log10(estimate) - torch.log10(truth)).abs()
        each = (distance * gate).sum(dim=(2, 3)) / (gate.sum(dim=(2, 3)) + 1.0)
        envelope = (each.mean(dim=0) * weight).sum()
        wide_estimate = in_groups((estimate * trust).sum(dim=2), WIDE).sum(dim=-1)
        wide_truth = in_groups((truth * trust).sum(dim=2), WIDE).sum(dim=-1)
        wide_gate = (in_groups(trust.sum(dim=(1, 2)), WIDE).sum(dim=-1) > 0).float()
        ratio = torch.log10((wide_estimate + 1e-5) / (wide_truth + 1e-5)).abs()
        per_example = (ratio * wide_gate[:, None]).sum(2) / (wide_gate.sum(1)[:, None] + 1e-6)
        return envelope, (per_example.mean(dim=0) * weight).sum()

    def texture(self, estimate: Tensor, truth: Tensor, mask: Tensor, share: Tensor) -> Tensor:
        """Mean absolute difference of the spread of log power inside blocks, mean over frames.

        Blocks that the original's codec has emptied do not count, and in others the holes that it
        left count :data:`DEEPEST` below the block's loudest bin.
        """
        inside = in_groups(mask[..., :-1], BLOCK_BINS).amin(dim=-1)
        heard = in_groups(truth[..., :-1], BLOCK_BINS).amax(dim=-1) > LEAST_HEARD
        count = heard.sum(dim=2, keepdim=True) + 1e-6
        estimate_mean, wanted = (
            (spread(row) * heard).sum(dim=2, keepdim=True) / count for row in (estimate, truth)
        )
        distance = (estimate_mean - wanted).abs() * inside
        each = distance.sum(dim=3) / (inside.sum(dim=3) + 1e-6)
        return (each.mean(dim=(0, 2)) * share).sum()


def spread(log_power: Tensor) -> Tensor:
    """Standard deviation of log power inside blocks, ``(batch, 2, frames, blocks)``."""
    blocks = in_groups(log_power[..., :-1], BLOCK_BINS)
    blocks = blocks.maximum(blocks.amax(dim=-1, keepdim=True) - DEEPEST)
    return (blocks.var(dim=-1, unbiased=False) + 1e-4).sqrt()


def in_groups(values: Tensor, size: int) -> Tensor:
    """Split the last axis into groups of ``size``: ``(..., n)`` to ``(..., n / size, size)``."""
    return values.reshape(*values.shape[:-1], -1, size)


def prior(level: Tensor, region: Region) -> Tensor:
    """Levels above the typical bandwidth against the last below, falling by 4.6 dB an octave.

    Args:
        level: ``(batch, 2, frames, bands)``.
        region: Typical bandwidths, and the bands' centres.
    """
    centres = region.centres
    beyond = centres > region.typical[:, None]  # (batch, bands)
    last = (~beyond).sum(dim=1, keepdim=True).clamp(min=1) - 1
    place = last[:, :, None, None].expand(*level.shape[:3], 1)
    anchor = level.gather(3, place).detach()
    over = torch.log2(centres / centres.gather(1, last))
    target = anchor - 0.23 * over[:, None, None]
    return ((level - target).abs() * beyond[:, None, None]).mean()


class LevelLoss:
    """Envelope and bias distances and the prior of :class:`SpectralLoss`, of band powers.

    Both powers are smoothed over three frames by (1, 2, 1) / 4.
    """

    def __init__(self, weights: LossSettings, model: Spectral) -> None:
        self.weights = weights
        self.config = model.config
        self.centres = model.band_centres
        analysis = model.analysis  # (bins, input_bands)
        self.widths = (analysis > 0).sum(dim=0) / 2.0

    def __call__(
        self, estimate: Tensor, original: Tensor, level: Tensor, region: Region
    ) -> dict[str, Tensor]:
        """Return the terms and their weighted sum ``total``.

        Args:
            estimate: ``(batch, 2, frames, input_bands)`` power of mid and side.
            original: As ``estimate``.
            level: ``(batch, 2, frames, output_bands)`` from the model.
            region: Cut-off and limits.
        """
        estimate, original = smoothed(estimate), smoothed(original)
        guard = self.config.guard(region.cutoff)
        start = (region.cutoff - 0.4 * guard)[:, None]
        inside = (self.centres >= start) & (self.centres < region.limit[:, None])
        weight = torch.where(
            self.centres < region.typical[:, None], 1.0, self.weights.typical_weight
        )
        mask = (inside * weight)[:, None, None]
        total = (original * self.widths).sum(dim=3, keepdim=True)
        loud = total > 1e-6 * total.amax(dim=2, keepdim=True)
        heard = (original > 1e-7 * original.sum(dim=3, keepdim=True)) & (original > 3e-10)
        gate = mask * (loud & heard)
        tiny = 1e-10
        distance = (torch.log10(estimate + tiny) - torch.log10(original + tiny)).abs()
        channel = torch.tensor([1.0, self.weights.side], device=gate.device)
        channel = channel / channel.sum()
        each = (distance * gate).sum(dim=(2, 3)) / (gate.sum(dim=(2, 3)) + 30.0)
        terms = {"envelope": (each.mean(dim=0) * channel).sum()}
        energies = [
            in_groups((power * self.widths * mask).sum(dim=2), WIDE_BANDS).sum(dim=-1) + 1e-8
            for power in (estimate, original)
        ]
        present = in_groups(mask[:, 0], WIDE_BANDS).sum(dim=-1) > 0  # (batch, 1, groups)
        ratio = (torch.log10(energies[0]) - torch.log10(energies[1])).abs() * present
        each = ratio.sum(dim=2) / (present.sum(dim=2) + 1e-6)
        terms["bias"] = (each.mean(dim=0) * channel).sum()
        terms["prior"] = prior(level, region)
        weights = self.weights
        terms["total"] = (
            weights.envelope * terms["envelope"]
            + weights.level_bias * terms["bias"]
            + weights.prior * terms["prior"]
        )
        return terms


def smoothed(power: Tensor) -> Tensor:
    """``(batch, 2, frames, bands)`` averaged over neighbouring frames; two frames fewer."""
    return (power[:, :, :-2] + 2 * power[:, :, 1:-1] + power[:, :, 2:]) / 4
