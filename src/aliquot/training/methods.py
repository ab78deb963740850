"""What differs between methods of training: networks, examples, and what is minimised."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from aliquot.audio import Waveform
from aliquot.models.spectral import Spectral
from aliquot.training.bands import BandExamples
from aliquot.training.data import Examples
from aliquot.training.losses import LevelLoss, SpectralLoss
from aliquot.training.parallel import SharedNoise
from aliquot.training.settings import Settings
from aliquot.training.stages import Stage, level_stages
from aliquot.training.step import level_step, spectral_preview, spectral_step

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

    def __init__(self, settings: Settings, modules: dict[str, nn.Module]) -> None:
        self.settings, self.modules = settings, modules
        self.stages = self.plan()

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
        network = Spectral(settings.model)
        super().__init__(settings, {NETWORK: network})
        self.losses: dict[torch.device, tuple[LevelLoss, SpectralLoss]] = {}

    def plan(self) -> list[Stage]:
        """As :class:`Method`."""
        return level_stages(self.settings)

    def examples(self, stage: Stage, *, held_out: bool) -> BandExamples | Examples:
        """As :class:`Method`."""
        s = self.settings
        if stage.name == "levels":
            return BandExamples(s.data, s.levels, s.degrade, s.model, s.run.seed, held_out=held_out)
        return Examples(s.data, s.degrade, s.model, s.run.seed, held_out=held_out)

    def rounds(
        self, stage: Stage, step: int, batch: list[Tensor], random: SharedNoise
    ) -> Iterator[tuple[str, Terms]]:
        """As :class:`Method`."""
        yield NETWORK, self.judged(self.modules[NETWORK], stage, batch, random)

    def judged(
        self, network: nn.Module, stage: Stage, batch: list[Tensor], random: SharedNoise
    ) -> Terms:
        """As :class:`Method`."""
        assert isinstance(network, Spectral)  # noqa: S101 - for the type checker
        device = batch[0].device
        if device not in self.losses:
            settings = self.settings
            self.losses[device] = (
                LevelLoss(settings.loss, network),
                SpectralLoss(settings.loss, settings.model, device),
            )
        levels, waves = self.losses[device]
        network.mixed = self.mixed(device)
        if stage.name == "levels":
            return level_step(network, levels, batch)
        return spectral_step(network, waves, batch, random)

    def preview(self, network: nn.Module, stage: Stage, batch: list[Tensor]) -> Preview | None:
        """As :class:`Method`; band powers cannot be listened to."""
        if stage.name == "levels":
            return None
        assert isinstance(network, Spectral)  # noqa: S101 - for the type checker
        return Preview(*spectral_preview(network, batch), sample_rate=44_100)
