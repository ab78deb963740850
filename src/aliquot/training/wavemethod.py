"""The founding methods: a waveform network, with an adversary or without."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from aliquot.errors import ConfigError
from aliquot.models.audiounet import AudioUNet
from aliquot.models.hetherly import Hetherly
from aliquot.models.musicgan import MusicGan
from aliquot.models.waveform import WaveformModel
from aliquot.training.methods import NETWORK, Method, Preview, Terms
from aliquot.training.parallel import Group, SharedNoise
from aliquot.training.settings import Settings
from aliquot.training.stages import Stage
from aliquot.training.waves import WaveExamples

TINY = 1e-8
FLOOR = 1e-5
"""Errors this far below the signal's power (50 dB) are as good as none."""


def network_of(settings: Settings) -> WaveformModel:
    """The network that the settings describe.

    Raises:
        ConfigError: If the method is none of the founding ones.
    """
    if settings.method == "audiounet":
        return AudioUNet(settings.audiounet)
    if settings.method == "hetherly":
        return Hetherly(settings.hetherly)
    if settings.method == "music-gan":
        return MusicGan(settings.music_gan)
    raise ConfigError(f"{settings.method!r} is no waveform method")


def spectral_errors(
    restored: Tensor, original: Tensor, given: Tensor, limit: Tensor, group: Group | None = None
) -> Terms:
    """Squared error below each example's limit, over that of the spline: the geometric mean.

    By Parseval's theorem on the whole example, so a band that a codec emptied costs nothing. The
    mean is one of logarithms, so that an example counts by its signal-to-noise ratio, however loud
    it is. With the papers' mean squared error over the batch a network learns the few loudest
    trebles and puts its noise on all the others: AudioUNet at x4 then ends 4 dB below its own
    spline; with the root of each example's, as in the authors' code, 2 dB below.

    Args:
        restored: ``(batch, 1, samples)``.
        original: As ``restored``.
        given: The spline through the given samples, as ``restored``.
        limit: ``(batch,)``; share of the band.
        group: The processes that share the batch; the mean is taken over all of it.

    Returns:
        ``error``, which is 1 for the spline, and ``snr_db``.
    """
    waves = torch.cat([restored - original, given - original, original], dim=1)
    power = torch.fft.rfft(waves.float()).abs().square()  # (batch, 3, bins)
    place = torch.linspace(0, 1, power.shape[2], device=power.device)
    sums = (power * (place < limit[:, None])[:, None]).sum(dim=2)
    error, missing, whole = sums.unbind(dim=1)
    snr = 10 * torch.log10((whole + TINY) / (error + TINY))
    floor = FLOOR * whole + TINY
    logs = ((error + floor) / (missing + floor)).log().mean()
    # The gradient of exp(mean over all processes), of which this one has its own share.
    share = 1 + logs - logs.detach()
    return {
        "error": (group or Group()).mean(logs).exp() * share,
        "snr_db": snr.mean().detach(),
    }


class WaveMethod(Method):
    """AudioUNet, Hetherly's network, or the founding paper's GAN."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, network_of(settings))

    def examples(self, stage: Stage, *, held_out: bool) -> WaveExamples:
        """As :class:`Method`."""
        network = self.modules[NETWORK]
        assert isinstance(network, WaveformModel)  # noqa: S101 - for the type checker
        return WaveExamples(self.settings, network.factor, network.multiple, held_out=held_out)

    def rounds(
        self, stage: Stage, step: int, batch: list[Tensor], random: SharedNoise
    ) -> Iterator[tuple[str, Terms]]:
        """As :class:`Method`: the adversary first, then the network."""
        degraded, original, limit = batch
        network = self.modules[NETWORK]
        assert isinstance(network, WaveformModel)  # noqa: S101 - for the type checker
        restored, given = self.restored(network, degraded)
        terms = spectral_errors(restored, original, given, limit, random.group)
        terms["total"] = terms["error"]
        if not self.contested(stage, step):
            yield NETWORK, terms
            return
        # A codec's empty band would give every original away.
        true, false = below(original, limit), below(restored, limit)
        yield from self.contest(terms, true, false, random)

    def restored(self, network: WaveformModel, degraded: Tensor) -> tuple[Tensor, Tensor]:
        """The network's result and the spline it started from."""
        with torch.no_grad():
            given = network.spline(degraded)
        with self.autocast(degraded.device):  # not the spline: it has the sound
            band = network.band(given)
        return given + band.float(), given

    def judged(
        self, network: nn.Module, stage: Stage, batch: list[Tensor], random: SharedNoise
    ) -> Terms:
        """As :class:`Method`: the reconstruction, which all methods share."""
        degraded, original, limit = batch
        assert isinstance(network, WaveformModel)  # noqa: S101 - for the type checker
        restored, given = self.restored(network, degraded)
        terms = spectral_errors(restored, original, given, limit)
        baseline = spectral_errors(given, original, given, limit)
        return {**terms, "spline_snr_db": baseline["snr_db"], "total": terms["error"]}

    def preview(self, network: nn.Module, stage: Stage, batch: list[Tensor]) -> Preview | None:
        """As :class:`Method`."""
        assert isinstance(network, WaveformModel)  # noqa: S101 - for the type checker
        degraded, original, _ = batch
        restored, given = self.restored(network, degraded[:1])
        return Preview(
            original[0].cpu().numpy(),
            given[0].cpu().numpy(),
            restored[0].cpu().numpy(),
            self.settings.wave.sample_rate,
        )


def below(waves: Tensor, limit: Tensor) -> Tensor:
    """Waves ``(batch, 1, samples)`` without what lies above each one's limit."""
    spectrum = torch.fft.rfft(waves)
    place = torch.linspace(0, 1, spectrum.shape[2], device=waves.device)
    result: Tensor = torch.fft.irfft(spectrum * (place < limit[:, None])[:, None], n=waves.shape[2])
    return result
