"""The parts of a run, and how fast each learns."""

from dataclasses import dataclass, replace

from aliquot.training.settings import OptimSettings, Settings


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run.

    Attributes:
        name: ``levels`` or ``waves``.
        first: The step at which it begins.
        optim: Its length, batch and learning rate.
    """

    name: str
    first: int
    optim: OptimSettings

    @property
    def end(self) -> int:
        """The first step after it."""
        return self.first + self.optim.steps


def level_stages(settings: Settings) -> list[Stage]:
    """Levels from band powers, if they are asked for, then everything from waveforms."""
    levels = settings.levels
    optim = replace(
        settings.optim,
        steps=levels.steps,
        batch=levels.batch,
        learning_rate=levels.learning_rate,
    )
    stages = [Stage("levels", 0, optim)] if levels.steps else []
    return [*stages, Stage("waves", levels.steps, settings.optim)]


def learning_rate(optim: OptimSettings, step: int) -> float:
    """Warm-up, constant, linear decay to a fiftieth over the last ``decay`` of the steps."""
    rate = optim.learning_rate * min(1.0, (step + 1) / max(1, optim.warmup))
    left = (optim.steps - step) / max(1.0, optim.decay * optim.steps)
    return rate * min(1.0, max(0.02, left))
