"""Scores of single files, gathered into the rows of a table."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aliquot.metrics.realness import VALID_FROM, Clues, Realness
from aliquot.metrics.suite import METRICS

BIAS_P90 = "bias_p90_db"
"""The 90th percentile over files of the absolute treble bias."""

COLUMNS = (*METRICS[:5], BIAS_P90, *METRICS[5:])

HEADINGS = {
    "lsd": "lsd",
    "lsd_hf": "lsd_hf",
    "lsd_lf": "lsd_lf",
    "envelope_db": "envelope",
    "treble_bias_db": "bias",
    BIAS_P90: "bias P90",
    "texture": "texture",
    "low_snr_db": "low_snr",
    "snr_db": "snr",
    "side_db": "side",
    "coherence": "coherence",
    "lsd_kuleshov": "lsd (K.)",
}
DIGITS = {"lsd": 3, "lsd_hf": 3, "lsd_lf": 3, "texture": 2, "coherence": 3, "lsd_kuleshov": 2}
"""Digits after the point; one for what is in dB."""

WORST_BY = "envelope_db"


@dataclass(frozen=True, slots=True)
class Score:
    """What one method scored on one file of one task.

    Attributes:
        task: Name of the task.
        file: Name of the file inside its set.
        method: A model or a baseline.
        family: What degraded the file: a filter family with its order, or a codec.
        cutoff_hz: The true cut-off.
        upper_hz: Where the original ends; nothing above was scored.
        used_hz: The cut-off the method worked with, the lowest if it changes; None if unknown.
        metrics: A number for each metric, NaN where it had nothing to score.
        clues: What a classifier is told of the original and of the restored; None if not asked for.
    """

    task: str
    file: str
    method: str
    family: str
    cutoff_hz: float
    upper_hz: float
    used_hz: float | None
    metrics: dict[str, float]
    clues: tuple[Clues, Clues] | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON: flat, rounded, None instead of NaN."""
        return {
            "task": self.task,
            "file": self.file,
            "method": self.method,
            "family": self.family,
            "cutoff_hz": round(self.cutoff_hz, 1),
            "upper_hz": round(self.upper_hz, 1),
            "used_hz": None if self.used_hz is None else round(self.used_hz, 1),
            **{name: _plain(self.metrics[name]) for name in METRICS},
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a method on a task, over files.

    Attributes:
        task: Name of the task.
        family: What degraded the files; None if the row is over all.
        method: A model or a baseline.
        files: How many.
        means: The mean over files of each metric, and :data:`BIAS_P90`; NaN if no file has it.
        worst: The file of the largest envelope error.
    """

    task: str
    family: str | None
    method: str
    files: int
    means: dict[str, float]
    worst: str

    def as_dict(self) -> dict[str, object]:
        """For JSON: flat, rounded, None instead of NaN."""
        return {
            "task": self.task,
            "family": self.family,
            "method": self.method,
            "files": self.files,
            **{name: _plain(self.means[name]) for name in COLUMNS},
            "worst": self.worst,
        }


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def summarise(scores: Iterable[Score], *, by_family: bool = False) -> tuple[Row, ...]:
    """Gather scores into rows: one per task and method, in the order they first appear.

    Args:
        scores: Of any tasks, files and methods.
        by_family: If true, every row is followed by one per filter family.

    Returns:
        The rows, all of a task together.
    """
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        groups.setdefault((score.task, score.method), []).append(score)
    tasks = list(dict.fromkeys(task for task, _ in groups))
    rows = []
    for (task, method), group in sorted(groups.items(), key=lambda item: tasks.index(item[0][0])):
        rows.append(_row(task, None, method, group))
        families = sorted({score.family for score in group}) if by_family else []
        rows.extend(
            _row(task, family, method, [score for score in group if score.family == family])
            for family in families
        )
    return tuple(rows)


def _row(task: str, family: str | None, method: str, scores: Sequence[Score]) -> Row:
    means = {name: _mean([score.metrics[name] for score in scores]) for name in METRICS}
    biases = [abs(score.metrics["treble_bias_db"]) for score in scores]
    known = [bias for bias in biases if not math.isnan(bias)]
    means[BIAS_P90] = float(np.percentile(known, 90)) if known else float("nan")
    # a file without an envelope error is never the worst
    worst = max(scores, key=lambda score: np.nan_to_num(score.metrics[WORST_BY], nan=-1.0))
    return Row(task, family, method, len(scores), means, worst.file)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else float("nan")


def table(rows: Sequence[Row]) -> str:
    """The rows as an aligned Markdown table.

    >>> row = Row("x2", None, "oracle", 1, dict.fromkeys(COLUMNS, 0.5), "a.ogg")
    >>> [line[:29] for line in table([row]).splitlines()][::2]
    ['| task | method | files |   l', '| x2   | oracle |     1 | 0.5']
    """
    header = ["task", "method", "files", *HEADINGS.values(), "worst file"]
    lines = [header]
    for row in rows:
        method = row.method if row.family is None else f"{row.method} / {row.family}"
        numbers = [_number(name, row.means[name]) for name in COLUMNS]
        lines.append([row.task, method, str(row.files), *numbers, row.worst])
    return aligned(lines, left={0, 1, len(header) - 1})


def realness_table(found: Mapping[tuple[str, str], Realness]) -> str:
    """How well restored is told from original, by task and method, as a Markdown table.

    The classifier is valid where it tells noise-fill with 0.95 and more.
    """
    lines = [["task", "method", "excerpts", "real_or_restored", "95 % interval", "valid"]]
    for (task, method), result in found.items():
        reference = found.get((task, "noise-fill"))
        valid = reference is not None and reference.accuracy >= VALID_FROM
        interval = f"{result.low:.3f}-{result.high:.3f}"
        cells = [f"{result.excerpts}", f"{result.accuracy:.3f}", interval, "yes" if valid else "no"]
        lines.append([task, method, *cells])
    return aligned(lines, left={0, 1})


def aligned(lines: list[list[str]], left: set[int]) -> str:
    """Lines of cells, the first the header, as an aligned Markdown table."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = ["-" * width if n in left else "-" * (width - 1) + ":" for n, width in enumerate(widths)]
    lines = [lines[0], rule, *lines[1:]]
    cells = (
        [
            text.ljust(width) if n in left else text.rjust(width)
            for n, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _number(name: str, value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.{DIGITS.get(name, 1)}f}"
