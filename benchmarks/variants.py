"""What pays in the default model, and what limits it: variants trained alike, and learning curves.

    python benchmarks/variants.py train --only width --jobs 2   # resumes where it stopped
    python benchmarks/variants.py measure --music ../shared/music
    python benchmarks/variants.py page

A variant is the first stage of the recipe (`settings/aliquot.toml`), levels from band powers, with
some words changed. All get the same number of examples, so one that costs more per step may train
longer; the table says what it costs. `seed` shows how far two runs of one recipe lie apart: less is
no difference. `artists` leaves out a part of the artists, `steps` trains for a shorter or longer
time: the learning curves, the last of them at the recipe's full length. Judged is the mean distance
of band levels, in dB, over the same examples for all: of the music that every variant has trained
on, of the dev split, and of validation. Runs live in `runs/variants`, figures in
`benchmarks/results/variants.json`; the page is printed, a table for a decision.
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

from measuring import ROOT, cost, export

RUNS = ROOT / "runs" / "variants"
RESULT = ROOT / "benchmarks" / "results" / "variants.json"
RECIPE = ROOT / "settings" / "aliquot.toml"
DEV = ROOT / "settings" / "dev-split.txt"
STEPS = 800
EXAMPLES, BATCH = 256, 16
SETS = ("train", "dev", "valid")
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
    Variant("width-128", ("model.width=128",)),
    Variant("depth-2", ("model.dilations=[1,2]",)),
    Variant("depth-6", ("model.dilations=[1,2,4,1,2,1]",)),
    Variant("bands-in-96", ("model.input_bands=96",)),
    Variant("bands-out-24", ("model.output_bands=24",)),
    Variant("bands-out-64", ("model.output_bands=64",)),
    Variant("dropout-0", ("model.dropout=0.0",)),
    Variant("adamw", ("optim.matrices=adamw",)),
    Variant("steep", ("degrade.families=['brickwall','soxr','sinc']", "degrade.wall_share=0")),
    Variant("artists-half", artists=0.5),
    Variant("artists-quarter", artists=0.25),
    Variant("steps-half", steps=0.5),
    Variant("steps-double", steps=2.0),
    Variant("steps-fourfold", steps=4.0),
    Variant("steps-fourfold-artists-half", steps=4.0, artists=0.5),
    Variant("steps-all", steps=15.0),
    Variant("steps-25-fold-dropout-0", ("model.dropout=0.0",), steps=25.0),
)


def chosen(only: str) -> list[Variant]:
    """The variants whose names hold one of the parts; all for none."""
    return [v for v in VARIANTS if any(part in v.name for part in only.split(","))]


def kept_artists(music: Path, share: float) -> set[str]:
    """Every second, or one of four, of the artists that are trained on."""
    from aliquot.collect.manifest import read_list, read_rows

    dev = read_list(DEV)
    rows = [r for r in read_rows(music / "manifest.csv", ()) if r.file.startswith("train/")]
    return set(sorted({row.artist for row in rows if row.file not in dev})[:: round(1 / share)])


def rest(music: Path, artists: set[str], path: Path, *, dev: bool) -> Path:
    """A list of all rows to train on but those of some artists; with the dev split, or without."""
    from aliquot.collect.manifest import read_list, read_rows

    held = read_list(DEV)
    rows = [r for r in read_rows(music / "manifest.csv", ()) if r.file.startswith("train/")]
    left = [r.file for r in rows if (dev if r.file in held else r.artist not in artists)]
    path.write_text("\n".join(left) + "\n", encoding="utf-8")
    return path


def train(variant: Variant, music: Path) -> None:
    """Bring a run to its end, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            f"data.music={music}",
            f"levels.steps={round(variant.steps * STEPS)}",
            *("run.weights=", "levels.learning_rate=2e-3"),  # from random weights
            *("optim.steps=0", "run.threads=1", "run.workers=0", "run.validate_every=1000000"),
            *("run.validation_examples=16", "run.precision=bfloat16", *variant.words),
        ]
        if variant.artists < 1:
            path = Path(folder) / f"held-out-{variant.name}.txt"
            left = rest(music, kept_artists(music, variant.artists), path, dev=True)
            words.append(f"data.held_out={left}")
        command = [sys.executable, "-m", "aliquot", "train", str(RECIPE), *words]
        command += ["-o", str(RUNS / variant.name), "--quiet"]
        begun = time.monotonic()
        subprocess.run(command, check=True, cwd=ROOT)
        print(f"{variant.name}: {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)


def finished(variant: Variant) -> bool:
    """Whether a run has come to its end."""
    from aliquot.training import checkpoint

    path = RUNS / variant.name / "checkpoint.safetensors"
    return path.is_file() and checkpoint.read_facts(path)["step"] == round(variant.steps * STEPS)


def measure(variant: Variant, music: Path) -> dict[str, Any]:
    """Distances in dB on the three sets, and seconds per second of stereo on one thread."""
    import torch
    from torch.utils.data import DataLoader, Subset

    from aliquot.collect.manifest import read_rows
    from aliquot.config import load
    from aliquot.models.spectral import Spectral
    from aliquot.training import checkpoint
    from aliquot.training.bands import BandExamples
    from aliquot.training.losses import LevelLoss
    from aliquot.training.settings import Settings
    from aliquot.training.step import level_step

    torch.set_num_threads(1)
    run = RUNS / variant.name
    read = checkpoint.read(run)
    assert read is not None, f"{run} holds no run"
    tensors, facts = read
    found: dict[str, Any] = {
        "steps": facts["step"],
        "minutes": round(facts["cpu_seconds"] / 60, 1),
    }
    with tempfile.TemporaryDirectory() as folder:
        quarter = rest(music, kept_artists(music, 0.25), Path(folder) / "quarter.txt", dev=True)
        trained = [r.file for r in read_rows(music / "manifest.csv", ())]
        left = quarter.read_text(encoding="utf-8").split("\n")
        lists = {
            "train": [f for f in trained if f.startswith("train/") and f not in left],
            "dev": DEV.read_text(encoding="utf-8").split("\n"),
            "valid": [f for f in trained if f.startswith("valid/")],
        }
        for name in SETS:
            path = Path(folder) / f"{name}.txt"
            path.write_text("\n".join(lists[name]) + "\n", encoding="utf-8")
            split = "valid/" if name == "valid" else "train/"
            # Judged behind the recipe's filters, whatever the variant has met.
            shape = [word for word in variant.words if word.startswith("model.")]
            words = [f"data.music={music}", f"data.held_out={path}", f"data.split={split}", *shape]
            words += ["levels.coded_share=0"]  # as when the stored figures were measured
            s = load(Settings, RECIPE, words)
            network = Spectral(s.model).eval()
            network.load_state_dict(checkpoint.part(tensors, "ema."))
            examples = BandExamples(s.data, s.levels, s.degrade, s.model, 1, held_out=True)
            list(examples.prepare())
            loss = LevelLoss(s.loss, network)
            sums: dict[str, float] = {}
            with torch.no_grad():
                for batch in DataLoader(Subset(examples, range(EXAMPLES)), batch_size=BATCH):
                    for key, value in level_step(network, loss, batch).items():
                        sums[key] = sums.get(key, 0.0) + float(value) * BATCH / EXAMPLES
            found[name] = {key: round(10 * sums[key], 3) for key in ("envelope", "bias")}
    model = RUNS / f"{variant.name}.onnx"
    export(run, model)
    return found | {"seconds_per_second": cost(str(model), 2, 44_100, TIMED_SECONDS)}


def results() -> dict[str, Any]:
    """What was measured so far."""
    read: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    return read


def page() -> str:
    """The table as Markdown."""
    heads = [f"{part}, {kind}" for kind in ("envelope", "bias") for part in SETS]
    lines = [
        f"| variant | steps | minutes | s per s | {' | '.join(heads)} |",
        f"|---|{'--:|' * (len(heads) + 3)}",
    ]
    for name, row in results().items():
        cells = [f"{row[part][kind]:.2f}" for kind in ("envelope", "bias") for part in SETS]
        first = [str(row["steps"]), f"{row['minutes']:.0f}", f"{row['seconds_per_second']:.4f}"]
        lines.append(f"| {name} | {' | '.join([*first, *cells])} |")
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
        for variant in filter(finished, chosen(given.only)):
            found = results() | {variant.name: measure(variant, music)}
            RESULT.write_text(json.dumps(found, indent=1) + "\n")
    else:
        print(page())
