"""Does the GAN help? Train the founding systems, measure them, and write `docs/study.md`.

    python benchmarks/study.py train --minutes 20      # every run, one after the other; resumes
    python benchmarks/study.py measure --music ../shared/music
    python benchmarks/study.py page

Runs live in `runs/study/<method>-x<factor>-s<seed>`; `music-gan` has a twin `music-plain`, the
same but for `adversary.weight=0`. Every run of a factor gets the same budget of processor time,
twice the minutes given (two cores; what else the machine does takes nothing from it), with a
constant learning rate and averaged weights: it can be stopped, resumed and compared at any length.
`measure` exports what is there and runs `aliquot evaluate` for each factor, models raw (as in their
papers) and spliced (the given band kept), with all baselines and the released model.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs" / "study"
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "study.md"
SETS = {"valid": ("valid", None), "dev": ("train", ROOT / "settings" / "dev-split.txt")}
MEASURED = (
    ("snr_db", 2), ("lsd", 2), ("lsd_kuleshov", 2), ("lsd_hf", 2), ("envelope_db", 1),
    ("texture", 2), ("treble_bias_db", 1),
)  # fmt: skip


class Run(NamedTuple):
    """One training run; ``share`` is its part of the budget."""

    method: str
    factor: int
    seed: int
    share: float

    @property
    def name(self) -> str:
        return f"{self.method}-x{self.factor}-s{self.seed}"

    @property
    def folder(self) -> Path:
        return RUNS / self.name

    @property
    def words(self) -> list[str]:
        """Arguments of `aliquot train`."""
        base = "music-gan" if self.method == "music-plain" else self.method
        section = base.replace("-", "_")
        words = [
            str(ROOT / "settings" / f"{base}.toml"),
            f"{section}.factor={self.factor}",
            f"run.seed={self.seed}",
            "optim.decay=0.0",
            "optim.steps=10000000",
        ]
        if self.method == "music-plain":
            words.append("adversary.weight=0.0")
        return words


def plan() -> list[Run]:
    """All runs; x4 has the whole budget, x2 and x6 half of it."""
    runs = [
        Run(method, factor, 1, 1.0 if factor == 4 else 0.5)
        for factor in (4, 2, 6)
        for method in ("audiounet", "hetherly", "music-gan")
    ]
    seeds = [Run(method, 4, n, 1.0) for n in (1, 2, 3) for method in ("music-gan", "music-plain")]
    return list(dict.fromkeys([*runs[:3], *seeds, *runs]))


def trained_minutes(run: Run) -> float:
    """How long a run has been trained so far: processor time over two."""
    from aliquot.training import checkpoint

    path = run.folder / "checkpoint.safetensors"
    return float(checkpoint.read_facts(path)["cpu_seconds"]) / 120 if path.is_file() else 0.0


def train(minutes: float, only: str, threads: int) -> None:
    """Bring every run to its budget."""
    for run in plan():
        if only not in run.name:
            continue
        while (left := minutes * run.share - trained_minutes(run)) > 0:
            print(f"# {run.name}: {left:.1f} minutes", flush=True)
            command = [sys.executable, "-m", "aliquot", "train", *run.words]
            command += [f"run.threads={threads}", "-o", str(run.folder), "--quiet"]
            command += ["--max-minutes", str(max(left * 2 / threads, 0.2))]
            subprocess.run(command, check=True, cwd=ROOT)


def measure(music: Path, jobs: int) -> None:
    """Export what has been trained, and evaluate it factor by factor."""
    present = [run for run in plan() if (run.folder / "checkpoint.safetensors").is_file()]
    for run in present:
        command = [sys.executable, "-m", "aliquot", "export", str(run.folder)]
        command += ["-o", str(RUNS / f"{run.name}.onnx")]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    budgets = {run.name: round(trained_minutes(run), 1) for run in present}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "study-minutes.json").write_text(json.dumps(budgets, indent=1) + "\n")
    for factor in sorted({run.factor for run in present}):
        files = [str(RUNS / f"{run.name}.onnx") for run in present if run.factor == factor]
        models = [word for file in files for word in ("--model", file, "--model", f"{file}:raw")]
        for name, (folder, only) in SETS.items():
            words = ["--set", str(music / folder), "--tasks", f"x{factor}", "--cutoff", "true"]
            words += ["--model", "default", *models, "--jobs", str(jobs)]
            words += ["--json-out", str(RESULTS / f"study-x{factor}-{name}.json")]
            words += ["--only", str(only)] if only else []
            print(f"# x{factor}, {name}", flush=True)
            done = subprocess.run(
                [sys.executable, "-m", "aliquot", "evaluate", *words], check=False, cwd=ROOT
            )
            assert done.returncode in (0, 1), "nothing was measured"


def rows_of(factor: int, name: str) -> dict[str, dict[str, Any]]:
    """Rows by method; runs by their names, `:raw` for raw ones."""
    path = RESULTS / f"study-x{factor}-{name}.json"
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    named = {}
    for row in rows:
        if row["family"] is None:
            file, colon, mode = row["method"].partition(":")
            named[(Path(file).stem if "/" in file else file) + colon + mode] = row
    return named


def table(factor: int, name: str) -> list[str]:
    """One table: baselines, then runs; of several seeds mean and spread."""
    rows = rows_of(factor, name)
    if not rows:
        return []
    groups: dict[str, list[dict[str, Any]]] = {}
    for method, row in rows.items():
        run, colon, mode = method.partition(":")
        key = run.rsplit("-s", 1)[0].replace(f"-x{factor}", "") + colon + mode
        groups.setdefault(key, []).append(row)
    lines = [
        f"### x{factor}, {name}",
        "",
        f"| method | seeds | {' | '.join(metric for metric, _ in MEASURED)} |",
        f"|---|{'--:|' * (1 + len(MEASURED))}",
    ]
    for method, found in groups.items():
        cells = []
        for metric, digits in MEASURED:
            values = [row[metric] for row in found if row[metric] is not None]
            if not values:
                cells.append("-")
                continue
            spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.{digits}f}{spread}")
        lines.append(f"| {method} | {len(found)} | {' | '.join(cells)} |")
    return [*lines, ""]


def page() -> None:
    """Write `docs/study.md` from the results."""
    budgets = json.loads((RESULTS / "study-minutes.json").read_text())
    lines = [
        "# Does the GAN help?",
        "",
        "Written by `python benchmarks/study.py page`; do not edit. To repeat it: see the script.",
        "What it means: [study-notes.md](study-notes.md).",
        "",
        "Minutes of training (processor time over two), two CPU cores, narrow sizes: "
        + ", ".join(f"{name} {minutes:g}" for name, minutes in budgets.items())
        + ".",
        "",
    ]
    for factor in (2, 4, 6):
        for name in SETS:
            lines += table(factor, name)
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("train", "measure", "page"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--only", default="", help="train: part of a run's name")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--music", type=Path, default=ROOT.parent / "shared" / "music")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.what == "train":
        train(given.minutes, given.only, given.threads)
    elif given.what == "measure":
        measure(given.music, given.jobs)
    else:
        page()
