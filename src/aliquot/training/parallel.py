"""Several processes, on one machine or more, training one model as `torchrun` starts them.

Every process takes its share of each batch, and gradients are averaged over all: the result is
that of one process with the whole batch, up to rounding, for networks without batch norm.
"""

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn

from aliquot.errors import ConfigError


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


def in_short(message: str) -> str:
    r"""What an error says, without the traceback that a process of the loader puts around it.

    >>> in_short("Caught InputError in worker\nTraceback\naliquot.errors.InputError: a: bad")
    'a: bad'
    """
    last = message.strip().splitlines()[-1]
    return last.partition("Error: ")[2] if "Traceback" in message else message


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run.

    Attributes:
        rank: Number of this one.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def average_gradients(self, module: nn.Module) -> None:
        """Replace every gradient by its mean over all processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            size = gradient.numel()
            gradient.copy_(flat[start : start + size].view_as(gradient))
            start += size

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean of tensors over all processes; no gradient passes through it.

        What is not additive over examples, the exponential of a mean or a ratio of means, takes
        its means by this, or a batch in two parts would have another loss than in one.
        """
        values = values.detach().clone()
        if self.size > 1:
            distributed.all_reduce(values)
            values /= self.size
        return values

    def average_terms(self, terms: dict[str, float]) -> dict[str, float]:
        """Mean of every loss term over all processes."""
        if self.size == 1:
            return terms
        values = torch.tensor(list(terms.values()), dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            values = values.cuda()
        distributed.all_reduce(values)
        return dict(zip(terms, (values / self.size).tolist(), strict=True))

    def agreed(self, flag: bool) -> bool:
        """Whether the flag is set in the leading process; all processes get the same answer."""
        if self.size == 1:
            return flag
        value = torch.tensor([float(flag)])
        if distributed.get_backend() == "nccl":
            value = value.cuda()
        distributed.broadcast(value, 0)
        return bool(value.item())

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.size > 1:
            distributed.barrier()

    def leave(self) -> None:
        """Part from the others, when all have come here.

        A process that ends while the threads of its group still run may abort on its way out.
        """
        self.wait()
        if self.size > 1:
            distributed.destroy_process_group()


class SharedNoise:
    """Normal noise for the examples of a batch: the same ones however many processes share it."""

    def __init__(self, seed: int, device: torch.device, group: Group | None = None) -> None:
        self.group = group or Group()
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def normal(self, shape: torch.Size) -> torch.Tensor:
        """This process's share, ``shape``, of the noise for the whole batch."""
        rank, size = self.group.rank, self.group.size
        whole = (shape[0] * size, *shape[1:])
        return torch.randn(whole, generator=self.generator, device=self.device)[rank::size]


def join() -> Group:
    """Join the processes that ``torchrun`` started; a group of one without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Group()
    if not distributed.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Group(distributed.get_rank(), size)
