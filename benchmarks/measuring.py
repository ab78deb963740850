"""What the benchmarks of models share: exporting a run, evaluating, timing."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent


def export(run: Path, model: Path) -> None:
    """Make an ONNX file of a run."""
    command = [sys.executable, "-m", "aliquot", "export", str(run), "-o", str(model)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def evaluated(words: list[str]) -> list[dict[str, Any]]:
    """The rows of `aliquot evaluate`, of all families together; files that fail are left out."""
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "table.json"
        command = [sys.executable, "-m", "aliquot", "evaluate", *words, "--json-out", str(table)]
        done = subprocess.run(command, check=False, cwd=ROOT)
        assert done.returncode in (0, 1), "nothing was measured"
        rows = json.loads(table.read_text(encoding="utf-8"))["rows"]
    return [row for row in rows if row["family"] is None]


def cost(model: str, channels: int, sample_rate: int, seconds: int, *, raw: bool = False) -> float:
    """Seconds per second of audio on one thread, the best of three."""
    from aliquot import api

    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal((channels, seconds * sample_rate)).astype(np.float32)
    laps = []
    for _ in range(3):
        begun = time.perf_counter()
        api.restore(
            samples, sample_rate, cutoff_hz=6_000.0, output_rate=sample_rate,
            model=model, raw=raw, threads=1,
        )  # fmt: skip
        laps.append((time.perf_counter() - begun) / seconds)
    return round(min(laps), 4)
