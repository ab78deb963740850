"""One training step: waveforms in, loss terms out."""

import torch
from torch import Tensor

from aliquot.models.spectral import Spectral
from aliquot.training.losses import Region, SpectralLoss


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
