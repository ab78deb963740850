"""One training step: examples in, loss terms out."""

import torch
from torch import Tensor

from aliquot.audio import Waveform
from aliquot.dsp.stereo import from_mid_side
from aliquot.dsp.stft import istft
from aliquot.models.description import OUTER, inner
from aliquot.models.spectral import Spectral
from aliquot.training.losses import LevelLoss, Region, SpectralLoss
from aliquot.training.parallel import SharedNoise


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
    model: Spectral, loss: SpectralLoss, batch: list[Tensor], random: SharedNoise
) -> dict[str, Tensor]:
    """Loss terms of one batch; ``total`` is to be differentiated.

    Args:
        model: The network.
        loss: The weighted distances.
        batch: Fields of :class:`aliquot.training.data.Example`, stacked.
        random: Source of the noise.
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
    noise = scale * random.normal(shape)
    high, level = model.restore(given, cutoff, noise, stride)
    estimate = given[:, :, :, inner] + high
    region = Region(cutoff, typical, limit, model.output_centres(cutoff))
    return loss(estimate, wanted, level, region)


@torch.no_grad()
def spectral_preview(model: Spectral, batch: list[Tensor]) -> tuple[Waveform, Waveform, Waveform]:
    """Original, degraded and restored of a batch's first example, left and right."""
    degraded, original, cutoff = (field[:1] for field in batch[:3])
    config = model.config
    given = spectra(degraded, config.window, config.hop)
    inner = slice(config.context, -config.context)
    scale = (0.375 * config.window / 2) ** 0.5
    shape = given[:, :, :, inner].shape
    noise = scale * SharedNoise(0, given.device).normal(shape)
    given = given[:, :, :, inner]
    high, _ = model.restore(spectra(degraded, config.window, config.hop), cutoff, noise)
    planes = [given + high, given, spectra(original, config.window, config.hop)[:, :, :, inner]]
    waves = []
    for rows in planes:
        complex_rows = torch.complex(rows[0, :, 0], rows[0, :, 1]).cpu().numpy()
        waves.append(from_mid_side(istft(complex_rows, config.window, config.hop), 2))
    return waves[2], waves[1], waves[0]


def level_step(model: Spectral, loss: LevelLoss, batch: list[Tensor]) -> dict[str, Tensor]:
    """Loss terms of one batch of band powers; ``total`` is to be differentiated.

    Args:
        model: The network.
        loss: The weighted distances.
        batch: Fields of :class:`aliquot.training.bands.BandExample`, stacked.
    """
    log_bands, response, floor, cutoff, typical, limit = batch
    original = 10**log_bands
    given = original * response[:, None, None] + floor[:, None, None, None]
    given = given + given @ model.leakage
    anchor, level, *_ = model.predict(given, cutoff)
    original, given = inner(original), inner(given)
    ramp = model.fade_in(cutoff, model.band_centres).square()[:, None, None]
    at_bands = level @ model.between(cutoff, model.band_centres)[:, None]
    estimate = given + anchor * ramp * 10 ** (2 * at_bands)
    context = model.config.context - OUTER
    judged = slice(context, -context)
    return loss(
        estimate[:, :, judged],
        original[:, :, judged],
        level[:, :, judged],
        Region(cutoff, typical, limit, model.output_centres(cutoff)),
    )
