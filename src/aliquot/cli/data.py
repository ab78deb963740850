"""``aliquot data``: what a collection holds."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aliquot.cli import EXIT_STATUS
from aliquot.errors import ConfigError

if TYPE_CHECKING:
    from aliquot.collect.report import Report

MOST_LINES = 12
"""Licences, genres and files of a problem beyond these are summed up; --json has them all."""


@click.group(epilog=EXIT_STATUS)
def data() -> None:
    """Look at a collection of music to train on."""


@data.command(epilog=EXIT_STATUS)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="PNG",
    help="Draw the hours over how far up the recordings reach.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def report(folder: Path, plot: Path | None, as_json: bool) -> None:
    """Hours by licence, genre and bandwidth, and what is wrong with which recordings.

    FOLDER holds the manifest.csv that `aliquot prepare` makes; a manifest of another name can be
    given itself. The sound is not read.
    """
    from aliquot.collect.report import report_on

    if plot is not None and plot.suffix.lower() != ".png":
        raise ConfigError(f"{plot}: a picture is a PNG; give --plot a name that ends in .png")
    found = report_on(folder)
    click.echo(json.dumps(asdict(found)) if as_json else describe(found))
    if plot is not None:
        draw(found, plot)
        click.echo(f"drawn: {plot}", err=True)


def describe(found: "Report") -> str:
    """The report for people."""
    from aliquot.io.names import shown

    unit, times = ("h", 1.0) if found.hours >= 1 else ("min", 60.0)
    lines = [
        f"{found.recordings} recordings, {times * found.hours:.2f} {unit}, {found.artists} artists",
        f"held out: {found.held_out} recordings, {times * found.held_out_hours:.2f} {unit}",
    ]
    tables = (
        ("licence", found.by_licence),
        ("genre", found.by_genre),
        ("carries sound up to", found.by_bandwidth),
        ("codec", found.by_codec),
    )
    for title, hours in tables:
        lines += ["", title]
        lines += [f"  {times * amount:9.2f} {unit}  {shown(name)}" for name, amount in few(hours)]
    if found.problems:
        lines += ["", "problems"]
    for kind, files in found.problems.items():
        lines.append(f"  {kind}: {len(files)}")
        lines += [f"    {shown(name)}" for name in files[:MOST_LINES]]
        if len(files) > MOST_LINES:
            lines.append(f"    and {len(files) - MOST_LINES} more")
    return "\n".join(lines)


def few(hours: dict[str, float]) -> list[tuple[str, float]]:
    """The largest amounts, and the sum of the others.

    >>> few({"a": 2.0, "b": 1.0})
    [('a', 2.0), ('b', 1.0)]
    """
    items = list(hours.items())
    rest = items[MOST_LINES:]
    other = [(f"{len(rest)} others", sum(amount for _, amount in rest))] if rest else []
    return items[:MOST_LINES] + other


def draw(found: "Report", target: Path) -> None:
    """Draw the histogram of bandwidths."""
    from aliquot.plots import hours_plot

    series = (
        ("95 % of loud moments end lower", found.highest_hours),
        ("half of loud moments end lower", found.typical_hours),
    )
    if not any(any(hours) for _, hours in series):
        raise ConfigError(
            f"{target}: no bandwidth is known, so there is nothing to draw; "
            "measure the recordings: aliquot prepare FOLDER"
        )
    hours_plot(series, target)
