"""What differs between methods of training: networks, examples, and what is minimised."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from aliquot.audio import Waveform
from aliquot.errors import ConfigError
from aliquot.models.discriminators import Discriminators, Judgement
from aliquot.models.spectral import Spectral
from aliquot.training.adversary import ADVERSARIAL_LOSSES, feature_matching
from aliquot.training.bands import BandExamples
from aliquot.training.data import Examples
from aliquot.training.losses import LevelLoss, SpectralLoss
from aliquot.training.parallel import SharedNoise
from aliquot.training.settings import Settings
from aliquot.training.stages import Stage, level_stages
from aliquot.training.step import level_step, spectral_preview, spectral_step, treble_step

Terms = dict[str, Tensor]
NETWORK, ADVERSARY = "network", "adversary"
"""Names of what can be trained: every method has the first."""


class Preview(NamedTuple):
    """An example to look at and listen to; all ``(channels, samples)``."""

    original: Waveform
    degraded: Waveform
    restored: Waveform
    sample_rate: int


class Method(ABC):
    """One way to train a network.

    Attributes:
        settings: Of the run.
        modules: What is trained: ``network``, which is validated and released, and perhaps an
            ``adversary``.
        stages: Parts of the run, in order.
    """

    def __init__(self, settings: Settings, network: nn.Module) -> None:
        """Put a network and, if the settings give one weight, an adversary side by side.

        Raises:
            ConfigError: If there is no such kind of adversary.
        """
        self.settings = settings
        self.modules: dict[str, nn.Module] = {NETWORK: network}
        if settings.adversary.weight:
            self.modules[ADVERSARY] = Discriminators(settings.discriminators)
            if settings.adversary.kind not in ADVERSARIAL_LOSSES:
                known = ", ".join(ADVERSARIAL_LOSSES)
                raise ConfigError(
                    f"adversary.kind must be one of {known}, got {settings.adversary.kind!r}"
                )
        self.stages = self.plan()

    def contested(self, stage: Stage, step: int) -> bool:
        """Whether the adversary has a say by then."""
        return ADVERSARY in self.modules and step - stage.first >= self.settings.adversary.warmup

    def contest(
        self, terms: Terms, true: Tensor, false: Tensor, random: SharedNoise
    ) -> Generator[tuple[str, Terms], None, None]:
        """Rounds of both: the adversary first, then the network with its verdict.

        Args:
            terms: Of the network without an adversary; its verdict joins ``total``.
            true: Of originals, ``(batch, channels, samples)``.
            false: Of restored.
            random: Knows the processes that share the batch.
        """
        adversary, settings = self.modules[ADVERSARY], self.settings.adversary
        loss = ADVERSARIAL_LOSSES[settings.kind]
        verdict = self.judgement(false.detach())
        yield ADVERSARY, {"total": loss.discriminator(self.judgement(true), verdict)}
        with torch.no_grad():
            reference = self.judgement(true)
        adversary.requires_grad_(False)  # its weights' gradients would be a third of the work
        verdict = self.judgement(false)
        adversary.requires_grad_(True)
        terms["adversarial"] = loss.generator(verdict)
        terms["features"] = feature_matching(reference, verdict, random.group)
        terms["total"] = terms["total"] + settings.weight * (
            terms["adversarial"] + settings.features * terms["features"]
        )
        yield NETWORK, terms

    def autocast(self, device: torch.device) -> torch.autocast:
        """Where networks compute in bfloat16, if they do."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.mixed(device))

    def judgement(self, waves: Tensor) -> Judgement:
        """What the adversary makes of waves."""
        with self.autocast(waves.device):
            found: Judgement = self.modules[ADVERSARY](waves)
        return Judgement(
            [scores.float() for scores in found.scores],
            [[layer.float() for layer in layers] for layers in found.features],
        )

    def mixed(self, device: torch.device) -> bool:
        """Whether networks compute in bfloat16 there: mixed precision."""
        chosen = self.settings.run.precision
        return chosen == "bfloat16" or (chosen == "auto" and device.type == "cuda")

    def plan(self) -> list[Stage]:
        """The stages of a run."""
        return [Stage("waves", 0, self.settings.optim)]

    @abstractmethod
    def examples(self, stage: Stage, *, held_out: bool) -> Any:
        """The examples of a stage, a data set whose ``prepare()`` fills caches, yielding names."""

    @abstractmethod
    def rounds(
        self, stage: Stage, step: int, batch: list[Tensor], random: SharedNoise
    ) -> Iterator[tuple[str, Terms]]:
        """Yield, in turn, what is to be trained and its loss terms; ``total`` is differentiated.

        The caller updates the named module before it asks for the next.
        """

    @abstractmethod
    def judged(
        self, network: nn.Module, stage: Stage, batch: list[Tensor], random: SharedNoise
    ) -> Terms:
        """Loss terms of a network on held-out examples; lower ``total`` is better."""

    @abstractmethod
    def preview(self, network: nn.Module, stage: Stage, batch: list[Tensor]) -> Preview | None:
        """Restore the first of a batch of held-out examples."""


class SpectralMethod(Method):
    """The default model: levels from band powers, then everything from waveforms."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Spectral(settings.model))
        self.check_heard()
        self.losses: dict[torch.device, tuple[LevelLoss, SpectralLoss]] = {}

    def plan(self) -> list[Stage]:
        """As :class:`Method`."""
        return level_stages(self.settings)

    def check_heard(self) -> None:
        """Raise :class:`ConfigError` if what an adversary hears is shorter than its windows."""
        views, hop = self.settings.discriminators, self.settings.model.hop
        # `treble_of` gives the samples that four frames cover: three hops fewer than there are.
        least = 3 + -(-max(*views.windows, *views.pairs, hop) // hop)
        if ADVERSARY in self.modules and self.settings.adversary.frames < least:
            raise ConfigError(
                f"adversary.frames must be at least {least} for windows of {(least - 3) * hop} "
                f"samples, got {self.settings.adversary.frames}"
            )

    def examples(self, stage: Stage, *, held_out: bool) -> BandExamples | Examples:
        """As :class:`Method`."""
        s = self.settings
        if stage.name == "levels":
            return BandExamples(s.data, s.levels, s.degrade, s.model, s.run.seed, held_out=held_out)
        return Examples(s.data, s.degrade, s.model, s.run.seed, held_out=held_out)

    def rounds(
        self, stage: Stage, step: int, batch: list[Tensor], random: SharedNoise
    ) -> Iterator[tuple[str, Terms]]:
        """As :class:`Method`; the adversary hears the treble of both channels, nothing else."""
        network = self.modules[NETWORK]
        if stage.name == "levels" or not self.contested(stage, step):
            yield NETWORK, self.judged(network, stage, batch, random)
            return
        assert isinstance(network, Spectral)  # noqa: S101 - for the type checker
        network.mixed = self.mixed(batch[0].device)
        _, waves = self.losses_on(network, batch[0].device)
        heard = self.settings.adversary.frames
        terms, true, false = treble_step(network, waves, batch, random, heard)
        yield from self.contest(terms, true, false, random)

    def judged(
        self, network: nn.Module, stage: Stage, batch: list[Tensor], random: SharedNoise
    ) -> Terms:
        """As :class:`Method`."""
        assert isinstance(network, Spectral)  # noqa: S101 - for the type checker
        device = batch[0].device
        levels, waves = self.losses_on(network, device)
        network.mixed = self.mixed(device)
        if stage.name == "levels":
            return level_step(network, levels, batch)
        return spectral_step(network, waves, batch, random)

    def losses_on(self, network: Spectral, device: torch.device) -> tuple[LevelLoss, SpectralLoss]:
        """The losses of both stages, made once for each device."""
        if device not in self.losses:
            settings = self.settings
            self.losses[device] = (
                LevelLoss(settings.loss, network),
                SpectralLoss(settings.loss, settings.model, device),
            )
        return self.losses[device]

    def preview(self, network: nn.Module, stage: Stage, batch: list[Tensor]) -> Preview | None:
        """As :class:`Method`; band powers cannot be listened to."""
        if stage.name == "levels":
            return None
        assert isinstance(network, Spectral)  # noqa: S101 - for the type checker
        return Preview(*spectral_preview(network, batch), sample_rate=44_100)
