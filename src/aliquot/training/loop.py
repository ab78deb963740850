"""The one training loop: resumable, checkpointed, logged as JSON lines, in one process or many."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from aliquot.errors import AliquotError, ConfigError
from aliquot.memory import keep_freed_memory
from aliquot.training import checkpoint
from aliquot.training.board import Board
from aliquot.training.methods import NETWORK, Method
from aliquot.training.optimizers import optimizers_of
from aliquot.training.parallel import Group, SharedNoise, in_short, pick_device
from aliquot.training.pieces import read_manifest
from aliquot.training.previews import show
from aliquot.training.registry import method_of
from aliquot.training.settings import Settings
from aliquot.training.stages import Stage, learning_rate

Report = Callable[[dict[str, float]], None]
Heard = Callable[[str], None]


class Trainer:
    """A run in a folder: ``checkpoint.safetensors``, ``log.jsonl``, ``best/``, ``previews/``.

    And ``tensorboard/``, if that is installed.
    """

    def __init__(self, settings: Settings, folder: Path, group: Group | None = None) -> None:
        """Start a run or take it up where its folder's last checkpoint left it.

        Args:
            settings: Everything it depends on.
            folder: Where it lives.
            group: The processes it is shared by; see :mod:`aliquot.training.parallel`.

        Raises:
            ConfigError: If the settings cannot be used, or the folder holds another run.
            ModelError: If the weights to begin with are missing, or another network's.
        """
        self.settings, self.folder = settings, folder
        self.group = group or Group()
        self.device = pick_device(settings.run.device)
        for held_out in (False, True):
            read_manifest(settings.data, held_out=held_out)  # complain before anything is made
        torch.manual_seed(settings.run.seed)
        self.method: Method = method_of(settings)
        self.stages = self.method.stages
        self.modules = {name: m.to(self.device) for name, m in self.method.modules.items()}
        self.optimizers = {
            name: optimizers_of(module, settings.optim) for name, module in self.modules.items()
        }
        self.average = {
            name: value.detach().clone() for name, value in self.model.state_dict().items()
        }
        self.step, self.best, self.seconds, self.cpu_seconds = 0, float("inf"), 0.0, 0.0
        self.resume()
        self.board = Board(folder / "tensorboard", self.step)

    @property
    def model(self) -> nn.Module:
        """The network that is validated and released."""
        return self.modules[NETWORK]

    def resume(self) -> None:
        """Take up the folder's last checkpoint; if there is none, the weights to begin with."""
        found = checkpoint.read(self.folder)
        if found is None:
            if self.settings.run.weights:
                path = Path(self.settings.run.weights)
                checkpoint.begin_with(path, self.model, self.average)
            return
        tensors, facts = found
        checkpoint.refuse_another(self.folder, facts["settings"], self.settings)
        checkpoint.unpack(tensors, self.modules, self.average, self.optimizers)
        self.step, self.best, self.seconds = facts["step"], facts["best"], facts["seconds"]
        self.cpu_seconds = facts.get("cpu_seconds", 0.0)  # not in checkpoints of 0.1

    def save(self) -> None:
        """Write a checkpoint."""
        if self.group.leads:
            facts = {
                "settings": checkpoint.as_facts(self.settings),
                "step": self.step,
                "best": self.best,
                "seconds": self.seconds,
                "cpu_seconds": self.cpu_seconds,
            }
            tensors = checkpoint.pack(self.modules, self.average, self.optimizers)
            checkpoint.save(self.folder, tensors, facts)
        self.group.wait()

    @property
    def steps(self) -> int:
        """Length of the run."""
        return self.stages[-1].end

    def stage_at(self, step: int) -> Stage:
        """The stage to which a step belongs."""
        return next((stage for stage in self.stages if step < stage.end), self.stages[-1])

    def batches(self) -> Iterator[list[Tensor]]:
        """Batches from the current step on; batch ``n`` is the same however often one resumes.

        Of several processes each gets its share, examples ``rank``, ``rank + size``, ...

        Raises:
            ConfigError: If a batch cannot be shared out evenly.
        """
        rank, ranks = self.group.rank, self.group.size
        workers = self.settings.run.workers
        for stage in self.stages:
            size, done = stage.optim.batch, max(0, self.step - stage.first)
            if size % ranks:
                raise ConfigError(f"a batch of {size} cannot be shared by {ranks} processes")
            if done < stage.optim.steps:
                loader = DataLoader(
                    Subset[Any](
                        self.method.examples(stage, held_out=False),
                        range(done * size + rank, stage.optim.steps * size, ranks),
                    ),
                    batch_size=size // ranks,
                    num_workers=workers,
                    prefetch_factor=3 if workers else None,
                )
                try:
                    for batch in loader:
                        yield [field.to(self.device) for field in batch]
                except AliquotError as error:
                    raise type(error)(in_short(str(error))) from error

    def prepare(self, heard: Heard | None = None) -> None:
        """Fill the caches of all stages; one process does it, the others wait.

        Args:
            heard: Called with the name of each recording that is ready.
        """
        if self.group.leads:
            for stage in self.stages:
                for held_out in (False, True):
                    for name in self.method.examples(stage, held_out=held_out).prepare():
                        if heard:
                            heard(name)
        self.group.wait()

    def train(
        self, report: Report, max_seconds: float = float("inf"), heard: Heard | None = None
    ) -> None:
        """Run to the last step, or as long as allowed; ends with a checkpoint.

        Args:
            report: Called with the mean terms every ten steps and after validations.
            max_seconds: Wall-clock limit of this call, the filling of caches included.
            heard: See :meth:`prepare`.
        """
        limit = time.monotonic() + max_seconds
        run = self.settings.run
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(run.threads)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.prepare(heard)
        begun, used = time.monotonic(), time.process_time()
        sums, count = dict[str, float](), 0
        before, used_before = self.seconds, self.cpu_seconds
        for batch in self.batches():
            terms = self.update(batch)
            self.seconds = before + time.monotonic() - begun
            self.cpu_seconds = used_before + time.process_time() - used
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if self.step % 10 == 0:
                means = {name: value / count for name, value in sums.items()}
                means = self.group.average_terms(means)
                self.log(report, {"step": self.step, "seconds": self.seconds, **means})
                sums, count = {}, 0
            last = self.step in [stage.end for stage in self.stages]
            over = self.group.agreed(time.monotonic() > limit)
            if last or self.step % run.validate_every == 0:
                self.validate(report)
            if last or over or self.step % run.checkpoint_every == 0:
                self.save()
            if over:
                break
        self.board.close()

    def update(self, batch: list[Tensor]) -> dict[str, float]:
        """One step of all optimizers; returns the loss terms."""
        stage = self.stage_at(self.step)
        seed = self.settings.run.seed * 1_000_003 + self.step
        # Dropout in a resumed run must draw what it would have drawn.
        torch.manual_seed(seed + 500_009 * self.group.rank)
        random = SharedNoise(seed, self.device, self.group)
        found: dict[str, float] = {}
        for module in self.modules.values():
            module.train()
        for name, terms in self.method.rounds(stage, self.step, batch, random):
            self.optimize(name, terms["total"], learning_rate(stage.optim, self.step - stage.first))
            prefix = "" if name == NETWORK else f"{name}_"
            found |= {prefix + key: float(value.detach()) for key, value in terms.items()}
        self.step += 1
        decay = min(stage.optim.ema, (1 + self.step) / (10 + self.step))
        for key, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)
        return found

    def optimize(self, name: str, total: Tensor, rate: float) -> None:
        """Move one module against the gradient of its loss."""
        module, optimizers = self.modules[name], self.optimizers[name]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * (1.0 if name == NETWORK else self.settings.adversary.rate)
        module.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.group.average_gradients(module)
        norm = nn.utils.clip_grad_norm_(module.parameters(), self.settings.optim.clip)
        if torch.isfinite(norm):
            for optimizer in optimizers:
                optimizer.step()

    @torch.no_grad()
    def validate(self, report: Report) -> None:
        """Mean terms of the averaged weights over fixed held-out examples; keeps the best.

        At the end of a stage the next one's begin: their terms are others, so "best" starts anew.
        """
        stage = self.stage_at(max(0, self.step - 1))
        if self.group.leads:
            network = copy.deepcopy(self.model).eval()
            network.load_state_dict(self.average)
            means = self.judge(network, stage)
            self.log(report, {"step": self.step, "seconds": self.seconds, **means})
            if means["valid_total"] < self.best:
                self.best = means["valid_total"]
                facts = {
                    "settings": checkpoint.as_facts(self.settings),
                    "step": self.step,
                    "valid": means,
                    "seconds": self.seconds,
                }
                tensors = {f"ema.{name}": value for name, value in self.average.items()}
                checkpoint.save(self.folder / "best", tensors, facts)
        if self.step == stage.end:
            self.best = float("inf")

    def judge(self, network: nn.Module, stage: Stage) -> dict[str, float]:
        """Mean terms of a network, and previews of the first examples if they are asked for."""
        run = self.settings.run
        examples = self.method.examples(stage, held_out=True)
        fixed = Subset[Any](examples, range(run.validation_examples))
        sums, count = dict[str, float](), 0
        for index, batch in enumerate(DataLoader(fixed, batch_size=stage.optim.batch)):
            random = SharedNoise(index, self.device)
            placed = [field.to(self.device) for field in batch]
            for name, value in self.method.judged(network, stage, placed, random).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            count += 1
            if index < run.previews:
                preview = self.method.preview(network, stage, placed)
                if preview is not None:
                    show(preview, self.folder / "previews", f"step-{self.step:06d}-{index}")
        return {f"valid_{name}": value / count for name, value in sums.items()}

    def log(self, report: Report, row: dict[str, float]) -> None:
        """Append a line to the log and pass it on."""
        if not self.group.leads:
            return
        rounded = {name: round(value, 5) for name, value in row.items()}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")
        self.board.add(rounded)
        report(rounded)
