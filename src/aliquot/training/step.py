"""One training step: examples in, loss terms out."""

import torch
from torch import Tensor
from torch.nn import functional as fn

from aliquot.audio import Waveform
from aliquot.dsp.stereo import from_mid_side
from aliquot.dsp.stft import istft
from aliquot.models.config import SpectralConfig
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
    _, original, cutoff, typical, limit, _ = batch
    stride = loss.weights.frame_stride
    estimate, level = restored(model, batch, random, stride)
    region = Region(cutoff, typical, limit, model.output_centres(cutoff))
    return loss(estimate, inner_spectra(model, original, stride), level, region)


def restored(
    model: Spectral, batch: list[Tensor], random: SharedNoise, stride: int
) -> tuple[Tensor, Tensor]:
    """What a listener would get, as a spectrum, and the levels; each ``stride``-th inner frame."""
    degraded, cutoff, long_term = batch[0], batch[2], batch[5]
    config = model.config
    given = spectra(degraded, config.window, config.hop)
    kept = given[:, :, :, config.context : -config.context : stride]
    scale = (0.375 * config.window / 2) ** 0.5
    noise = scale * random.normal(kept.shape)
    first = torch.zeros_like(cutoff)
    high, level = model.restore(given, cutoff, long_term, noise, first, stride)
    return kept + high, level


def inner_spectra(model: Spectral, waves: Tensor, stride: int) -> Tensor:
    """The spectrum of waves at the frames that :func:`restored` gives."""
    config = model.config
    edge = config.context * config.hop
    return spectra(waves[:, :, edge:-edge], config.window, stride * config.hop)


def treble_of(spectrum: Tensor, config: SpectralConfig, region: Region) -> Tensor:
    """The waves of what lies between cut-off and typical bandwidth: all that is true and made.

    Args:
        spectrum: ``(batch, 2, 2, frames, bins)`` of neighbouring frames.
        config: Of the network.
        region: Cut-offs and limits.

    Returns:
        ``(batch, 2, (frames - 3) * hop)``: samples that four frames cover.
    """
    bins, window, hop = config.bins, config.window, config.hop
    index = torch.arange(bins, device=spectrum.device)
    inside = (index >= region.cutoff[:, None]) & (index < region.typical[:, None])
    planes = (spectrum * inside[:, None, None, None]).permute(0, 1, 3, 4, 2).contiguous()
    batch, channels, frames = planes.shape[:3]
    pieces = torch.fft.irfft(torch.view_as_complex(planes), n=window)
    pieces = pieces * torch.hann_window(window, device=planes.device) / 1.5
    rows = pieces.reshape(batch * channels, frames, window).transpose(1, 2)
    length = window + (frames - 1) * hop
    waves = fn.fold(rows, (1, length), (1, window), stride=(1, hop))
    return waves.reshape(batch, channels, length)[:, :, window - hop : length - window + hop]


def treble_step(
    model: Spectral, loss: SpectralLoss, batch: list[Tensor], random: SharedNoise, heard: int
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """As :func:`spectral_step`, and the treble of originals and restored for an adversary.

    Critics need neighbouring frames, and judging them is most of a step's work: they hear the
    middle of an example. The other terms are taken from all of it, every few frames.

    Args:
        model: The network.
        loss: The weighted distances.
        batch: Fields of :class:`aliquot.training.data.Example`, stacked.
        random: Source of the noise.
        heard: Frames in the middle that the adversary hears.

    Returns:
        The terms, and two ``(batch, 2, samples)``; both in units of the original's rms, so that
        quiet treble is judged as loud treble is.
    """
    terms = spectral_step(model, loss, batch, random)
    config = model.config
    middle = [middle_of(batch[0], config, heard), middle_of(batch[1], config, heard), *batch[2:]]
    estimate, _ = restored(model, middle, random, 1)
    wanted = inner_spectra(model, middle[1], 1)
    _, _, cutoff, typical, limit, _ = batch
    region = Region(cutoff, typical, limit, model.output_centres(cutoff))
    true, false = (treble_of(rows, config, region) for rows in (wanted, estimate))
    size = true.square().mean(dim=(1, 2), keepdim=True).sqrt() + LEAST_TREBLE
    return terms, true / size, false / size


def middle_of(waves: Tensor, config: SpectralConfig, frames: int) -> Tensor:
    """The middle of waves ``(batch, 2, samples)``, of which ``frames`` can be restored at most."""
    length = (2 * config.context + frames - 1) * config.hop + config.window
    start = max(0, waves.shape[2] - length) // (2 * config.hop) * config.hop
    return waves[:, :, start : start + length]


LEAST_TREBLE = 1e-5
"""An rms of treble that is nothing: -100 dB of full scale."""


@torch.no_grad()
def spectral_preview(model: Spectral, batch: list[Tensor]) -> tuple[Waveform, Waveform, Waveform]:
    """Original, degraded and restored of a batch's first example, left and right."""
    degraded, original, cutoff, _, _, long_term = (field[:1] for field in batch)
    config = model.config
    whole = spectra(degraded, config.window, config.hop)
    inner = slice(config.context, -config.context)
    given = whole[:, :, :, inner]
    scale = (0.375 * config.window / 2) ** 0.5
    noise = scale * SharedNoise(0, given.device).normal(given.shape)
    high, _ = model.restore(whole, cutoff, long_term, noise, torch.zeros_like(cutoff))
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
    log_bands, log_given, response, floor, cutoff, typical, limit, long_term = batch
    original = 10**log_bands
    given = 10**log_given * response[:, None, None] + floor[:, None, None, None]
    given = given + given @ model.leakage
    anchor, level, *_ = model.predict(given, cutoff, long_term + long_term @ model.leakage)
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
