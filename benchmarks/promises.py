"""Hold the promises against real music, from the command line, and write what was measured.

    python benchmarks/promises.py --music ../shared/music/valid

Every file is degraded (as 32-bit float) and restored by the ``aliquot`` command to float. For each
are measured: the sample count; the difference below the true cut-off less its guard; the energy
added above the true cut-off against the truth's; blocks of 2 s against the whole; the internal grid
moved against not moved; the second run and another number of threads against the first; and jumps
of band energy where windows meet against those between their neighbours.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from aliquot.audio import Waveform
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.bandwidth import estimate_bandwidth
from aliquot.dsp.resample import resample
from aliquot.dsp.splice import guard_hz
from aliquot.dsp.stft import stft
from aliquot.pipeline import Processing, Restorer
from aliquot.tasks import choose_filter, degrade, find_task
from aliquot.testset import faded, find_entries

TASKS = ("cutoff-4000", "cutoff-5500", "cutoff-8000", "cutoff-11000", "x2", "x4", "x6")
SECONDS = 40
"""Of each file, for the comparisons of blocks and grids."""
FADE = 4_410
"""Samples at either end that are faded before a transform of the whole."""
CORE = Processing().core_frames * 512


@dataclass(frozen=True, slots=True)
class Row:
    """What one file in one task showed."""

    file: str
    task: str
    family: str
    true_hz: float
    found_hz: float
    count_exact: bool
    low_dbfs: float
    added_db_of_truth: float
    blocks: float
    grid: float
    same_again: bool
    edge_jump_ratio: float


def power_below_and_above(
    samples: Waveform, rate: int, low_hz: float, high_hz: tuple[float, float]
) -> tuple[float, float]:
    """Mean power (of the loudest channel) below a frequency, and between two.

    The ends are faded: a recording that begins or stops at full level is a step there, whose
    spectrum reaches everywhere (-69 dB of full scale for -139 without).
    """
    size = samples.shape[1]
    spectrum = np.fft.rfft(faded(samples, FADE).astype(np.float64), axis=1)
    power = 2 * np.abs(spectrum) ** 2 / size**2
    freqs = np.arange(power.shape[1]) * rate / size
    inside = (freqs >= high_hz[0]) & (freqs < high_hz[1])
    return float(power[:, freqs < low_hz].sum(1).max()), float(power[:, inside].sum())


def command(source: Path, target: Path, *words: str) -> Waveform:
    """Restore by the command line to float; the samples written."""
    fixed = ("--bits", "32f", "--overwrite", "--quiet", *words)
    line = [sys.executable, "-m", "aliquot", "restore", str(source), "-o", str(target), *fixed]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return soundfile.read(target, dtype="float32", always_2d=True)[0].T


def streamed(samples: Waveform, rate: int, output_rate: int, block: int, grid: int) -> Waveform:
    """Restore an array in blocks on a moved grid, with the cut-off found in it."""
    band = estimate_bandwidth(samples, rate)
    cutoff = None if band.full_band else band.segments
    restorer = Restorer(
        rate,
        samples.shape[0],
        cutoff,
        output_rate=output_rate,
        processing=Processing(grid_frames=grid),
    )
    starts = range(0, samples.shape[1], block)
    parts = [restorer.process(samples[:, at : at + block]) for at in starts]
    return np.concatenate([*parts, restorer.flush()], axis=1)


def edge_jump_ratio(high: Waveform) -> float:
    """Mean step of the added energy across window edges over that between other neighbours."""
    power = (np.abs(stft(high, 1024, 256)) ** 2).reshape(high.shape[0], -1, 513)
    bands = np.add.reduceat(power, np.arange(0, 512, 32), axis=2).sum(axis=0)
    level = 10 * np.log10(bands + 1e-7 * bands.max() + 1e-20)
    steps = np.abs(np.diff(level, axis=0)).mean(axis=1)
    middle = (np.arange(steps.size) * 256 + 512 + 128) % CORE
    near = (middle < 512) | (middle > CORE - 512)
    return float(steps[near].mean() / max(steps[~near].mean(), 1e-9)) if near.any() else 1.0


def measure(path: Path, name: str, task_name: str, upper_hz: float, folder: Path) -> Row:
    """Degrade, restore in every way, compare."""
    task = find_task(task_name)
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    original = resample(np.ascontiguousarray(samples.T), rate, task.output_rate)
    original = original[:, : original.shape[1] // 12 * 12]  # whole at every reduced rate
    spec = choose_filter(task, name)
    degraded = degrade(original, task, spec)
    source, target = folder / "degraded.wav", folder / "restored.wav"
    soundfile.write(source, degraded.T, task.input_rate, subtype="FLOAT")

    restored = command(source, target)
    given = resample(degraded, task.input_rate, task.output_rate)
    exact = restored.shape == given.shape
    added = restored - given
    true_hz = true_cutoff_hz(original, given, task.output_rate)
    limit = (true_hz, min(upper_hz, 0.46 * task.output_rate))
    kept = true_hz - guard_hz(true_hz)
    low, high = power_below_and_above(added, task.output_rate, kept, limit)
    _, truth = power_below_and_above(original, task.output_rate, kept, limit)

    again = command(source, target, "--threads", "1")
    part = degraded[:, : SECONDS * task.input_rate]
    whole = streamed(part, task.input_rate, task.output_rate, part.shape[1], 0)
    blocks = streamed(part, task.input_rate, task.output_rate, 2 * task.input_rate, 0)
    moved = streamed(part, task.input_rate, task.output_rate, 2 * task.input_rate, 101)
    return Row(
        file=name,
        task=task_name,
        family=f"{spec.family}-{spec.order}",
        true_hz=true_hz,
        found_hz=float(estimate_bandwidth(degraded, task.input_rate).cutoff_hz),
        count_exact=exact,
        low_dbfs=10 * float(np.log10(low + 1e-20)),
        added_db_of_truth=10 * float(np.log10((high + 1e-20) / (truth + 1e-20))),
        blocks=float(np.abs(blocks - whole).max()),
        grid=float(np.abs(moved - whole).max()),
        same_again=bool(np.array_equal(restored, again)),
        edge_jump_ratio=edge_jump_ratio(added),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/promises.json"))
    chosen = parser.parse_args()
    rows = []
    for entry in find_entries([chosen.music]):
        for task in chosen.tasks.split(","):
            with tempfile.TemporaryDirectory() as folder:
                upper = entry.bandwidth_hz or 20_000.0
                row = measure(entry.path, entry.name, task, upper, Path(folder))
            rows.append(row)
            print(
                f"{row.file:48.48} {task:12} {row.family:14} true {row.true_hz:6.0f} "
                f"found {row.found_hz:6.0f} low {row.low_dbfs:7.1f} dBFS "
                f"added {row.added_db_of_truth:+5.1f} dB blocks {row.blocks:.0e} "
                f"grid {row.grid:.0e} edge {row.edge_jump_ratio:.2f} "
                f"{'' if row.count_exact and row.same_again else 'NOT EXACT'}",
                flush=True,
            )
    summary = {
        "rows": len(rows),
        "counts_exact": all(row.count_exact for row in rows),
        "same_again_and_by_threads": all(row.same_again for row in rows),
        "worst_low_dbfs": max(row.low_dbfs for row in rows),
        "rows_above_minus_80_dbfs": sum(row.low_dbfs > -80 for row in rows),
        "mean_added_db_of_truth": float(np.mean([row.added_db_of_truth for row in rows])),
        "mean_added_db_by_task": {
            task: float(np.mean([r.added_db_of_truth for r in rows if r.task == task]))
            for task in dict.fromkeys(row.task for row in rows)
        },
        "worst_blocks": max(row.blocks for row in rows),
        "worst_grid": max(row.grid for row in rows),
        "worst_edge_jump_ratio": max(row.edge_jump_ratio for row in rows),
    }
    print(json.dumps(summary, indent=2))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(
        json.dumps({"summary": summary, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
