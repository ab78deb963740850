"""``aliquot inspect``: where a recording's own sound ends, and why we think so."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aliquot.cli import EXIT_STATUS
from aliquot.errors import ConfigError, InputError

if TYPE_CHECKING:
    from aliquot.verdict import Verdict

DRAWN_SECONDS = 600.0
"""More of a recording is not drawn."""


@click.command(epilog=EXIT_STATUS)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="PNG",
    help="Draw the spectrogram with the cut-off.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def inspect(file: Path, plot: Path | None, as_json: bool) -> None:
    """Say where a recording's own sound ends: band-limited, codec-limited or full-band."""
    from aliquot.verdict import inspect as inspect_file

    if plot is not None and plot.suffix.lower() != ".png":
        raise ConfigError(f"{plot}: a picture is a PNG; give --plot a name that ends in .png")
    verdict = inspect_file(file)
    if as_json:
        click.echo(json.dumps({"path": str(file), **plain(verdict)}, allow_nan=False))
    else:
        click.echo(describe(file, verdict))
    if plot is not None:
        draw(file, verdict, plot)
        click.echo(f"drawn: {plot}", err=True)


def plain(verdict: "Verdict") -> dict[str, Any]:
    """A verdict as plain data, without the spectrum that it was measured on."""
    row = asdict(verdict)
    for part in (row["bandwidth"], *row["bandwidth"]["segments"]):
        part.pop("long_term")
    return row


def describe(file: Path, verdict: "Verdict") -> str:
    """A few lines for people."""
    from aliquot.cli.console import clock
    from aliquot.io.names import shown

    band = verdict.bandwidth
    kind = f"{verdict.kind} ({verdict.codec})" if verdict.codec else verdict.kind
    lines = [
        shown(file),
        f"  verdict     {kind}",
        f"  cut-off     {band.cutoff_hz:.0f} Hz",
        f"  confidence  {band.confidence:.2f}",
        f"  reason      {verdict.reason}",
    ]
    if len(band.segments) > 1:
        lines += [
            f"  from {clock(part.start_seconds):>6} {part.cutoff_hz:7.0f} Hz"
            for part in band.segments
        ]
    return "\n".join(lines)


def draw(file: Path, verdict: "Verdict", target: Path) -> None:
    """Draw the spectrogram of a recording's beginning, with a line at its cut-off."""
    import numpy as np

    from aliquot.io.sound import open_reader
    from aliquot.plots import spectrogram_plot

    with open_reader(file) as reader:
        rate = reader.info.sample_rate
        blocks = [
            block.mean(axis=0, keepdims=True)
            for block in reader.blocks(duration_seconds=DRAWN_SECONDS)
        ]
    if not blocks:
        raise InputError(f"{file}: it holds no samples to draw; leave --plot out")
    samples = np.concatenate(blocks, axis=1)
    spectrogram_plot([(file.name, samples)], rate, target, verdict.bandwidth.cutoff_hz)
