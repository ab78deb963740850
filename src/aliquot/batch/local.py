"""Carry out a plan on this machine, one recording after another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aliquot.api import FileOptions, restore_file
from aliquot.batch.plan import Job
from aliquot.errors import AliquotError
from aliquot.io.atomic import write_error
from aliquot.report import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job: a report, or the error that ended it."""

    job: Job
    report: Report | None = None
    error: Exception | None = None


def run(
    jobs: Sequence[Job], options: FileOptions, progress: Callable[[Job, float], None]
) -> Iterator[Outcome]:
    """Restore recordings; one that fails never stops the rest.

    Args:
        jobs: What becomes what.
        options: For all of them; a job's own container comes before theirs.
        progress: Called with a job and the part of it that is done, 0 to 1.

    Yields:
        One outcome for each job, when it has ended.
    """
    for job in jobs:
        try:
            yield Outcome(job, report=_restore(job, options, progress))
        except (AliquotError, OSError) as error:
            yield Outcome(job, error=error)


def _restore(job: Job, options: FileOptions, progress: Callable[[Job, float], None]) -> Report:
    wanted = replace(options, container=job.container)
    made: list[Path] = []
    try:
        if not options.dry_run:
            for folder in {job.target.parent, job.copy_target.parent}:
                made += _make_folders(folder)
        return restore_file(
            job.source,
            job.target,
            wanted,
            lambda part: progress(job, part),
            copy_target=job.copy_target,
        )
    finally:
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder with its parents; return those that were missing, the deepest first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    return missing
