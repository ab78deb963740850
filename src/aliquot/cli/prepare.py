"""``aliquot prepare``: a folder of recordings in, a manifest to train by out."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aliquot.cli import EXIT_STATUS, NO_INPUT, SOME_FAILED, UNREADABLE
from aliquot.errors import ConfigError

if TYPE_CHECKING:
    from aliquot.collect.manifest import Row
    from aliquot.collect.prepare import Refusal, Wish


@click.command(epilog=EXIT_STATUS)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="CSV",
    help="The manifest.  [default: FOLDER/manifest.csv]",
)  # fmt: skip
@click.option(
    "--held-out", type=click.Path(path_type=Path), metavar="TXT",
    help="List of recordings never to train on.  [default: held-out.txt beside the manifest]",
)  # fmt: skip
@click.option(
    "--share", type=click.FloatRange(0, 0.5, min_open=True), default=0.1, show_default=True,
    help="Share of the artists to hold out.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Which artists.")
@click.option(
    "--min-bandwidth", type=click.FloatRange(min=0), default=0.0, metavar="HZ",
    help="Leave out what carries no sound up to here.",
)  # fmt: skip
@click.option(
    "--refuse", multiple=True, metavar="KIND",
    help="Leave out what has such a finding, which by default is only noted; may be repeated.",
)  # fmt: skip
@click.option(
    "--accept", multiple=True, metavar="KIND",
    help="Only note such a finding, which by default leaves a recording out; may be repeated.",
)  # fmt: skip
@click.option(
    "--min-seconds", type=click.FloatRange(min=0), default=2.0, show_default=True,
    help="What is shorter is 'short'.",
)  # fmt: skip
@click.option(
    "--silence", type=click.FloatRange(max=0), default=-60.0, show_default=True, metavar="DB",
    help="What is never louder is 'silent'.",
)  # fmt: skip
@click.option(
    "--max-clipped", type=click.FloatRange(0, 1), default=1e-4, show_default=True, metavar="SHARE",
    help="What has a larger share of its samples on flat peaks is 'clipped'.",
)  # fmt: skip
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), default=900.0, show_default=True,
    metavar="SECONDS", help="A decoder that takes longer over one recording is ended.",
)  # fmt: skip
@click.option(
    "--pieces", type=click.FloatRange(min=0.1), metavar="SECONDS",
    help="Also list pieces of this length that are not silent, in pieces.csv beside the manifest.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Files at once.  [default: one per core, at most 4]"
)
@click.option("--quiet", "-q", is_flag=True, help="Only the written paths and failures.")
def prepare(
    folder: Path,
    out: Path | None,
    held_out: Path | None,
    share: float,
    seed: int,
    min_bandwidth: float,
    refuse: tuple[str, ...],
    accept: tuple[str, ...],
    min_seconds: float,
    silence: float,
    max_clipped: float,
    time_limit: float,
    pieces: float | None,
    jobs: int | None,
    quiet: bool,
) -> int:
    """Measure a folder of music and list it, so that a model can be trained on it.

    FOLDER is searched with all its sub-folders. Run it again after adding music: the rows of files
    that have not changed are kept, with all you have written into them. A broken-off run goes on
    where it stopped.

    What is wrong with a recording is noted in its row, or leaves it out, with the reason. KIND is
    one of restored, silent, short, duplicate; or, only noted by default, excerpt, truncated,
    abrupt, clipped, mono-as-stereo, upsampled, transcoded, changing, damaged.
    """
    from aliquot.cli.console import as_interrupts
    from aliquot.collect.findings import Limits, rules
    from aliquot.collect.manifest import HELD_OUT, MANIFEST
    from aliquot.collect.pieces import write_pieces
    from aliquot.collect.prepare import Wish, find, finish
    from aliquot.collect.report import noted_in
    from aliquot.io.names import shown

    if not folder.is_dir():
        return nothing(folder, "is not a folder" if folder.exists() else "no such folder")
    manifest = folder / MANIFEST if out is None else out
    wish = Wish(
        manifest=manifest,
        held_out=manifest.parent / HELD_OUT if held_out is None else held_out,
        share=share,
        seed=seed,
        least_hz=min_bandwidth,
        jobs=jobs or min(4, os.cpu_count() or 1),
        limits=Limits(min_seconds, silence, max_clipped),
        rules=rules(refuse, accept),
        time_limit=time_limit,
    )
    for target in (wish.manifest, wish.held_out):
        if not target.absolute().parent.is_dir():
            raise ConfigError(f"{target}: there is no such folder; make it first")
    paths, refusals = find(folder)
    for refusal in refusals:
        tell(refusal, folder)
    if not paths:
        return nothing(folder, "no recordings in this folder or below it")
    with as_interrupts():
        rows, more = measured(folder, paths, wish, quiet=quiet)
    refusals += more
    if not rows:
        click.echo(f"aliquot: {folder}: no recording can be used; nothing was written", err=True)
        return UNREADABLE
    held = finish(rows, wish)
    click.echo(wish.manifest)
    click.echo(wish.held_out)
    if pieces is not None:
        click.echo(write_pieces(rows, wish.manifest, pieces, silence))
    warn(rows, held)
    if not quiet:
        click.echo(summary(rows, held, refusals), err=True)
        if noted := noted_in(rows):
            click.echo(f"noted: {noted}; which: aliquot data report {shown(manifest)}", err=True)
    return SOME_FAILED if any(refusal.unreadable for refusal in refusals) else 0


def nothing(folder: Path, reason: str) -> int:
    """Say that there is nothing to do; the exit status."""
    from aliquot.io.names import shown

    cure = "give a folder that holds WAV, FLAC, MP3, Ogg or other recordings"
    click.echo(f"aliquot: {shown(folder)}: {reason}; {cure}", err=True)
    return NO_INPUT


def measured(
    folder: Path, paths: list[Path], wish: "Wish", *, quiet: bool
) -> "tuple[list[Row], list[Refusal]]":
    """All rows and refusals, with a bar that counts bytes."""
    from tqdm import tqdm

    from aliquot.collect.prepare import prepare as steps

    sizes = {path: path.stat().st_size for path in paths}
    rows: list[Row] = []
    refusals: list[Refusal] = []
    with tqdm(
        total=sum(sizes.values()), unit="B", unit_scale=True, leave=False, file=sys.stderr,
        disable=True if quiet else None,
    ) as bar:  # fmt: skip
        for step in steps(folder, paths, wish):
            bar.set_description_str(step.path.name[:32], refresh=False)
            bar.update(sizes[step.path])
            if step.row is not None:
                rows.append(step.row)
            elif step.refusal is not None:
                refusals.append(step.refusal)
                if step.refusal.unreadable or not quiet:
                    with tqdm.external_write_mode(sys.stderr):
                        tell(step.refusal, folder)
    return rows, refusals


def tell(refusal: "Refusal", folder: Path) -> None:
    """One line for a file that is left out: what it is called and why."""
    from aliquot.io.names import shown

    reason = shown(refusal.reason)
    if refusal.unreadable:
        named = reason if refusal.path.name in reason else f"{shown(refusal.path)}: {reason}"
        click.echo(f"aliquot: {named}", err=True)
    else:
        click.echo(f"left out: {shown(refusal.path.relative_to(folder))}: {reason}", err=True)


def warn(rows: "list[Row]", held: tuple[str, ...]) -> None:
    """Say what will be in the way of training."""
    from aliquot.collect.manifest import TREBLE_HZ, WAVES_HZ

    highest = max(row.bandwidth_hz or 0.0 for row in rows)
    reach = {row.file for row in rows if (row.bandwidth_hz or 0.0) >= WAVES_HZ}
    if highest < TREBLE_HZ:
        click.echo(
            f"warning: no recording carries sound above {highest:.0f} Hz, so there is no treble "
            "to learn; add full-band music",
            err=True,
        )
    elif not reach - set(held) or (held and not reach & set(held)):
        part = "held-out recording" if reach - set(held) else "recording to train on"
        click.echo(
            f"warning: no {part} reaches {WAVES_HZ:.0f} Hz, which audiounet, hetherly and "
            "music-gan ask for: lower wave.least_bandwidth_hz, or add full-band music",
            err=True,
        )
    if not held:
        click.echo(
            "warning: a single recording cannot be split, so nothing is held out; add others",
            err=True,
        )


def summary(rows: "list[Row]", held: tuple[str, ...], refusals: "list[Refusal]") -> str:
    """One line on what was found."""
    from aliquot.cli.console import clock
    from aliquot.collect.manifest import TREBLE_HZ

    unreadable = sum(refusal.unreadable for refusal in refusals)
    counts = (
        (len(rows), "listed"),
        (len(held), "of them held out"),
        (len(refusals) - unreadable, "left out"),
        (unreadable, "unreadable"),
    )
    artists = len({row.artist.casefold() for row in rows})
    wide = sum((row.bandwidth_hz or 0.0) >= TREBLE_HZ for row in rows)
    text = ", ".join(f"{count} {what}" for count, what in counts if count)
    length = clock(sum(row.seconds for row in rows))
    return f"{text}; {length} of music, {artists} artists, {wide} reach {TREBLE_HZ / 1000:.0f} kHz"
