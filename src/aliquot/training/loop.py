"""The one training loop: resumable, checkpointed, logged as JSON lines.

A run has two stages: levels are learned from band powers, then everything from waveforms.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from aliquot.config import build
from aliquot.errors import ConfigError
from aliquot.models.spectral import Spectral, SpectralConfig
from aliquot.training import checkpoint
from aliquot.training.bands import BandExamples
from aliquot.training.data import Examples, read_manifest
from aliquot.training.losses import LevelLoss, SpectralLoss
from aliquot.training.settings import OptimSettings, Settings
from aliquot.training.step import level_step, spectral_step

Report = Callable[[dict[str, float]], None]


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


def stages_of(settings: Settings) -> list[Stage]:
    """The stages of a run, in order."""
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


def pick_device(name: str) -> torch.device:
    """The device asked for.

    Raises:
        ConfigError: If a GPU is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("run.device is 'cuda' but no GPU is usable here; set run.device=cpu")
    if name not in ("cpu", "cuda"):
        raise ConfigError(f"run.device must be auto, cpu or cuda, got {name!r}")
    return torch.device(name)


class Trainer:
    """A run in a folder: ``checkpoint.safetensors``, ``log.jsonl``, ``settings.json``."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.device = pick_device(settings.run.device)
        for held_out in (False, True):
            read_manifest(settings.data, held_out=held_out)  # complain before anything is made
        torch.manual_seed(settings.run.seed)
        self.model = Spectral(settings.model).to(self.device)
        self.loss = SpectralLoss(settings.loss, settings.model, self.device)
        self.level_loss = LevelLoss(settings.loss, self.model)
        self.stages = stages_of(settings)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=settings.optim.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=settings.optim.weight_decay,
        )
        self.average = {
            name: value.detach().clone() for name, value in self.model.state_dict().items()
        }
        self.step, self.best, self.seconds = 0, float("inf"), 0.0
        self.resume()

    def resume(self) -> None:
        """Take up the folder's last checkpoint, if there is one."""
        found = checkpoint.read(self.folder)
        if found is None:
            return
        tensors, facts = found
        if build(SpectralConfig, facts["settings"]["model"]) != self.settings.model:
            raise ConfigError(
                f"{self.folder} holds a run of another model; choose another --out or delete it"
            )
        checkpoint.unpack(tensors, self.model, self.average, self.optimizer)
        self.step, self.best, self.seconds = facts["step"], facts["best"], facts["seconds"]

    def save(self) -> None:
        """Write a checkpoint."""
        facts = {
            "settings": checkpoint.as_facts(self.settings),
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
        }
        tensors = checkpoint.pack(self.model, self.average, self.optimizer)
        checkpoint.save(self.folder, tensors, facts)

    @property
    def steps(self) -> int:
        """Length of the run."""
        return sum(stage.optim.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """The stage to which a step belongs."""
        return [stage for stage in self.stages if stage.first <= step or not stage.first][-1]

    def batches(self) -> Iterator[list[Tensor]]:
        """Batches from the current step on; batch ``n`` is the same however often one resumes."""
        for stage in self.stages:
            size, done = stage.optim.batch, max(0, self.step - stage.first)
            if done < stage.optim.steps:
                chosen = range(done * size, stage.optim.steps * size)
                workers = self.settings.run.workers
                loader = DataLoader(
                    Subset[Any](self.examples(stage, held_out=False), chosen),
                    batch_size=size,
                    num_workers=workers,
                    prefetch_factor=3 if workers else None,
                )
                for batch in loader:
                    yield [field.to(self.device) for field in batch]

    def examples(self, stage: Stage, *, held_out: bool) -> BandExamples | Examples:
        """The examples of a stage."""
        s = self.settings
        if stage.name == "levels":
            return BandExamples(s.data, s.levels, s.degrade, s.model, s.run.seed, held_out=held_out)
        return Examples(s.data, s.degrade, s.model, s.run.seed, held_out=held_out)

    def terms(
        self, stage: Stage, model: Spectral, batch: list[Tensor], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Loss terms of a batch of a stage."""
        if stage.name == "levels":
            return level_step(model, self.level_loss, batch, half=self.settings.run.half)
        return spectral_step(model, self.loss, batch, generator)

    def train(self, report: Report, max_seconds: float = float("inf")) -> None:
        """Run to the last step, or as long as allowed; ends with a checkpoint.

        Args:
            report: Called with the mean terms every ten steps and after validations.
            max_seconds: Wall-clock limit of this call.
        """
        settings = self.settings
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(settings.run.threads)
        for stage in self.stages:
            for held_out in (False, True):
                self.examples(stage, held_out=held_out).prepare()
        begun, sums, count = time.monotonic(), dict[str, float](), 0
        before = self.seconds
        for batch in self.batches():
            terms = self.update(batch)
            self.seconds = before + time.monotonic() - begun
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if self.step % 10 == 0:
                means = {name: value / count for name, value in sums.items()}
                self.log(report, {"step": self.step, "seconds": self.seconds, **means})
                sums, count = {}, 0
            last = self.step in [stage.first for stage in self.stages] + [self.steps]
            over = time.monotonic() - begun > max_seconds
            if last or self.step % settings.run.validate_every == 0:
                self.validate(report)
            if last or over or self.step % settings.run.checkpoint_every == 0:
                self.save()
            if over:
                break

    def update(self, batch: list[Tensor]) -> dict[str, float]:
        """One optimizer step; returns the loss terms."""
        stage = self.stage_at(self.step)
        optim = stage.optim
        generator = torch.Generator(self.device).manual_seed(
            self.settings.run.seed * 1_000_003 + self.step
        )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(optim, self.step - stage.first)
        self.model.train()
        terms = self.terms(stage, self.model, batch, generator)
        self.optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        decay = min(optim.ema, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)
        return {name: float(value.detach()) for name, value in terms.items()}

    @torch.no_grad()
    def validate(self, report: Report) -> None:
        """Mean terms of the averaged weights over fixed held-out examples; keeps the best.

        At the end of a stage the next one's begin: their terms are others, so "best" starts anew.
        """
        settings = self.settings
        stage = self.stage_at(max(0, self.step - 1))
        model = Spectral(settings.model).to(self.device).eval()
        model.load_state_dict(self.average)
        examples = self.examples(stage, held_out=True)
        fixed = Subset[Any](examples, range(settings.run.validation_examples))
        sums, count = dict[str, float](), 0
        for index, batch in enumerate(DataLoader(fixed, batch_size=stage.optim.batch)):
            generator = torch.Generator(self.device).manual_seed(index)
            placed = [field.to(self.device) for field in batch]
            for name, value in self.terms(stage, model, placed, generator).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            count += 1
        means = {f"valid_{name}": value / count for name, value in sums.items()}
        self.log(report, {"step": self.step, "seconds": self.seconds, **means})
        if means["valid_total"] < self.best:
            self.best = means["valid_total"]
            facts = {
                "settings": checkpoint.as_facts(settings),
                "step": self.step,
                "valid": means,
                "seconds": self.seconds,
            }
            tensors = {f"ema.{name}": value for name, value in self.average.items()}
            checkpoint.save(self.folder / "best", tensors, facts)
        if self.step == stage.first + stage.optim.steps:
            self.best = float("inf")

    def log(self, report: Report, row: dict[str, float]) -> None:
        """Append a line to the log and pass it on."""
        rounded = {name: round(value, 5) for name, value in row.items()}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")
        report(rounded)
