"""Does the GAN help? Train the founding systems, measure them, and write `docs/study.md`.

    python benchmarks/study.py train --minutes 20      # every run, one after the other; resumes
    python benchmarks/study.py check                   # one batch by heart; kill -9 and resume
    python benchmarks/study.py measure --music ../shared/music
    python benchmarks/study.py page

Runs live in `runs/study/<method>-<task>-s<seed>`. `music-gan` warms up without its adversary for
the first half of its budget. At x4 that half is also the first half of its twin `music-plain`,
which goes on without: each pair parts from the same weights and the same moments. `x4-16k` is
AudioUNet's own setting: up to 16 kHz, one filter (`scipy.signal.decimate`), pieces of 8192 samples;
`audiounet-dropout` is AudioUNet with the paper's dropout. Every run of a task gets the same budget
of processor time, twice the minutes given (two cores; what else the machine does takes nothing from
it), with a constant learning rate and averaged weights: it can be stopped, resumed and compared at
any length.
`measure` exports what is there and runs `aliquot evaluate` for each factor, models raw (as in their
papers), at x4 spliced too (the given band kept), with all baselines and the released model; it also
times each on one thread, and draws what it makes of one excerpt. What was measured before of runs
that are not here any more stays in `benchmarks/results`.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import cost, evaluated, export
from study_page import OWN_SETTING, PICTURES, RESULTS, SETS, page

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs" / "study"
METHODS = ("audiounet", "hetherly", "music-gan", "music-plain")
PAIR = ("music-plain", "music-gan")
BASES = {"music-plain": "music-gan", "audiounet-dropout": "audiounet"}
"""Settings files of what has none of its own."""
WARM_UP = 0.5
"""Share of the budget of `music-gan` without its adversary."""
PICTURED = "valid/zander-noriega--school-of-quirks.ogg"
COST_SECONDS, HEART_STEPS = 30, 1_500
FACTORS, RELEASED = ("x4", "x2", "x6"), "aliquot-1"
"""What `--only aliquot-1` measures that release at: the one the study was made beside."""


class Run(NamedTuple):
    """One training run; ``share`` is its part of the budget."""

    method: str
    task: str
    seed: int
    share: float

    @property
    def name(self) -> str:
        return f"{self.method}-{self.task}-s{self.seed}"

    @property
    def factor(self) -> int:
        return int(self.task[1])

    @property
    def folder(self) -> Path:
        return RUNS / self.name

    @property
    def words(self) -> list[str]:
        """Arguments of `aliquot train`."""
        base = BASES.get(self.method, self.method)
        words = [
            str(ROOT / "settings" / f"{base}.toml"),
            f"{base.replace('-', '_')}.factor={self.factor}",
            f"run.seed={self.seed}",
            "optim.decay=0.0",
            "optim.steps=10000000",
            "adversary.warmup=0",
        ]
        if self.method == "audiounet-dropout":
            words.append("audiounet.dropout=0.5")
        if self.task == OWN_SETTING:
            words += ["wave.sample_rate=16000", "wave.samples=8192", 'wave.families=["decimate"]']
        return words


def plan() -> list[Run]:
    """All runs, what matters most first; x4 has the whole budget, the others half of it."""
    return [
        *(Run(method, "x4", 1, 1.0) for method in ("audiounet", "hetherly")),
        *(Run(method, "x4", seed, 1.0) for seed in (1, 2, 3) for method in PAIR),
        *(Run(method, task, 1, 0.5) for task in ("x2", "x6") for method in METHODS[:3]),
        Run("audiounet", OWN_SETTING, 1, 0.5),
        Run("audiounet-dropout", "x4", 1, 1.0),
    ]


def wanted(run: Run, only: str) -> bool:
    """Whether a run is meant by a list of parts of names; an empty one means all."""
    return any(part in run.name for part in only.split(","))


def trained_minutes(run: Run) -> float:
    """How long a run has been trained so far: processor time over two."""
    from aliquot.training import checkpoint

    path = run.folder / "checkpoint.safetensors"
    return float(checkpoint.read_facts(path)["cpu_seconds"]) / 120 if path.is_file() else 0.0


def train(minutes: float, only: str, threads: int) -> None:
    """Bring every run to its budget."""
    for run in plan():
        if not wanted(run, only):
            continue
        plain = ["adversary.weight=0.0"]
        if run.method == "music-plain":
            extend(run, minutes * WARM_UP, plain, threads)
            twin = run._replace(method="music-gan")
            if not twin.folder.exists():
                shutil.copytree(run.folder, twin.folder)
            extend(run, minutes, plain, threads)
        elif run.method == "music-gan":
            extend(run, minutes * run.share * WARM_UP, plain, threads)
            extend(run, minutes * run.share, [], threads)
        else:
            extend(run, minutes * run.share, [], threads)


def extend(run: Run, minutes: float, words: list[str], threads: int) -> None:
    """Train a run until it has had so many minutes."""
    while (left := minutes - trained_minutes(run)) > 0:
        print(f"# {run.name}: {left:.1f} minutes", flush=True)
        command = [sys.executable, "-m", "aliquot", "train", *run.words, *words]
        command += [f"run.threads={threads}", "-o", str(run.folder), "--quiet"]
        command += ["--max-minutes", str(max(left * 2 / threads, 0.2))]
        subprocess.run(command, check=True, cwd=ROOT)


def measure(music: Path, part: str, jobs: int) -> None:
    """Export what has been trained, and evaluate it factor by factor."""
    trained = [run for run in plan() if (run.folder / "checkpoint.safetensors").is_file()]
    present = [run for run in trained if wanted(run, part)]
    for run in present:
        export(run.folder, RUNS / f"{run.name}.onnx")
    keep("study-minutes", {run.name: round(trained_minutes(run), 1) for run in present})
    keep("study-curves", {run.name: curve(run) for run in present})
    tasks = [run.task for run in present]
    if RELEASED in part.split(","):
        tasks += FACTORS
    for task in dict.fromkeys(tasks):
        models = []
        for run in [run for run in present if run.task == task]:
            file = str(RUNS / f"{run.name}.onnx")
            models += ["--model", f"{file}:raw"]
            if (run.task, run.seed) == ("x4", 1):  # what splicing changes is the same elsewhere
                models += ["--model", file]
        # The released model begins at 2.5 kHz, above what 16 kHz leaves at x4.
        models += ["--family", "decimate"] if task == OWN_SETTING else ["--model", RELEASED]
        for name, (folder, only) in SETS.items():
            words = ["--set", str(music / folder), "--tasks", task, "--cutoff", "true"]
            words += [*models, "--jobs", str(jobs)]
            words += ["--only", str(only)] if only else []
            print(f"# {task}, {name}", flush=True)
            found = {}
            for row in evaluated(words):
                file, colon, mode = row["method"].partition(":")
                row["method"] = (Path(file).stem if "/" in file else file) + colon + mode
                found[row["method"]] = row
            keep(f"study-{task}-{name}", found)
    costs()
    draw(music)


def curve(run: Run) -> dict[str, float]:
    """Held-out SNR over the spline's in dB while a run was trained: best, when, and last."""
    lines = (run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if "valid_snr_db" in row]
    gains = [row["valid_snr_db"] - row["valid_spline_snr_db"] for row in rows]
    best = int(np.argmax(gains))
    found = {"best_db": gains[best], "best_step": rows[best]["step"], "last_db": gains[-1]}
    return {name: round(value, 3) for name, value in found.items()}


def keep(name: str, found: dict[str, Any]) -> None:
    """Add to what a result file says already."""
    path = RESULTS / f"{name}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    RESULTS.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(before | found, indent=1) + "\n", encoding="utf-8")


def costs() -> None:
    """Seconds per second of mono audio on one thread, models raw and the released one."""
    found = {RELEASED: cost(RELEASED, 1, 48_000, COST_SECONDS)}
    for run in plan():
        model = RUNS / f"{run.name}.onnx"
        if (run.task, run.seed) == ("x4", 1) and model.is_file():
            found[run.method] = cost(str(model), 1, 48_000, COST_SECONDS, raw=True)
    keep("study-cost", found)


def draw(music: Path) -> None:
    """Spectrograms of one excerpt at x4 for each method, and for the released model.

    One picture each, so that those of runs that are not here any more stay.
    """
    from PIL import Image

    from aliquot import api
    from aliquot.baselines import spline
    from aliquot.dsp.resample import resample
    from aliquot.plots import spectrogram_plot
    from aliquot.testset import load_excerpts

    excerpt = load_excerpts(music / PICTURED)[1]
    original = resample(excerpt.samples, excerpt.sample_rate, 48_000)[:, : 6 * 48_000]
    low = resample(original, 48_000, 12_000)
    given = resample(low, 12_000, 48_000)
    PICTURES.mkdir(parents=True, exist_ok=True)
    before = [("original", original), ("spline", spline(low, 12_000, 48_000, 6_000.0))]
    for method in (*METHODS, RELEASED):
        file = RUNS / f"{method}-x4-s1.onnx"
        trained = method in METHODS
        if trained and not file.is_file():
            continue
        done = api.restore(
            given, 48_000, cutoff_hz=6_000.0, output_rate=48_000,
            model=str(file) if trained else method, raw=trained,
        )  # fmt: skip
        panels = [*before, (method, done.samples)]
        picture = PICTURES / f"x4-{method}.png"
        spectrogram_plot(panels, 48_000, picture, cutoff_hz=6_000.0)
        Image.open(picture).convert("RGB").quantize(64).save(picture, optimize=True)


def check(threads: int) -> None:
    """Each method from its settings file: one batch by heart, and a resumed run to the last bit."""
    import torch

    from aliquot.config import load
    from aliquot.training.loop import Trainer
    from aliquot.training.settings import Settings

    torch.set_num_threads(threads)
    for name in METHODS[:3]:
        path = ROOT / "settings" / f"{name}.toml"
        plain = ["adversary.weight=0.0", f"run.threads={threads}", "optim.batch=4"]
        plain += ["audiounet.dropout=0.0"]
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(load(Settings, path, plain), Path(folder) / "heart")
            trainer.prepare()
            batch, errors = next(trainer.batches()), list[float]()
            while len(errors) < HEART_STEPS and (not errors or errors[-1] > errors[0] / 10):
                errors.append(trainer.update(batch)["total"])
            print(
                f"{name}: one batch, loss {errors[0]:.3f} -> {errors[-1]:.4f}, {len(errors)} steps"
            )
            whole, torn = Path(folder) / "whole", Path(folder) / "torn"
            command = [sys.executable, "-m", "aliquot", "train", str(path), "--quiet"]
            command += ["optim.steps=24", "run.checkpoint_every=4", "optim.batch=4"]
            command += ["adversary.warmup=4", "run.validation_examples=2", "run.previews=0", "-o"]
            subprocess.run([*command, str(whole)], check=True, cwd=ROOT)
            with subprocess.Popen([*command, str(torn)], cwd=ROOT) as process:
                while not (torn / "checkpoint.safetensors").is_file():
                    time.sleep(0.01)
                process.kill()
            assert process.returncode == -signal.SIGKILL, "it had ended before it was killed"
            subprocess.run([*command, str(torn)], check=True, cwd=ROOT)
            same = differences(whole, torn)
            print(f"{name}: kill -9 at the first checkpoint, resumed: {same}", flush=True)


def differences(one: Path, other: Path) -> str:
    """Whether two runs ended with the same weights, moments and averages."""
    from safetensors.numpy import load_file

    tensors = [load_file(folder / "checkpoint.safetensors") for folder in (one, other)]
    assert tensors[0].keys() == tensors[1].keys()
    wrong = [key for key, value in tensors[0].items() if (value != tensors[1][key]).any()]
    return f"{len(wrong)} of {len(tensors[0])} tensors differ"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "check", "measure", "page"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--only", default="", help="parts of runs' names, with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--music", type=Path, default=ROOT.parent / "shared" / "music")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.what == "train":
        train(given.minutes, given.only, given.threads)
    elif given.what == "check":
        check(given.threads)
    elif given.what == "measure":
        measure(given.music, given.only, given.jobs)
    else:
        page()
