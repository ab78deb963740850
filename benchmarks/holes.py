"""How much of `lsd_hf` is decided where the originals' own codecs have left nothing.

    python benchmarks/holes.py --music ../shared/music

All originals at hand are Vorbis files, whose coder empties a band wherever it is quiet. Bins within
10 dB of the metric's floor (-80 dB of power) are holes: silence of the coder, which nothing that
restores music should imitate. Behind the filters trained on, at the cut-offs of the benchmark
page, true cut-off told: the share of such bins over the cut-off, their share of the squared
distances, and the root of the mean square in all others. Two independent noises of one spectrum
have 0.79 there. A table goes to `benchmarks/results/holes.json`.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from aliquot.degrade.truth import true_cutoff_hz
from aliquot.evaluate import LEAST_ROOM, make_piece
from aliquot.methods import model_restorer, restore_by_baseline
from aliquot.metrics.bands import Power
from aliquot.metrics.lsd import LSD_FLOOR, lsd_power, split_bins
from aliquot.tasks import choose_filter, find_task
from aliquot.testset import Entry, find_entries, load_excerpts, upper_limit_hz

ROOT = Path(__file__).parent.parent
TASKS = ("cutoff-4000", "cutoff-5500", "cutoff-8000", "cutoff-11000")
METHODS = ("default", "noise-fill", "oracle")
SETS = {"valid": ("valid", None), "dev": ("train", ROOT / "settings" / "dev-split.txt")}
HOLE = 10 * LSD_FLOOR


def parted(original: Power, restored: Power) -> tuple[float, float, float]:
    """Share of holes, their share of the squares, and the distance in all other bins.

    Args:
        original: ``(frames, bins)``, of which one at least is no hole.
        restored: The same shape.
    """
    holes = original < HOLE
    logs = [np.log10(np.maximum(powers, LSD_FLOOR)) for powers in (original, restored)]
    squares = np.square(logs[0] - logs[1], dtype=np.float64)
    share = float(squares[holes].sum() / squares.sum())
    return float(holes.mean()), share, float(np.sqrt(squares[~holes].mean()))


def measured(job: tuple[Entry, str]) -> dict[str, tuple[float, float, float]]:
    """Every method on one recording; none if it does not reach beyond the cut-off."""
    entry, name = job
    task = find_task(name)
    excerpts = load_excerpts(entry.path)
    spec = choose_filter(task, entry.name)
    pieces = [make_piece(excerpt, task, spec) for excerpt in excerpts]
    original, given = (
        np.concatenate(parts, axis=1)
        for parts in zip(*((piece.original, piece.given) for piece in pieces), strict=True)
    )
    rate = task.output_rate
    cutoff_hz = true_cutoff_hz(original, given, rate)
    upper_hz = upper_limit_hz(entry, excerpts[0].sample_rate, rate, strict=False)
    if upper_hz < LEAST_ROOM * cutoff_hz:
        return {}
    degraded = np.concatenate([piece.degraded for piece in pieces], axis=1)
    restored, _ = model_restorer("default")(degraded, task.input_rate, cutoff_hz, rate)
    made = {"default": restored}
    for method in METHODS[1:]:
        parts = [
            restore_by_baseline(method, piece, task, cutoff_hz, seed)
            for seed, piece in enumerate(pieces)
        ]
        made[method] = np.concatenate(parts, axis=1)
    first, last = split_bins(rate, cutoff_hz, upper_hz)
    true = lsd_power(original)[:, first:last]
    return {
        method: parted(true, lsd_power(samples)[:, first:last]) for method, samples in made.items()
    }


def rows(entries: tuple[Entry, ...], name: str, jobs: int) -> Iterator[dict[str, Any]]:
    """Means over the recordings of a set."""
    for task in TASKS:
        with ProcessPoolExecutor(jobs) as pool:
            found = list(filter(None, pool.map(measured, [(entry, task) for entry in entries])))
        for method in METHODS:
            means = np.mean([figures[method] for figures in found], axis=0)
            holes, share, elsewhere = (round(float(mean), 3) for mean in means)
            yield {
                "set": name, "task": task, "method": method, "files": len(found),
                "holes": holes, "of_squares": share, "elsewhere": elsewhere,
            }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, required=True, help="Folder with manifest.csv.")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    result = []
    for name, (folder, only) in SETS.items():
        for row in rows(find_entries([options.music / folder], only), name, options.jobs):
            print(row, flush=True)
            result.append(row)
    text = json.dumps(result, indent=1)
    (ROOT / "benchmarks" / "results" / "holes.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
