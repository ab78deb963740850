"""``aliquot evaluate``: the table of models and baselines."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import aliquot
from aliquot.cli import SOME_FAILED
from aliquot.errors import ConfigError

if TYPE_CHECKING:
    from aliquot.evaluate import Evaluation, Plan
    from aliquot.scoreboard import Row
    from aliquot.tasks import Task

DEFAULT_TASKS = "cutoff-4000,cutoff-5500,cutoff-8000,cutoff-11000"
NO_MODEL = "none"


@click.command(epilog="Exit status: 0 all measured, 1 some files failed, 2 wrong option or set.")
@click.option(
    "--set", "folders", type=click.Path(path_type=Path), multiple=True, required=True,
    help="Folder of recordings, with or without manifest.csv; repeat for more.",
)  # fmt: skip
@click.option(
    "--tasks", default=DEFAULT_TASKS, show_default=True,
    help="Names with commas; 'rates', 'cutoffs', 'codecs', 'kuleshov', 'all' stand for several.",
)  # fmt: skip
@click.option(
    "--model", "models", multiple=True, default=("default",), show_default=True,
    help="Release or .onnx file; repeat for more; 'none' for the baselines alone.",
)  # fmt: skip
@click.option(
    "--family", default="trained", show_default=True,
    help="Filters: 'trained', 'held-out', or one family such as bessel.",
)  # fmt: skip
@click.option(
    "--cutoff", type=click.Choice(["auto", "true"]), default="auto", show_default=True,
    help="Whether models find the cut-off, as for a user, or are told it.",
)  # fmt: skip
@click.option(
    "--limit", type=click.Choice(["bandwidth", "typical"]), default="bandwidth",
    show_default=True, help="Score up to bandwidth_hz or bandwidth_typical_hz of the manifest.",
)  # fmt: skip
@click.option(
    "--only", type=click.Path(path_type=Path), metavar="LIST",
    help="Text file of the recordings to use, one relative path per line.",
)  # fmt: skip
@click.option("--by-family", is_flag=True, help="Add a row for each filter family.")
@click.option(
    "--real-or-restored", "realness", is_flag=True,
    help="Add how well a classifier tells restored from original.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Processes.  [default: one per core, at most 4]"
)
@click.option(
    "--json-out", type=click.Path(path_type=Path), metavar="FILE",
    help="Write rows, every file's scores and the options as JSON.",
)  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def evaluate(
    folders: tuple[Path, ...],
    tasks: str,
    models: tuple[str, ...],
    family: str,
    cutoff: str,
    limit: str,
    only: Path | None,
    by_family: bool,
    realness: bool,
    jobs: int | None,
    json_out: Path | None,
    quiet: bool,
) -> int:
    """Degrade recordings, restore them, and measure the result beside the baselines.

    Example: aliquot evaluate --set music/valid --tasks x4,cutoff-8000
    """
    from aliquot.evaluate import Plan
    from aliquot.evaluate import evaluate as run
    from aliquot.scoreboard import realness_table, summarise, table
    from aliquot.tasks import FAMILY_CHOICES
    from aliquot.testset import find_entries

    if family not in FAMILY_CHOICES:
        raise ConfigError(f"unknown family {family!r}; use one of {', '.join(FAMILY_CHOICES)}")
    if json_out is not None and not json_out.absolute().parent.is_dir():
        raise ConfigError(f"--json-out {json_out}: there is no such folder; make it first")
    plan = Plan(
        tasks=named_tasks(tasks),
        models=tuple(name for name in models if name != NO_MODEL),
        family=family,
        tell_cutoff=cutoff == "true",
        strict_limit=limit == "typical",
        realness=realness,
    )
    needed_packages()
    entries = find_entries(folders, only)
    if jobs is None:
        jobs = min(4, os.cpu_count() or 1)
    result = run(
        entries,
        plan,
        jobs=jobs,
        progress=None if quiet else lambda line: click.echo(line, err=True),
    )
    for line in (*result.skipped, *result.failed):
        click.echo(line, err=True)
    rows = summarise(result.scores, by_family=by_family)
    click.echo(table(rows))
    if realness:
        click.echo("\n" + realness_table(result.realness))
    if json_out is not None:
        write_json(json_out, plan, rows, result)
    return SOME_FAILED if result.failed else 0


def named_tasks(text: str) -> "tuple[Task, ...]":
    """The tasks of names with commas between them; groups stand for their members."""
    from aliquot.tasks import FULL_RATE, TASKS, find_task

    full = [task for task in TASKS.values() if task.output_rate >= FULL_RATE]
    groups = {
        "rates": [task for task in full if task.input_rate < task.output_rate],
        "cutoffs": [task for task in TASKS.values() if task.name.startswith("cutoff-")],
        "codecs": [task for task in TASKS.values() if task.codec],
        "all": full,
        "kuleshov": [task for task in TASKS.values() if task.output_rate < FULL_RATE],
    }
    names = [name.strip() for name in text.split(",") if name.strip()]
    chosen = [task for name in names for task in groups.get(name) or [find_task(name)]]
    if not chosen:
        raise ConfigError("--tasks names no task; use for example x4,cutoff-8000")
    return tuple({task.name: task for task in chosen}.values())


def needed_packages() -> None:
    """Complain before the first file if the filters and the spline cannot be computed."""
    from importlib.util import find_spec

    if find_spec("scipy") is None:
        raise ConfigError("evaluate needs SciPy, which is missing; pip install 'aliquot[eval]'")


def write_json(path: Path, plan: "Plan", rows: "tuple[Row, ...]", result: "Evaluation") -> None:
    """Everything that was measured, and with what."""
    from aliquot.methods import RAW
    from aliquot.weights import read

    options = asdict(plan) | {"tasks": [task.name for task in plan.tasks]}
    content = {
        "aliquot": aliquot.__version__,
        "options": options,
        "models": {
            name: hashlib.sha256(read(name.removesuffix(RAW))[0]).hexdigest()
            for name in plan.models
        },
        "rows": [row.as_dict() for row in rows],
        "files": [score.as_dict() for score in result.scores],
        "real_or_restored": [
            {"task": task, "method": method, **asdict(found)}
            for (task, method), found in result.realness.items()
        ],
        "skipped": result.skipped,
        "failed": result.failed,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
