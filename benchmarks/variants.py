"""What pays in the default model: variants trained alike, measured and timed; and learning curves.

    python benchmarks/variants.py train --only width --jobs 2   # resumes where it stopped
    python benchmarks/variants.py measure --music ../shared/music
    python benchmarks/variants.py page

A variant is the recipe (`settings/aliquot.toml`) with some words changed. All get the same number
of examples, so one that costs more per step may train longer; the table says what it costs. `seed`
shows how far two runs of one recipe lie apart: less is no difference. `artists` leaves out a part
of the artists, `steps` trains for a shorter or longer time: the learning curves.
Runs live in `runs/variants`, figures in `benchmarks/results/variants.json`; the page is printed, a
table for a decision.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import ROOT, cost, evaluated, export

RUNS = ROOT / "runs" / "variants"
RESULT = ROOT / "benchmarks" / "results" / "variants.json"
RECIPE = ROOT / "settings" / "aliquot.toml"
DEV = ROOT / "settings" / "dev-split.txt"
LEVEL_STEPS, WAVE_STEPS = 1_500, 150
TASKS = "cutoff-4000,cutoff-8000"
SETS = {"valid": ("valid", None), "dev": ("train", DEV)}
METRICS = (("envelope_db", 2), ("lsd_hf", 3), ("treble_bias_db", 1), ("texture", 2), ("side_db", 1))
TIMED_SECONDS = 30


class Variant(NamedTuple):
    """A run: its name, the words that it changes, its steps, and the share of artists."""

    name: str
    words: tuple[str, ...] = ()
    steps: float = 1.0
    artists: float = 1.0


VARIANTS = (
    Variant("recipe"),
    Variant("seed-2", ("run.seed=2",)),
    Variant("window-1024", ("model.window=1024", "model.hop=256", "model.guard_bins=11.6")),
    Variant("width-32", ("model.width=32",)),
    Variant("width-96", ("model.width=96",)),
    Variant("width-128", ("model.width=128",)),
    Variant("depth-2", ("model.dilations=[1,2]",)),
    Variant("depth-6", ("model.dilations=[1,2,4,1,2,1]",)),
    Variant("bands-in-96", ("model.input_bands=96",)),
    Variant("bands-out-24", ("model.output_bands=24",)),
    Variant("bands-out-64", ("model.output_bands=64",)),
    Variant("dropout-0", ("model.dropout=0.0",)),
    Variant("adamw", ("optim.matrices=adamw",)),
    Variant("steep", ("degrade.orders=[5,12]",)),
    Variant("codecs-none", ("degrade.codec_share=0.0",)),
    Variant("artists-half", artists=0.5),
    Variant("artists-quarter", artists=0.25),
    Variant("steps-half", steps=0.5),
    Variant("steps-double", steps=2.0),
)


def chosen(only: str) -> list[Variant]:
    """The variants whose names hold one of the parts; all for none."""
    return [v for v in VARIANTS if any(part in v.name for part in only.split(","))]


def held_out(variant: Variant, music: Path, folder: Path) -> Path:
    """The dev split, and whom the variant leaves out: every second, or three of four artists."""
    from aliquot.collect.manifest import read_list, read_rows

    dev = read_list(DEV)
    rows = [r for r in read_rows(music / "manifest.csv", ()) if r.file.startswith("train/")]
    artists = sorted({row.artist for row in rows if row.file not in dev})
    step = round(1 / variant.artists)
    kept = set(artists[::step])
    left = [row.file for row in rows if row.file in dev or row.artist not in kept]
    path = folder / f"held-out-{variant.name}.txt"
    path.write_text("\n".join(left) + "\n", encoding="utf-8")
    return path


def train(variant: Variant, music: Path) -> None:
    """Bring a run to its end, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            f"data.music={music}",
            f"levels.steps={round(variant.steps * LEVEL_STEPS)}",
            f"optim.steps={round(variant.steps * WAVE_STEPS)}",
            *("run.threads=1", "run.workers=0", "run.validate_every=1000"),
            *variant.words,
        ]
        if variant.artists < 1:
            words.append(f"data.held_out={held_out(variant, music, Path(folder))}")
        command = [sys.executable, "-m", "aliquot", "train", str(RECIPE), *words]
        command += ["-o", str(RUNS / variant.name), "--quiet"]
        begun = time.monotonic()
        subprocess.run(command, check=True, cwd=ROOT)
        print(f"{variant.name}: {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)


def finished(variant: Variant) -> bool:
    """Whether a run has come to its end."""
    from aliquot.training import checkpoint

    path = RUNS / variant.name / "checkpoint.safetensors"
    steps = round(variant.steps * LEVEL_STEPS) + round(variant.steps * WAVE_STEPS)
    return path.is_file() and bool(checkpoint.read_facts(path)["step"] == steps)


def measure(variants: list[Variant], music: Path, jobs: int) -> dict[str, Any]:
    """Metrics with the cut-off told, mean over tasks, and seconds per second on one thread.

    All in one evaluation: baselines take longer than models, and are the same for all.
    """
    from aliquot.training import checkpoint

    runs = {v.name: RUNS / v.name for v in variants}
    models = {name: RUNS / f"{name}.onnx" for name in runs}
    found: dict[str, Any] = {}
    for name, run in runs.items():
        export(run, models[name])
        facts = checkpoint.read_facts(run / "checkpoint.safetensors")
        minutes = round(facts["cpu_seconds"] / 60, 1)
        found[name] = {"steps": facts["step"], "minutes": minutes}
    chosen = [word for model in models.values() for word in ("--model", str(model))]
    for part, (folder, only) in SETS.items():
        words = ["--set", str(music / folder), "--tasks", TASKS, "--cutoff", "true", *chosen]
        words += ["--jobs", str(jobs)] + (["--only", str(only)] if only else [])
        rows = evaluated(words)
        for name, model in models.items():
            ours = [row for row in rows if row["method"] == str(model)]
            found[name][part] = {
                metric: round(float(np.mean([row[metric] for row in ours])), digits + 1)
                for metric, digits in METRICS
            }
    for name, model in models.items():
        found[name]["seconds_per_second"] = cost(str(model), 2, 44_100, TIMED_SECONDS)
    return found


def results() -> dict[str, Any]:
    """What was measured so far."""
    read: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    return read


def page() -> str:
    """The table as Markdown."""
    heads = [f"{name} {metric}" for name in SETS for metric, _ in METRICS]
    lines = [
        f"| variant | minutes | s per s | {' | '.join(heads)} |",
        f"|---|{'--:|' * (len(heads) + 2)}",
    ]
    for name, row in results().items():
        cells = [f"{row[part][metric]:.{digits}f}" for part in SETS for metric, digits in METRICS]
        cells = [f"{row['minutes']:.0f}", f"{row['seconds_per_second']:.4f}", *cells]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "measure", "page"))
    parser.add_argument("--only", default="", help="parts of variants' names, with commas")
    parser.add_argument("--music", type=Path, default=ROOT.parent / "shared" / "music")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    music = given.music.resolve()
    if given.what == "train":
        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(lambda variant: train(variant, music), chosen(given.only)))
    elif given.what == "measure":
        done = [v for v in chosen(given.only) if finished(v)]
        found = results() | measure(done, music, given.jobs)
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
    else:
        print(page())
