"""Fit the fixed tilts of the noise-fill and copy-up baselines; write them as package data.

Per task and training file: the median over frames of each sixth-octave's power density relative to
the degraded file's third-octave below the cut-off, in dB; then the median over files. Frames and
bands count as in `envelope_db`, bins only up to the file's typical bandwidth. Chiptune is held
to 15 % of the files, as in training.

    python benchmarks/fit_tilts.py ../shared/music/train --exclude settings/dev-split.txt
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aliquot.baselines import THIRD_OCTAVE, TILTS, WINDOW
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.resample import resample
from aliquot.metrics.bands import bin_range, loud, mono, power
from aliquot.tasks import TASKS, Task, choose_filter, degrade
from aliquot.testset import Entry, find_entries, load_excerpts

STEPS, STEPS_PER_OCTAVE = 18, 6
LEAST_FILES = 8
FALL_DB = 3.0  # per sixth of an octave, as the steps fall on average above 10 kHz
PIECE_SECONDS = 6
CHIPTUNE_SHARE = 0.15
BAND_RANGE = 1e-7
OUTPUT = Path(__file__).parents[1] / "src" / "aliquot" / TILTS


def fair_draw(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """All files but evenly thinned chiptune."""
    chip = [entry for entry in entries if "chiptune" in entry.genre]
    rest = [entry for entry in entries if "chiptune" not in entry.genre]
    count = min(len(chip), round(len(rest) * CHIPTUNE_SHARE / (1 - CHIPTUNE_SHARE)))
    places = np.linspace(0, len(chip) - 1, count).round().astype(int)
    return tuple(rest + [chip[place] for place in places])


def file_tilts(entry: Entry, tasks: tuple[Task, ...]) -> NDArray[np.float64]:
    """``(tasks, steps)`` levels in dB of one file, NaN where it says nothing."""
    excerpts = load_excerpts(entry.path)
    excerpt = excerpts[len(excerpts) // 2]
    piece = excerpt.samples[:, : PIECE_SECONDS * excerpt.sample_rate]
    result = np.full((len(tasks), STEPS), np.nan)
    for row, task in enumerate(tasks):
        rate = task.output_rate
        original = resample(piece, excerpt.sample_rate, rate)
        spec = None if task.codec else choose_filter(task, entry.name)
        degraded = degrade(original, task, spec)
        given = resample(degraded, task.input_rate, rate) if task.input_rate != rate else degraded
        cutoff_hz = true_cutoff_hz(original, given, rate)
        limit_hz = min(entry.typical_hz or 20_000.0, 20_000.0)
        result[row] = levels_db(mono(original), mono(given), rate, cutoff_hz, limit_hz)
    return result


def levels_db(
    original: NDArray[np.float32],
    given: NDArray[np.float32],
    rate: int,
    cutoff_hz: float,
    limit_hz: float,
) -> NDArray[np.float64]:
    """``(steps,)``: median over frames of each sixth-octave against the last third-octave."""
    before, after = power(original, WINDOW), power(given, WINDOW)
    first, last = bin_range(cutoff_hz / THIRD_OCTAVE, cutoff_hz, rate, WINDOW)
    third = after[:, first:last].mean(axis=1, dtype=np.float64)
    totals = before.sum(axis=1, keepdims=True, dtype=np.float64)
    sounding = loud(totals)[:, 0] & (third > 0)
    result = np.full(STEPS, np.nan)
    for step in range(STEPS):
        low_hz, high_hz = (cutoff_hz * 2 ** ((step + n) / STEPS_PER_OCTAVE) for n in (0, 1))
        first, last = bin_range(low_hz, min(high_hz, limit_hz), rate, WINDOW)
        if last <= first or (low_hz * high_hz) ** 0.5 > limit_hz:
            break
        band = before[:, first:last].sum(axis=1, dtype=np.float64)
        counted = sounding & (band >= BAND_RANGE * totals[:, 0])
        if counted.any():
            ratio = band[counted] / (last - first) / third[counted]
            result[step] = 10 * np.log10(np.median(ratio))
    return result


def over_files(levels: NDArray[np.float64]) -> list[float]:
    """``(files, steps)`` to the median of each step; where too few files reach, falling on."""
    medians: list[float] = []
    for column in levels.T:
        values = column[~np.isnan(column)]
        if len(values) >= min(LEAST_FILES, len(levels)):
            medians.append(float(np.median(values)))
        else:
            medians.append((medians[-1] if medians else 0.0) - FALL_DB)
    return [round(value, 2) for value in medians]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exclude", type=Path, help="list of files never to fit on")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    entries = find_entries([options.folder])
    if options.exclude:
        held_out = {entry.path for entry in find_entries([options.folder], options.exclude)}
        entries = tuple(entry for entry in entries if entry.path not in held_out)
    entries = fair_draw(entries)
    tasks = tuple(TASKS.values())
    with ProcessPoolExecutor(options.jobs) as pool:
        rows = []
        for row in pool.map(partial(file_tilts, tasks=tasks), entries):
            rows.append(row)
            print(f"\r{len(rows)}/{len(entries)}", end="", flush=True)
    levels = np.stack(rows)
    table = {
        "fitted_on": f"{len(entries)} files",
        "octaves": [round((step + 0.5) / STEPS_PER_OCTAVE, 4) for step in range(STEPS)],
        "levels_db": {task.name: over_files(levels[:, n]) for n, task in enumerate(tasks)},
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
    text = "{\n" + ",\n".join(lines).replace("], ", "],\n  ") + "\n}\n"
    options.output.write_text(text, encoding="utf-8")
    print(f"\n{options.output}: {len(tasks)} tasks from {len(entries)} files")


if __name__ == "__main__":
    main()
