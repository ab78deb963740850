"""``aliquot restore``: recordings in, restored recordings out."""

from pathlib import Path

import click

from aliquot.cli import EXIT_STATUS
from aliquot.cli.values import CUTOFF, SECONDS

FORMATS = ("wav", "flac", "mp3", "ogg", "opus", "aiff", "caf", "rf64", "w64")


@click.command(epilog=EXIT_STATUS)
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for the results, or a file for one.",
)
@click.option("--recursive", "-r", is_flag=True, help="Take folders with all their sub-folders.")
@click.option("--overwrite", is_flag=True, help="Replace results that exist (default: skip them).")
@click.option("--dry-run", is_flag=True, help="Say what would become what; write nothing.")
@click.option("--template", help="Name of a result, from {name} {ext} {folder} {model}.")
@click.option(
    "--format",
    "container",
    type=click.Choice(FORMATS, case_sensitive=False),
    help="Format of the results.",
)
@click.option("--bits", type=click.Choice(["16", "24", "32f"]), help="Depth of the results.")
@click.option("--rate", type=click.IntRange(min=1), help="Sample rate of the results, in Hz.")
@click.option("--bitrate", type=click.IntRange(min=1), help="Of lossy results, in kbit/s.")
@click.option(
    "--cutoff",
    type=CUTOFF,
    default="auto",
    show_default=True,
    metavar="auto|HZ",
    help="Where the recordings' own sound ends.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1.5),
    default=1.0,
    show_default=True,
    help="How much of the high band to add.",
)
@click.option("--only-high", is_flag=True, help="Write just what would be added.")
@click.option("--start", type=SECONDS, default=0.0, help="Begin here: seconds or m:ss.")
@click.option("--duration", type=SECONDS, help="Restore only so much: seconds or m:ss.")
@click.option("--model", default="default", show_default=True, help="A release, or an .onnx file.")
@click.option("--raw", is_flag=True, help="All that a waveform model returns, as in its paper.")
@click.option(
    "--block-seconds",
    type=click.FloatRange(0.1, 60),
    default=2.0,
    show_default=True,
    help="Sound in memory at a time.",
)
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--no-tags", is_flag=True, help="Leave tags and covers behind.")
@click.option("--json", "as_json", is_flag=True, help="Print one report per line as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Only results and failures.")
def restore(
    inputs: tuple[str, ...],
    out: Path | None,
    recursive: bool,
    overwrite: bool,
    dry_run: bool,
    template: str | None,
    container: str | None,
    bits: str | None,
    rate: int | None,
    bitrate: int | None,
    cutoff: float | None,
    strength: float,
    only_high: bool,
    start: float,
    duration: float | None,
    model: str,
    raw: bool,
    block_seconds: float,
    threads: int,
    no_tags: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fill in the missing high band of recordings.

    INPUTS are files, folders or patterns. Without -o the result lies beside its input as
    NAME.restored.EXT. The paths of the results go to stdout, one per line; all else to stderr.
    """
    from aliquot.api import FileOptions, load_enhancer
    from aliquot.batch.local import run
    from aliquot.batch.plan import Wish, plan
    from aliquot.cli.console import Console, as_interrupts
    from aliquot.memory import share_freed_memory

    if container is not None:
        container = container.upper()
    wish = Wish(out, template, container, bits, bitrate, model, recursive)
    options = FileOptions(
        model=model,
        cutoff_hz=cutoff,
        strength=strength,
        only_high=only_high,
        container=container,
        bits=bits,
        bitrate_kbps=bitrate,
        output_rate=rate,
        start_seconds=start,
        duration_seconds=duration,
        raw=raw,
        block_seconds=block_seconds,
        threads=threads,
        overwrite=overwrite,
        dry_run=dry_run,
        keep_tags=not no_tags,
    )
    todo = plan(inputs, wish)
    share_freed_memory()
    if todo.jobs:
        load_enhancer(model, raw=raw)
    with as_interrupts(), Console(todo, quiet=quiet, as_json=as_json) as console:
        for outcome in run(todo.jobs, options, console.progress):
            console.tell(outcome)
    return console.exit_status
