"""One training step: examples in, loss terms out."""

import numpy as np
import torch
from torch import Tensor

from aliquot.audio import Waveform
from aliquot.models.spectral import Spectral
from aliquot.training.losses import LevelLoss, Region, SpectralLoss


def mid_side(samples: Waveform) -> Waveform:
    """Left and right to mid and side, ``(2, samples)``."""
    left, right = samples
    return np.stack([(left + right) / 2, (left - right) / 2])


def spectra(waves: Tensor, window: int, hop: int) -> Tensor:
    """Uncentred STFT of ``(batch, 2, samples)``: ``(batch, 2, 2, frames, bins)``."""
    batch, channels, samples = waves.shape
    transform = torch.stft(
        waves.reshape(batch * channels, samples),
        window,
        hop,
        window=torch.hann_window(window, device=waves.device),
        center=False,
        return_complex=True,
    )  # (batch * channels, bins, frames)
    planes = torch.view_as_real(transform).permute(0, 3, 2, 1)
    return planes.reshape(batch, channels, 2, -1, window // 2 + 1).contiguous()


def spectral_step(
    model: Spectral, loss: SpectralLoss, batch: list[Tensor], generator: torch.Generator
) -> dict[str, Tensor]:
    """Loss terms of one batch; ``total`` is to be differentiated.

    Args:
        model: The network.
        loss: The weighted distances.
        batch: Fields of :class:`aliquot.training.data.Example`, stacked.
        generator: Of the noise.
    """
    degraded, original, cutoff, typical, limit = batch
    config = model.config
    stride = loss.weights.frame_stride
    inner = slice(config.context, -config.context, stride)
    given = spectra(degraded, config.window, config.hop)
    edge = config.context * config.hop
    wanted = spectra(original[:, :, edge:-edge], config.window, stride * config.hop)
    shape = wanted.shape
    scale = (0.375 * config.window / 2) ** 0.5
    noise = scale * torch.randn(shape, generator=generator, device=degraded.device)
    high, level = model.restore(given, cutoff, noise, stride)
    estimate = given[:, :, :, inner] + high
    return loss(estimate, wanted, level, Region(cutoff, typical, limit))


def level_step(
    model: Spectral, loss: LevelLoss, batch: list[Tensor], *, half: bool = False
) -> dict[str, Tensor]:
    """Loss terms of one batch of band powers; ``total`` is to be differentiated.

    Args:
        model: The network.
        loss: The weighted distances.
        batch: Fields of :class:`aliquot.training.bands.BandExample`, stacked.
        half: Whether the network's products are taken in bfloat16.
    """
    log_bands, flatness, response, cutoff, typical, limit = batch
    original = 10**log_bands
    given = original * response[:, None, None]
    with torch.autocast(log_bands.device.type, torch.bfloat16, enabled=half):
        anchor, level, _, _ = model.predict(given, flatness, cutoff)
    anchor = anchor.float()
    ramp = model.fade_in(cutoff, model.band_centres).square()[:, None, None]
    estimate = given + anchor * ramp * 10 ** (2 * (level @ loss.places))
    context = model.config.context
    inner = slice(context, -context)
    return loss(
        estimate[:, :, inner],
        original[:, :, inner],
        level[:, :, inner],
        Region(cutoff, typical, limit),
    )
