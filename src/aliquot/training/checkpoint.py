"""Checkpoints: safetensors and JSON, written whole or not at all, resumed exactly."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from aliquot.errors import ConfigError, ModelError


def save(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write ``checkpoint.safetensors``; the facts travel in its header, so one rename is atomic."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "checkpoint.safetensors"
    temporary = target.with_suffix(".part")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, temporary, metadata={"facts": json.dumps(facts)})
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The last checkpoint of a run, or None if it has none.

    Raises:
        ModelError: If the file is damaged.
    """
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return None
    try:
        return load_file(path), read_facts(path)
    except Exception as error:
        raise ModelError(f"{path} is damaged ({error}); delete it to start afresh") from error


def read_facts(path: Path) -> dict[str, Any]:
    """The JSON facts in a checkpoint's header."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    facts: dict[str, Any] = json.loads(header["__metadata__"]["facts"])
    return facts


def pack(
    modules: dict[str, nn.Module],
    average: dict[str, Tensor],
    optimizers: dict[str, list[torch.optim.Optimizer]],
) -> dict[str, Tensor]:
    """All tensors of a run under one flat naming.

    ``ema.``, and for each module ``<name>.model.`` and ``<name>.optim.<n>.``, of a second optimizer
    ``<name>.optim1.<n>.``.
    """
    tensors = {f"ema.{name}": value for name, value in average.items()}
    for key, module in modules.items():
        tensors |= {f"{key}.model.{name}": value for name, value in module.state_dict().items()}
        for prefix, optimizer in _prefixed(key, optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"{prefix}{index}.{name}": value for name, value in state.items()}
    return tensors


def unpack(
    tensors: dict[str, Tensor],
    modules: dict[str, nn.Module],
    average: dict[str, Tensor],
    optimizers: dict[str, list[torch.optim.Optimizer]],
) -> None:
    """Put back what :func:`pack` took, in place.

    A module that the checkpoint does not know begins as it is: an adversary may join a run that
    was begun without one.
    """
    for name, value in part(tensors, "ema.").items():
        average[name].copy_(value)  # where it lies: on the GPU, if that is where the run goes on
    for key, module in modules.items():
        if not part(tensors, f"{key}.model."):
            continue
        module.load_state_dict(part(tensors, f"{key}.model."))
        for prefix, optimizer in _prefixed(key, optimizers):
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in part(tensors, prefix).items():
                index, field = name.split(".", 1)
                states.setdefault(int(index), {})[field] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": states, "param_groups": groups})


def refuse_another(folder: Path, stored: dict[str, Any], settings: object) -> None:
    """Refuse to go on with a run whose weights or optimizers are not those of the settings.

    Args:
        folder: Of the run.
        stored: The settings that its checkpoint was made with.
        settings: Those to go on with.

    Raises:
        ConfigError: If they do not fit.
    """
    mine = as_facts(settings)
    section = mine["method"].replace("-", "_")
    for key in ("method", section if section in mine else "model"):
        if stored.get(key, mine[key]) != mine[key]:
            raise ConfigError(
                f"{folder} holds a run of another model; choose another --out or delete it"
            )
    rivals = [run["discriminators"] for run in (stored, mine) if run["adversary"]["weight"]]
    if rivals[1:] and rivals[0] != rivals[1]:
        raise ConfigError(
            f"{folder} holds a run with other discriminators; choose another --out, "
            "or set them as they were"
        )
    chosen = mine["optim"]["matrices"]
    if stored["optim"].get("matrices", "adamw") != chosen:
        raise ConfigError(
            f"{folder} holds a run without optim.matrices={chosen}; "
            "choose another --out, or set it as it was"
        )


def save_weights(run: Path, target: Path) -> None:
    """Write a run's averaged weights by their names, for :func:`begin_with`.

    Args:
        run: Run folder, or a folder of it such as ``best``, or the checkpoint in it.
        target: The ``.safetensors`` file to write.

    Raises:
        ModelError: If the run has no checkpoint.
    """
    folder = run.parent if run.is_file() else run
    found = read(folder)
    if found is None:
        raise ModelError(f"{folder} has no checkpoint.safetensors; give a run folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".part")
    save_file(part(found[0], "ema."), temporary)
    temporary.replace(target)


def begin_with(path: Path, model: nn.Module, average: dict[str, Tensor]) -> None:
    """Give a network, and the average of its weights, those of a file.

    Args:
        path: What ``aliquot export --weights`` wrote, or a run folder.
        model: The network.
        average: Of its weights, by name.

    Raises:
        ModelError: If there is no such file, or it is another network's.
    """
    try:
        if path.is_dir():
            tensors = part(load_file(path / "checkpoint.safetensors"), "ema.")
        else:
            tensors = load_file(path)
        model.load_state_dict(tensors)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read run.weights={path}: {error}") from error
    except RuntimeError as error:
        raise ModelError(
            f"run.weights={path} holds the weights of another network; "
            "set [model] as it was, or leave run.weights out"
        ) from error
    for name, value in model.state_dict().items():
        average[name].copy_(value)


def _prefixed(
    key: str, optimizers: dict[str, list[torch.optim.Optimizer]]
) -> list[tuple[str, torch.optim.Optimizer]]:
    return [(f"{key}.optim{place or ''}.", one) for place, one in enumerate(optimizers[key])]


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def as_facts(settings: object) -> dict[str, Any]:
    """A settings dataclass as plain JSON data."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))  # type: ignore[call-overload,no-any-return]
