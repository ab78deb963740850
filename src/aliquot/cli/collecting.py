"""What ``aliquot collect`` shows while it works: a bar, the file that comes, what is left out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tqdm import tqdm

    from aliquot.collect.gates import Step
    from aliquot.collect.track import Track


@contextmanager
def bar(seconds: float, *, quiet: bool) -> "Iterator[tqdm[None]]":
    """A bar that counts seconds of music and says how long it will take."""
    from tqdm import tqdm

    with tqdm(
        total=round(seconds), unit="s", leave=False, file=sys.stderr,
        bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        disable=True if quiet else None,
    ) as line:  # fmt: skip
        yield line


class Mover:
    """Shows how much of the file that is being fetched has come."""

    def __init__(self, line: "tqdm[None]") -> None:
        self._line = line

    def __call__(self, track: "Track", done: int, total: int | None) -> None:
        """Write it behind the bar."""
        from aliquot.collect.totals import megabytes

        whole = f"/{megabytes(total)}" if total else ""
        self._line.set_description_str(describe(track)[:32], refresh=False)
        self._line.set_postfix_str(f"{megabytes(done)}{whole}", refresh=False)
        self._line.update(0)


def tell(step: "Step", line: "tqdm[None]", *, quiet: bool) -> None:
    """Move the bar, and say what is left out and why."""
    from aliquot.collect.journal import FAILED, KEPT

    line.update(min(round(step.seconds), max(0, (line.total or 0) - line.n)))
    if step.state != KEPT and (step.state == FAILED or not quiet):
        say(f"{step.state}: {describe(step.track)}", step.reason)


def tell_of_waiting(seconds: float, reason: str) -> None:
    """Say why nothing happens, unless it is over in a moment."""
    if seconds >= 5:
        say(f"waiting {seconds:.0f} s: {reason}")


def describe(track: "Track") -> str:
    """A recording in a few words."""
    return f"{track.artist or 'unknown'} - {track.title or track.id}"


def say(text: str, reason: str = "") -> None:
    """A line on stderr that does not tear the bar apart."""
    from tqdm import tqdm

    from aliquot.io.names import shown

    lines = f"{text}: {reason}" if reason else text
    with tqdm.external_write_mode(sys.stderr):
        click.echo("\n".join(map(shown, lines.split("\n"))), err=True)
