"""A trained network to an ONNX file that says what it is, checked against PyTorch."""

import hashlib
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from aliquot.config import build
from aliquot.errors import ModelError
from aliquot.models.spectral import Spectral, SpectralConfig
from aliquot.training import checkpoint

TOLERANCE = 1e-4
"""Largest difference between PyTorch and ONNX, relative to the peak of the result."""

RATES = (44_100, 48_000)
CUTOFF_RANGE_HZ = (2_500.0, 19_000.0)


@dataclass(frozen=True, slots=True)
class Exported:
    """What :func:`export` made.

    Attributes:
        path: The file.
        sha256: Of the file.
        bytes: Of the file.
        difference: Largest difference to PyTorch, relative to the peak.
    """

    path: Path
    sha256: str
    bytes: int
    difference: float


def load_network(path: Path, level_db: float = 0.0) -> tuple[Spectral, dict[str, Any]]:
    """A network with the averaged weights of a checkpoint file or run folder, and its facts.

    Args:
        path: ``checkpoint.safetensors`` or its folder.
        level_db: Raises all predicted levels; see :func:`export`.
    """
    folder = path.parent if path.is_file() else path
    found = checkpoint.read(folder)
    if found is None:
        raise ModelError(f"{folder} has no checkpoint.safetensors; give a run folder")
    tensors, facts = found
    config = build(SpectralConfig, facts["settings"]["model"])
    config = replace(config, level_offset=config.level_offset + level_db / 20)
    network = Spectral(config).eval()
    network.load_state_dict(checkpoint.part(tensors, "ema."))
    return network, facts


def example_inputs(config: SpectralConfig, frames: int) -> tuple[torch.Tensor, ...]:
    """Random inputs with ``frames`` inner frames."""
    generator = torch.Generator().manual_seed(3)
    outer = frames + 2 * config.context
    spectrum = torch.randn((1, 2, 2, outer, config.bins), generator=generator)
    noise = torch.randn((1, 2, 2, frames, config.bins), generator=generator) * 19.6
    return spectrum, torch.tensor([300.0]), noise


def commit_of(folder: Path) -> str:
    """The commit that is checked out in a folder, or ``unknown``."""
    done = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def export(run: Path, target: Path, facts: dict[str, str], level_db: float = 0.0) -> Exported:
    """Write a run's averaged weights as ONNX with metadata.

    Args:
        run: Run folder, or a folder of it such as ``best``.
        target: The ``.onnx`` file to write.
        facts: More metadata: name, licence, card, commit.
        level_db: Raises all predicted levels. Losses on logarithms settle near the median, which
            is below the mean energy; the difference, measured on other music, is put back here.

    Raises:
        ModelError: If the run has no checkpoint, or ONNX and PyTorch differ too much.
    """
    network, trained = load_network(run, level_db)
    config = network.config
    inputs = example_inputs(config, 64)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".part.onnx")
    torch.onnx.export(
        network,
        inputs,
        str(temporary),
        dynamo=False,
        opset_version=17,
        input_names=["spectrum", "cutoff_bin", "noise"],
        output_names=["high"],
        dynamic_axes={
            "spectrum": {0: "batch", 3: "frames"},
            "noise": {0: "batch", 3: "inner"},
            "high": {0: "batch", 3: "inner"},
        },
    )
    graph = onnx.load(str(temporary))
    metadata = {
        "kind": "spectral",
        "window": str(config.window),
        "hop": str(config.hop),
        "context_frames": str(config.context),
        "rates": " ".join(map(str, RATES)),
        "cutoff_range_hz": " ".join(map(str, CUTOFF_RANGE_HZ)),
        "steps": str(trained["step"]),
        "level_db": str(level_db),
        **facts,
    }
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(graph)
    onnx.save(graph, str(temporary))
    difference = parity(network, temporary)
    if difference > TOLERANCE:
        temporary.unlink()
        raise ModelError(f"ONNX differs from PyTorch by {difference:.2e} of the peak; not written")
    temporary.replace(target)
    content = target.read_bytes()
    return Exported(target, hashlib.sha256(content).hexdigest(), len(content), difference)


def parity(network: Spectral, path: Path) -> float:
    """Largest difference between a network and its ONNX file, relative to the peak.

    Taken at a length and a cut-off other than those that the graph was traced with.
    """
    from aliquot.engine import load_enhancer

    enhancer = load_enhancer(str(path))
    worst = 0.0
    for frames, cutoff_bin in ((48, 130.0), (100, 520.5), (64, 820.0)):
        spectrum, _, noise = example_inputs(network.config, frames)
        with torch.no_grad():
            expected = network(spectrum, torch.tensor([cutoff_bin]), noise).numpy()
        found = enhancer.run(spectrum.numpy(), cutoff_bin, noise.numpy())
        worst = max(worst, float(np.abs(found - expected).max() / np.abs(expected).max()))
    load_enhancer.cache_clear()
    return worst
