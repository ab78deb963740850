"""``aliquot collect``: a query in, a folder of licensed music with its manifest out."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aliquot.cli import EXIT_STATUS, NO_INPUT, SOME_FAILED, UNREADABLE
from aliquot.cli.collecting import Mover, bar, describe, say, tell, tell_of_waiting
from aliquot.errors import ConfigError

if TYPE_CHECKING:
    from aliquot.collect.gates import Wish
    from aliquot.collect.inspector import Measures
    from aliquot.collect.journal import Entry
    from aliquot.collect.network import Network
    from aliquot.collect.prepare import Wish as Lists
    from aliquot.collect.source import About, Source
    from aliquot.collect.totals import Totals

CONTACT = "ALIQUOT_CONTACT"
"""Variable of the environment with the address that operators can write to."""


@click.command(epilog=EXIT_STATUS)
@click.argument("source")
@click.argument("query")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="FOLDER",
    help="Folder of the collection; one may go on in it, with other sources too.",
)  # fmt: skip
@click.option(
    "--hours", type=click.FloatRange(0, 10_000, min_open=True), default=1.0, show_default=True,
    help="Music to be found by this query; what is there already counts.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would come, and fetch nothing.")
@click.option(
    "--share-alike", is_flag=True,
    help="Take CC-BY-SA too: what you make of it may have to carry that licence.",
)  # fmt: skip
@click.option(
    "--previews", is_flag=True,
    help="Take the previews of a shop on its own terms; nothing of them may be passed on.",
)  # fmt: skip
@click.option(
    "--min-bandwidth", type=click.FloatRange(min=0), default=0.0, metavar="HZ",
    help="Leave out what carries no sound up to here.",
)  # fmt: skip
@click.option(
    "--max-size", type=click.FloatRange(0, 10_000, min_open=True), default=1_000.0, metavar="MB",
    show_default=True, help="Leave out larger files.",
)  # fmt: skip
@click.option(
    "--contact", envvar=CONTACT, metavar="ADDRESS", default="",
    help=f"Mail or https address at which a source's operators reach you.  [env: {CONTACT}]",
)  # fmt: skip
@click.option(
    "--share", type=click.FloatRange(0, 0.5, min_open=True), default=0.1, show_default=True,
    help="Share of the artists to hold out of training.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Which artists.")
@click.option(
    "--refuse", multiple=True, metavar="KIND",
    help="Leave out what has such a finding, which by default is only noted; may be repeated.",
)  # fmt: skip
@click.option(
    "--accept", multiple=True, metavar="KIND",
    help="Only note such a finding, which by default leaves a recording out; may be repeated.",
)  # fmt: skip
@click.option(
    "--pieces", type=click.FloatRange(min=0.1), metavar="SECONDS",
    help="Also list pieces of this length that are not silent, in pieces.csv beside the manifest.",
)  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Only the written paths and failures.")
@click.pass_obj
def collect(
    network: "Network | None",
    source: str,
    query: str,
    out: Path,
    hours: float,
    dry_run: bool,
    share_alike: bool,
    previews: bool,
    min_bandwidth: float,
    max_size: float,
    contact: str,
    share: float,
    seed: int,
    refuse: tuple[str, ...],
    accept: tuple[str, ...],
    pieces: float | None,
    quiet: bool,
) -> int:
    """Search SOURCE for QUERY and fetch what may be trained on, with its licences.

    \b
    Sources:
      internet-archive  whole recordings in FLAC, with hashes
      jamendo           whole recordings in FLAC; needs JAMENDO_CLIENT_ID
      openverse         an index of other sources; mostly lossy files
      wikimedia         free recordings, much classical music, some lossless
      freesound         sounds and loops, lossy previews; needs FREESOUND_KEY
      itunes, deezer    previews on a shop's own terms; off unless you say --previews

    Taken are CC0, public domain and CC-BY. Nothing else is, without a licence nothing at all.
    Each file is decoded and examined as by aliquot prepare, which says what KIND may be.
    Run the same command again to go on after an interruption.
    """  # noqa: D301 - the \b is for click
    from aliquot.cli.console import as_interrupts
    from aliquot.collect.findings import rules
    from aliquot.collect.folder import prepare_folder
    from aliquot.collect.gates import Wish
    from aliquot.collect.inspector import Measures
    from aliquot.collect.licences import Policy

    measures = Measures(rules=rules(refuse, accept))
    opened = open_source(source, contact, network, previews=previews)
    wish = Wish(
        folder=out,
        seconds=hours * 3600,
        policy=Policy(share_alike=share_alike, terms_only=previews),
        least_hz=min_bandwidth,
        most_bytes=round(max_size * 1e6),
        today=datetime.now(UTC).date().isoformat(),
        measures=str(measures),
    )
    with as_interrupts():
        if dry_run:
            return foreseen(opened, query, wish, quiet=quiet)
        lists = prepare_folder(out, share, seed)
        status = collected(opened, query, wish, lists, measures, quiet=quiet)
    if pieces is not None and lists.manifest.exists():
        click.echo(cut(lists, pieces))
    return status


def open_source(name: str, contact: str, network: "Network | None", *, previews: bool) -> "Source":
    """A source that may be asked: with its keys, a contact and the user's consent.

    Raises:
        ConfigError: Naming what is missing and where to get it.
    """
    if find_spec("urllib3") is None:
        raise ConfigError("aliquot collect needs urllib3; run: pip install 'aliquot[collect]'")
    from aliquot.collect.client import Client
    from aliquot.collect.source import find_keys
    from aliquot.collect.sources import find

    kind = find(name)
    about = kind.about
    if about.off and not previews:
        raise ConfigError(f"{about.title} is off: {about.off}; --previews insists, at your risk")
    check_contact(about, contact)
    keys = find_keys(about, os.environ)
    return kind(Client(about.reach, network, contact.strip(), tell_of_waiting), keys)


def check_contact(about: "About", contact: str) -> None:
    """Refuse an address that cannot be one, and none where one is needed.

    Raises:
        ConfigError: Says so.
    """
    text = contact.strip()
    if not text:
        if about.contact:
            raise ConfigError(
                f"{about.title} asks every program to say who runs it; give --contact "
                f"you@example.org, or set {CONTACT}"
            )
        return
    fit = text.isascii() and text.isprintable() and not set(text) & set(" ()<>")
    if not fit or not ("@" in text or text.startswith("https://")):
        raise ConfigError(f"{contact!r} is no contact; give a mail address or an https address")


def foreseen(source: "Source", query: str, wish: "Wish", *, quiet: bool) -> int:
    """Say what would be fetched; the exit status."""
    from aliquot.collect.gates import foresee
    from aliquot.collect.totals import Totals, megabytes

    totals = Totals()
    with bar(wish.seconds, quiet=quiet) as line, earlier(wish.folder) as known:
        for step in foresee(source, query, wish, known):
            totals.add(step)
            line.update(step.seconds)
            if not quiet:
                size = megabytes(step.bytes) if step.bytes else "-"
                licence = step.track.licence.id if step.track.licence else "no licence"
                say(f"{step.state}: {describe(step.track)}, {licence}, {size}", step.reason)
    click.echo(totals.as_text())
    return 0 if totals.taken else NO_INPUT


@contextmanager
def earlier(folder: Path) -> "Iterator[Callable[[str], Entry | None] | None]":
    """What an earlier run has put down, without making a folder where there is none."""
    from aliquot.collect.folder import JOURNAL, WORKSHOP
    from aliquot.collect.journal import Journal

    path = folder / WORKSHOP / JOURNAL
    if not path.exists():
        yield None
        return
    with Journal(path) as journal:
        yield journal.get


def cut(lists: "Lists", seconds: float) -> Path:
    """List the pieces of all that is in a collection; where they stand."""
    from aliquot.collect.manifest import read_rows
    from aliquot.collect.pieces import write_pieces

    return write_pieces(read_rows(lists.manifest), lists.manifest, seconds, lists.limits.silence_db)


def collected(
    source: "Source",
    query: str,
    wish: "Wish",
    lists: "Lists",
    measures: "Measures",
    *,
    quiet: bool,
) -> int:
    """Fetch, and write the lists whatever happens; the exit status."""
    from aliquot.collect.collection import Collector
    from aliquot.collect.folder import JOURNAL, WORKSHOP, write_lists
    from aliquot.collect.inspector import Inspector
    from aliquot.collect.journal import Journal
    from aliquot.collect.network import NetworkError
    from aliquot.collect.report import noted_in
    from aliquot.collect.totals import Totals

    totals, broken = Totals(), None
    with Journal(wish.folder / WORKSHOP / JOURNAL) as journal:
        try:
            with (
                bar(wish.seconds, quiet=quiet) as line,
                Inspector(lists.manifest, measures) as inspector,
            ):
                collector = Collector(source, wish, journal, inspector, Mover(line))
                for step in collector.run(query):
                    totals.add(step)
                    tell(step, line, quiet=quiet)
        except NetworkError as error:
            broken = error
        finally:
            summary = write_lists(wish.folder, journal, lists)
    if broken is not None and not totals.taken:
        raise broken
    click.echo(lists.manifest)
    click.echo(lists.held_out)
    if broken is not None:
        say(f"aliquot: {broken}")
    if not quiet:
        say(totals.as_text())
        say(f"{len(summary.rows)} in the manifest, {len(summary.held_out)} of them held out")
        if noted := noted_in(summary.rows):
            say(f"noted: {noted}; which: aliquot data report {wish.folder}")
    return status(totals, wish, broken=broken is not None, quiet=quiet)


def status(totals: "Totals", wish: "Wish", *, broken: bool, quiet: bool) -> int:
    """The exit status of a run."""
    from aliquot.collect.journal import FAILED
    from aliquot.collect.totals import length

    if totals.seconds < wish.seconds and not broken and not quiet:
        say(f"the source has no more: {length(totals.seconds)} of {length(wish.seconds)}")
    if not totals.taken:
        return UNREADABLE if totals.states[FAILED] else NO_INPUT
    return SOME_FAILED if broken or totals.states[FAILED] else 0
