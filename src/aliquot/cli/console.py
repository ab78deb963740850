"""What a run of ``aliquot restore`` says: results on stdout, everything else on stderr."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import click
from tqdm import tqdm

from aliquot.batch.find import Failure
from aliquot.batch.local import Outcome
from aliquot.batch.plan import Job, Plan
from aliquot.cli import DONE, NO_INPUT, SOME_FAILED, UNWRITABLE, USAGE, exit_status, one_line
from aliquot.io.names import shown
from aliquot.report import Report

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class Console:
    """Tells of a run while it goes on, and sums it up at its end.

    One bar covers the whole run, measured in seconds of sound, so that its rate is the number of
    times real time. It appears on a terminal only.
    """

    def __init__(self, plan: Plan, *, quiet: bool, as_json: bool) -> None:
        self._plan = plan
        self._quiet = quiet
        self._as_json = as_json
        self._counts: dict[str, int] = {}
        self._statuses: list[int] = []
        self._seconds = 0.0
        self._began = time.monotonic()
        self._bar = tqdm(
            total=sum(job.seconds or 0.0 for job in plan.jobs),
            bar_format=BAR,
            disable=True if quiet or not plan.jobs else None,
            leave=False,
            file=sys.stderr,
        )
        self._before = 0.0

    def __enter__(self) -> Self:
        for failure in self._plan.failures:
            self._failed(failure)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        lone_failure = len(self._statuses) == 1 and not self._counts
        if not self._quiet and not lone_failure:
            click.echo(self._summary(), err=True)

    @property
    def exit_status(self) -> int:
        """The exit status of the run so far."""
        if not self._statuses:
            return DONE
        if not self._plan.found:
            return NO_INPUT
        if not self._counts:
            kinds = set(self._statuses)
            if len(self._statuses) == 1 or kinds in ({UNWRITABLE}, {USAGE}):
                return kinds.pop()
        return SOME_FAILED

    def progress(self, job: Job, part: float) -> None:
        """Move the bar; ``part`` of the job is done, 0 to 1."""
        if self._bar.disable:
            return
        self._bar.set_description_str(job.source.name[:32], refresh=False)
        speed = self._bar.n / max(time.monotonic() - self._began, 1e-3)
        self._bar.set_postfix_str(f"{speed:.0f}x real time", refresh=False)
        self._bar.update(self._before + part * (job.seconds or 0.0) - self._bar.n)

    def tell(self, outcome: Outcome) -> None:
        """Say what became of one job."""
        if outcome.report is not None:
            self._done(outcome.report)
        elif outcome.error is not None:
            self._failed(Failure(outcome.job.source, outcome.error))
        seconds = outcome.job.seconds or 0.0
        if outcome.report is not None and outcome.report.action in ("restored", "copied"):
            self._before += seconds
            self._seconds += outcome.report.seconds
        elif self._bar.total:
            self._bar.total -= seconds
        self._bar.update(self._before - self._bar.n)

    def _done(self, report: Report) -> None:
        self._counts[report.action] = self._counts.get(report.action, 0) + 1
        with tqdm.external_write_mode(sys.stderr):
            for warning in report.warnings:
                click.echo(f"warning: {shown(report.source or '')}: {warning}", err=True)
            if not self._quiet:
                click.echo(describe(report), err=True)
            line = json.dumps(report.as_dict(), default=str) if self._as_json else report.target
            click.echo(line)

    def _failed(self, failure: Failure) -> None:
        self._statuses.append(exit_status(failure.error))
        message = one_line(failure.error)
        if failure.source.name not in message:
            message = f"{shown(failure.source)}: {message}"
        with tqdm.external_write_mode(sys.stderr):
            click.echo(f"aliquot: {message}", err=True)
            if self._as_json:
                row = {"action": "failed", "source": str(failure.source), "error": message}
                click.echo(json.dumps(row))

    def _summary(self) -> str:
        counts = self._counts | ({"failed": len(self._statuses)} if self._statuses else {})
        text = ", ".join(f"{count} {action}" for action, count in counts.items()) or "nothing done"
        elapsed = time.monotonic() - self._began
        if self._seconds:
            speed = self._seconds / max(elapsed, 1e-3)
            text += f"; {clock(self._seconds)} of music in {elapsed:.1f} s, {speed:.0f}x real time"
        return text


def describe(report: Report) -> str:
    """One line on what was found and done: the cut-off, and what was added to what was given."""
    name = shown(report.source or "")
    if report.action == "skipped":
        return f"{name}: skipped, the result exists; --overwrite replaces it"
    what = report.kind if report.codec is None else f"{report.kind} ({report.codec})"
    if report.kind == "full-band" and not report.confidence:
        what = "silent"
    elif report.cutoff_hz is not None:
        what += f", ends at {report.cutoff_hz / 1000:.1f} kHz"
    if report.action == "planned":
        return f"{name}: {what}; would become {shown(report.target or '')}"
    if report.action == "copied":
        return f"{name}: {what}; nothing to restore, copied"
    added = "nothing" if report.added_db is None else f"{report.added_db:.1f} dB"
    line = f"{name}: {what}; added {added}"
    if len(report.segments) > 1:
        parts = (f"{clock(start)} {hertz / 1000:.1f} kHz" for start, _, hertz in report.segments)
        line += f"; the cut-off changes: {', '.join(parts)}"
    return line


def clock(seconds: float) -> str:
    """A time as minutes and seconds.

    >>> clock(125.4)
    '2:05'
    """
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Let a request to end, or a closed terminal, clean up as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
