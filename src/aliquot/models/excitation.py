"""What the high band is made of: the given band flattened, and copied upward.

Power is measured in blocks of 16 bins. What a slope has left is whitened, every block to unit mean
power, so that the level is left to the network. What is copied is divided by the course of the
power over some blocks only: partials further apart than a block, and the gaps between them, stay.
"""

import torch
from torch import Tensor
from torch.nn import functional as fn

BLOCK_BINS = 16
"""Bins of a block in which power is measured."""
TINY = 1e-16
"""Power that is silence; white noise of unit variance has 1. A 32-bit float file and a transform in
single precision hold a spectrum down to here, and so does what a steep slope has left."""


SMOOTH = 3.0
"""Blocks (1 kHz at 44.1 kHz) over which the course of the copied band's power is averaged."""

PANNED = 17
"""Frames over which the correlation of mid and side is averaged."""


def block_means(power: Tensor) -> Tensor:
    """Mean power in blocks of 16 bins, ``(batch, 2, frames, blocks)``."""
    batch, channels, frames, bins = power.shape
    whole = power[..., : bins - 1].reshape(batch, channels, frames, -1, BLOCK_BINS)
    return whole.mean(dim=-1)


def flatness(power: Tensor, block_power: Tensor) -> Tensor:
    """Log10 of arithmetic over geometric mean in blocks, ``(batch, 2, frames, blocks)``."""
    batch, channels, frames, bins = power.shape
    logs = torch.log10(power[..., : bins - 1] + TINY)
    logs = logs.reshape(batch, channels, frames, -1, BLOCK_BINS).mean(dim=-1)
    # Bins emptied by a codec or a filter lie at the floor: how far below says nothing.
    return (torch.log10(block_power + TINY) - logs).clamp(max=2)


def whitened(spectrum: Tensor, block_power: Tensor, scale: float) -> Tensor:
    """The spectrum with unit mean power in every block, as ``spectrum``; the last bin is 0.

    ``block_power`` is that of ``scale`` times the spectrum.
    """
    whitening = scale * (block_power + 0.01 * TINY).rsqrt()
    return spectrum * every_bin(whitening)[:, :, None]


def near_blocks(bin_: Tensor, inside: Tensor) -> Tensor:
    """Weights of the blocks about every bin: a triangle over :data:`SMOOTH` blocks on each side.

    Args:
        bin_: ``(n,)``.
        inside: ``(batch, blocks)``; which blocks count. Where none is near all count alike.

    Returns:
        ``(batch, blocks, n)``; every column sums to one.
    """
    block = torch.arange(inside.shape[1], device=inside.device)[:, None]
    near = (SMOOTH - ((bin_ + 0.5) / BLOCK_BINS - 0.5 - block).abs()).clamp(min=0)
    near = near * inside[..., None] + 1e-12
    return near / near.sum(dim=1, keepdim=True)


def flattened(spectrum: Tensor, block_power: Tensor, edge: Tensor, scale: float) -> Tensor:
    """The spectrum below ``edge`` over the course of its power from block to block.

    The course is a mean over :data:`SMOOTH` blocks, weighted by a triangle, of those that begin
    below ``edge``. A bin's own block always counts: what stands beside a codec's hole would be
    raised without limit.

    Args:
        spectrum: ``(batch, 2, 2, frames, bins)``.
        block_power: ``(batch, 2, frames, blocks)``, of ``scale`` times the spectrum.
        edge: ``(batch,)`` in bins.
        scale: Brings white noise of unit variance to unit power.

    Returns:
        As ``spectrum``, of about unit mean power; above ``edge`` it means nothing.
    """
    block = torch.arange(block_power.shape[3], device=edge.device)
    bin_ = torch.arange(spectrum.shape[4], device=edge.device)
    course = block_power @ near_blocks(bin_, BLOCK_BINS * block < edge[:, None])[:, None]
    return spectrum * (scale * (course + 0.01 * TINY).rsqrt())[:, :, None]


def audible(block_power: Tensor) -> Tensor:
    """Whether a block holds more than rounding errors, 0 to 1, ``(batch, 2, frames, bins)``."""
    return every_bin(block_power / (block_power + TINY))


def every_bin(blocks: Tensor) -> Tensor:
    """Values of blocks for each of their bins, ``(batch, 2, frames, bins)``; 0 for the last bin.

    A product with ones and zeros, which a graph does in half the time of repeating.
    """
    count = blocks.shape[3]
    of_bin = torch.arange(BLOCK_BINS * count + 1, device=blocks.device) // BLOCK_BINS
    belongs = torch.arange(count, device=blocks.device)[:, None] == of_bin
    return blocks @ belongs.to(blocks.dtype)


def copy_up(flat: Tensor, edge: Tensor, index: Tensor, width: Tensor, frame: Tensor) -> Tensor:
    """The top of the flattened given band, repeated upward.

    A shift by ``n`` bins is a product with a wave of that frequency. From one frame to the next it
    goes on by ``n`` quarters of a turn (a hop is a quarter of a window), so that lines stay lines.

    Args:
        flat: ``(batch, 2, 2, frames, bins)`` from :func:`flattened`.
        edge: ``(batch,)``; where the copies begin, in bins.
        index: ``(n,)``; the bins to fill.
        width: ``(batch, frames, 1)``; of a copy, in bins; shifts are its rounded multiples.
        frame: ``(frames, 1)`` or ``(batch, frames, 1)``; numbers of the frames in the recording.

    Returns:
        ``(batch, 2, 2, frames, n)``; what lies below ``edge`` is left as it is.
    """
    top = edge.floor()[:, None, None]
    copies = (torch.floor((index - top) / width) + 1).clamp(min=0)
    shift = torch.round(copies * width)
    source = (index - shift).clamp(0, flat.shape[4] - 2).long()  # the last bin is in no block
    planes = flat.gather(4, source[:, None, None].expand(-1, 2, 2, -1, -1))
    turns = shift * frame
    turns = turns - 4 * torch.floor(turns / 4)
    cosine, sine = ((turns - 2).abs() - 1)[:, None], (1 - (turns - 1).abs())[:, None]
    real, imaginary = planes[:, :, 0], planes[:, :, 1]
    return torch.stack([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=2)


def panning(spectrum: Tensor, power: Tensor, edge: Tensor, index: Tensor, unit: float) -> Tensor:
    """Correlation of mid and side in the given band, ``(batch, 1, frames - 16, 1)`` in -1..1.

    Treble emphasised by ``(bin / edge)^3``, averaged over :data:`PANNED` frames, for the frames
    that have so many about them. ``power`` is that of the spectrum times ``unit``.
    """
    weight = (index / edge[:, None]) ** 3 * (index < edge[:, None])
    weight = (weight / edge[:, None])[:, :, None]
    # (batch, planes, frames, 1)
    both = (spectrum[:, 0] * spectrum[:, 1]) @ (unit * weight[:, None])
    own = (power @ weight[:, None])[..., 0].clamp(max=1e12)
    rows = torch.cat([both.sum(dim=1).transpose(1, 2), own], dim=1)
    mean = fn.avg_pool1d(rows, PANNED, 1)[..., None]
    result: Tensor = mean[:, :1] / (mean[:, 1:2] * mean[:, 2:] + 1e-24).sqrt()
    return result.clamp(-1, 1)


def panned(noise: Tensor, common: Tensor) -> Tensor:
    """Noise of mid and side of which the side's follows the middle's to a share in -1..1.

    Args:
        noise: ``(batch, 2, 2, frames, n)``, independent.
        common: ``(batch, 1, frames, n)``, the correlation.

    Returns:
        As ``noise``.
    """
    own = (1 - common * common).clamp(min=1e-6).sqrt()
    middle, side = noise[:, 0], noise[:, 1]
    return torch.stack([middle, common * middle + own * side], dim=1)


def mixed(copied: Tensor, noise: Tensor, gain: Tensor, share: Tensor, scale: float) -> Tensor:
    """A copy and noise that fills up the power its share leaves.

    Args:
        copied: ``(batch, 2, 2, frames, n)`` of unit power.
        noise: As ``copied``; the unscaled spectrum of noise of unit variance.
        gain: ``(batch, 2, frames, n)`` of both.
        share: As ``gain``: amplitude of the copy, 0 to 1.
        scale: Brings the noise to unit power.

    Returns:
        As ``copied``.
    """
    rest = gain * (1 - share * share).clamp(min=1e-6).sqrt() * scale
    return copied * (gain * share)[:, :, None] + noise * rest[:, :, None]
