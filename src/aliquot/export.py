"""A trained network to an ONNX file that says what it is, checked against PyTorch."""

import hashlib
import subprocess
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from aliquot.config import build
from aliquot.engine import FRAME, LONG_TERM, first_made
from aliquot.errors import ConfigError, ModelError
from aliquot.models.config import SpectralConfig
from aliquot.models.spectral import Spectral
from aliquot.models.waveform import WaveformModel
from aliquot.training import checkpoint
from aliquot.training.settings import Settings
from aliquot.training.wavemethod import network_of

TOLERANCE = 1e-4
"""Largest difference between PyTorch and ONNX, relative to the peak of the result."""

OPSET = 17
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
        kind: ``spectral`` or ``waveform``.
    """

    path: Path
    sha256: str
    bytes: int
    difference: float
    kind: str


def load_network(
    path: Path, level_db: float = 0.0
) -> tuple[Spectral | WaveformModel, dict[str, Any]]:
    """A network with the averaged weights of a checkpoint file or run folder, and its facts.

    Args:
        path: ``checkpoint.safetensors`` or its folder.
        level_db: Raises all predicted levels of a spectral model; see :func:`export`.

    Raises:
        ModelError: If there is no checkpoint.
        ConfigError: If levels are to be raised of a model that has none.
    """
    folder = path.parent if path.is_file() else path
    found = checkpoint.read(folder)
    if found is None:
        raise ModelError(f"{folder} has no checkpoint.safetensors; give a run folder")
    tensors, facts = found
    network: Spectral | WaveformModel
    if facts["settings"].get("method", "aliquot") == "aliquot":
        config = build(SpectralConfig, facts["settings"]["model"])
        network = Spectral(replace(config, level_offset=config.level_offset + level_db / 20))
    elif level_db:
        raise ConfigError("a waveform model has no levels to raise; leave --level-db out")
    else:
        network = network_of(waveform_settings(facts))
    network.load_state_dict(checkpoint.part(tensors, "ema."))
    return network.eval(), facts


def waveform_settings(facts: dict[str, Any]) -> Settings:
    """What a waveform network is made of; its training may be told in an older version's keys.

    Raises:
        ConfigError: If the network itself is of another version.
    """
    stored = facts["settings"]
    kept = ("method", "wave", stored["method"].replace("-", "_"))
    return build(Settings, {key: stored[key] for key in kept})


def example_inputs(config: SpectralConfig, frames: int) -> tuple[torch.Tensor, ...]:
    """Random inputs with ``frames`` inner frames."""
    generator = torch.Generator().manual_seed(3)
    outer = frames + 2 * config.context
    spectrum = torch.randn((1, 2, 2, outer, config.bins), generator=generator)
    noise = torch.randn((1, 2, 2, frames, config.bins), generator=generator) * 19.6
    long_term = torch.rand((1, config.bins), generator=generator)
    return spectrum, torch.tensor([300.0]), long_term, noise, torch.tensor([1.0])


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
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".part.onnx")
    parameters = sum(part.numel() for part in network.parameters())
    metadata = {"steps": str(trained["step"]), "parameters": str(parameters)}
    if isinstance(network, Spectral):
        _trace_spectral(network, temporary)
        metadata |= _spectral_facts(network.config) | {"level_db": str(level_db)}
    else:
        _trace_waveform(network, temporary)
        rate = waveform_settings(trained).wave.sample_rate
        metadata |= _waveform_facts(network, rate)
    metadata |= {"method": trained["settings"].get("method", "aliquot"), **facts}
    graph = onnx.load(str(temporary))
    compact(graph.graph)
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
    sha256 = hashlib.sha256(content).hexdigest()
    return Exported(target, sha256, len(content), difference, metadata["kind"])


def compact(graph: onnx.GraphProto) -> None:
    """Keep every large constant once, and as bytes where all its values are whole numbers.

    The exporter writes a table anew wherever it is used. Nothing that is computed changes: a
    runtime turns bytes back into floats when it loads the graph.
    """
    kept: dict[tuple[tuple[int, ...], bytes], str] = {}
    renamed: dict[str, str] = {}
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        values = onnx.numpy_helper.to_array(node.attribute[0].t)
        if values.dtype != np.float32 or values.size < LEAST_TABLE:
            continue
        name = node.output[0]
        same = kept.setdefault((values.shape, values.tobytes()), name)
        place = list(graph.node).index(node)
        graph.node.remove(node)
        if same != name:
            renamed[name] = same
            continue
        small = values.astype(np.int8) if np.abs(values).max() <= 127 else None
        if small is None or np.any(small != values):
            graph.initializer.append(onnx.numpy_helper.from_array(values, name))
            continue
        stored = f"{name}_bytes"
        graph.initializer.append(onnx.numpy_helper.from_array(small, stored))
        cast = onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT)
        graph.node.insert(place, cast)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)


LEAST_TABLE = 4096
"""Values of a constant that is worth it."""


def _trace_spectral(network: Spectral, path: Path) -> None:
    outer, inner = {0: "batch", 3: "frames"}, {0: "batch", 3: "inner", 4: "made"}
    axes = {"spectrum": outer, "noise": inner, "high": inner}
    inputs = ["spectrum", "cutoff_bin", LONG_TERM, "noise", FRAME]
    _trace(network, example_inputs(network.config, 64), path, (inputs, "high", axes))


def _trace(
    network: torch.nn.Module,
    examples: tuple[torch.Tensor, ...],
    path: Path,
    names: tuple[list[str], str, dict[str, dict[int, str]]],
) -> None:
    """Write a graph; ``names`` are its inputs, its output, and the axes that vary."""
    inputs, output, axes = names
    with warnings.catch_warnings():
        # It announces another exporter (whose pooling ran twelve times slower) and what it could
        # not fold; whether the result is right is measured afterwards.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            examples,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=[output],
            dynamic_axes=axes,
        )


def _spectral_facts(config: SpectralConfig) -> dict[str, str]:
    return {
        "kind": "spectral",
        "window": str(config.window),
        "hop": str(config.hop),
        "context_frames": str(config.context),
        "guard_bins": str(config.guard_bins),
        "rates": " ".join(map(str, RATES)),
        "cutoff_range_hz": " ".join(map(str, CUTOFF_RANGE_HZ)),
    }


def _trace_waveform(network: WaveformModel, path: Path) -> None:
    axes = {0: "batch", 1: "channels", 2: "samples"}
    names = ["waveform"], "restored", {"waveform": axes, "restored": axes}
    _trace(network, (example_waves(network, 40),), path, names)


def _waveform_facts(network: WaveformModel, rate: int) -> dict[str, str]:
    nyquist = rate / network.factor / 2
    return {
        "kind": "waveform",
        "factor": str(network.factor),
        "multiple": str(network.multiple),
        "context": str(network.context),
        "rates": str(rate),
        "cutoff_range_hz": f"{0.5 * nyquist} {1.1 * nyquist}",
    }


def example_waves(network: WaveformModel, multiples: int) -> torch.Tensor:
    """Two channels of noise, ``(1, 2, samples)``, of at least so many multiples."""
    least = -(-16 * network.factor // network.multiple)
    size = network.multiple * max(multiples, least)
    return 0.1 * torch.randn((1, 2, size), generator=torch.Generator().manual_seed(3))


def parity(network: Spectral | WaveformModel, path: Path) -> float:
    """Largest difference between a network and its ONNX file, relative to the peak.

    Taken at lengths and cut-offs other than those that the graph was traced with.
    """
    from aliquot.engine import SpectralEnhancer, load_enhancer

    load_enhancer.cache_clear()
    enhancer = load_enhancer(str(path))
    worst = 0.0
    if isinstance(network, WaveformModel):
        for multiples in (24, 57):
            waves = example_waves(network, multiples)
            with torch.no_grad():
                expected = network(waves).numpy()
            found = enhancer.session.run(["restored"], {"waveform": waves.numpy()})[0]
            worst = max(worst, float(np.abs(found - expected).max() / np.abs(expected).max()))
        return worst
    assert isinstance(enhancer, SpectralEnhancer)  # noqa: S101 - for the type checker
    config = network.config
    for frames, share in ((48, 0.127), (100, 0.508), (64, 0.8)):
        cutoff_bin = share * config.bins
        first = first_made(cutoff_bin, config.guard_bins)
        spectrum, _, long_term, noise, frame = example_inputs(config, frames)
        with torch.no_grad():
            given = torch.tensor([cutoff_bin]), long_term, noise, frame
            expected = network(spectrum, *given).numpy()
        expected = expected[..., first:]
        made = noise[..., first:].contiguous().numpy()
        feed = spectrum.numpy(), cutoff_bin, made, int(frame), long_term[0].numpy()
        found = enhancer.run(*feed)
        worst = max(worst, float(np.abs(found - expected).max() / np.abs(expected).max()))
    load_enhancer.cache_clear()
    return worst
