"""A folder of recordings becomes a collection: each is measured, labelled, and listed once.

Recordings are read in blocks, so memory does not grow with their length. Every finished row is put
down at once in a file beside the manifest; a run that was broken off goes on from there, and a
later one keeps the rows of files whose content is the same.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from aliquot.collect.layouts import Labeller, labels_for
from aliquot.collect.manifest import (
    COLUMNS,
    Row,
    as_csv,
    read_header,
    read_rows,
    write_text,
)
from aliquot.collect.measure import UselessError, measure
from aliquot.collect.split import held_out
from aliquot.errors import ConfigError, InputError
from aliquot.io.atomic import write_error
from aliquot.io.names import RESULT_MARK, SOUND_SUFFIXES, shown

LIST_MARK = "# Held out by aliquot prepare"
"""Begins the list of held-out recordings; a file without it is somebody's own."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made.

    Attributes:
        manifest: Where the table goes; files are named from its folder.
        held_out: Where the list of recordings that are never trained on goes.
        share: Of the artists, about, to hold out.
        seed: Which ones.
        least_hz: Recordings with content no further up than this are left out.
        jobs: Recordings measured at once.
    """

    manifest: Path
    held_out: Path
    share: float = 0.1
    seed: int = 1
    least_hz: float = 0.0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recording that is not in the manifest, and why."""

    path: Path
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One file is done: a row, or a refusal, and whether the row was known before."""

    path: Path
    row: Row | None = None
    refusal: Refusal | None = None
    kept: bool = False


def find(folder: Path) -> tuple[list[Path], list[Refusal]]:
    """Recordings below a folder in a stable order, and folders that cannot be looked into.

    Hidden files and results that lie beside their originals are passed over.
    """
    found: list[Path] = []
    refusals: list[Refusal] = []

    def note(error: OSError) -> None:
        path = Path(error.filename or folder)
        reason = f"{shown(path)}: {error.strerror}; check the folder's permissions"
        refusals.append(Refusal(path, reason, unreadable=True))

    for name, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
        for file in sorted(files):
            path = Path(name) / file
            hidden = file.startswith(".") or path.stem.endswith(RESULT_MARK)
            if path.suffix.lower() in SOUND_SUFFIXES and not hidden and path.is_file():
                found.append(path)
    return found, refusals


def prepare(folder: Path, paths: Sequence[Path], wish: Wish) -> Iterator[Step]:
    """Measure recordings, one step for each; :func:`finish` then writes the manifest.

    Args:
        folder: Below which the recordings lie.
        paths: From :func:`find`.
        wish: What is to be made.

    Yields:
        A step for each path, in the order in which they end.

    Raises:
        ConfigError: If a manifest or list in the way is not one that may be replaced.
        OutputError: If nothing can be written beside the manifest.
    """
    check_replaceable(wish)
    known = _known(wish.manifest)
    label = labels_for(folder)
    seen: dict[str, str] = {}
    for step in _steps(paths, wish, known, label, seen):
        if step.row is not None and not step.kept:
            _put_down(step.row, wish.manifest)
        yield step


def _put_down(row: Row, manifest: Path) -> None:
    try:
        with unfinished_path(manifest).open("a", encoding="utf-8", newline="") as file:
            file.write(as_csv([row], header=not file.tell()))
    except OSError as error:
        raise write_error(manifest, error) from error


def _steps(
    paths: Sequence[Path],
    wish: Wish,
    known: dict[str, Row],
    label: Labeller,
    seen: dict[str, str],
) -> Iterator[Step]:
    running: dict[Future[Row], Path] = {}
    pool, stop = ThreadPoolExecutor(wish.jobs), Event()
    try:
        for path in paths:
            name = Path(os.path.relpath(path, wish.manifest.parent)).as_posix()
            try:
                sha256 = _hash(path)
            except OSError as error:
                yield _failed(path, InputError(f"{shown(path)}: {error.strerror or error}"))
                continue
            first = seen.setdefault(sha256, name)
            row = known.get(name)
            if first != name:
                yield Step(path, refusal=Refusal(path, f"is, byte for byte, {shown(first)}"))
            elif row is not None and row.sha256 == sha256:
                yield _checked(path, row, wish, kept=True)
            else:
                job = pool.submit(measure, path, name, sha256, label, stop.is_set)
                running[job] = path
            while len(running) >= 2 * wish.jobs:
                yield from _ended(running, wish)
        while running:
            yield from _ended(running, wish)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _ended(running: dict[Future[Row], Path], wish: Wish) -> Iterator[Step]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        path = running.pop(future)
        try:
            yield _checked(path, future.result(), wish)
        except (InputError, OSError) as error:
            yield _failed(path, error)


def _failed(path: Path, error: Exception) -> Step:
    unreadable = not isinstance(error, UselessError)
    return Step(path, refusal=Refusal(path, str(error), unreadable=unreadable))


def _checked(path: Path, row: Row, wish: Wish, *, kept: bool = False) -> Step:
    """A row that is wanted; the row itself stays known although it is not."""
    highest = row.bandwidth_hz or 0.0
    if highest >= wish.least_hz:
        return Step(path, row=row, kept=kept)
    reason = f"carries sound up to {highest:.0f} Hz only, under --min-bandwidth {wish.least_hz:.0f}"
    return Step(path, refusal=Refusal(path, reason))


def finish(rows: Sequence[Row], wish: Wish) -> tuple[str, ...]:
    """Write the manifest and the list of what is held out, each whole or not at all.

    Returns:
        The recordings held out.

    Raises:
        OutputError: If they cannot be written.
    """
    ordered = sorted(rows, key=lambda row: row.file)
    held = held_out(ordered, wish.share, wish.seed)
    head = f"{LIST_MARK} --share {wish.share:g} --seed {wish.seed}; never trained on.\n"
    write_text(wish.manifest, as_csv(ordered))
    write_text(wish.held_out, head + "".join(f"{name}\n" for name in held))
    unfinished_path(wish.manifest).unlink(missing_ok=True)
    return held


def unfinished_path(manifest: Path) -> Path:
    """Where finished rows are put down until the manifest is written."""
    return manifest.with_name(f".{manifest.name}.unfinished")


def check_replaceable(wish: Wish) -> None:
    """Refuse to replace what somebody made by hand.

    Raises:
        ConfigError: If the manifest has columns that would be lost, or the list is not ours.
    """
    if wish.manifest.exists():
        lost = [name for name in read_header(wish.manifest) if name not in COLUMNS]
        if lost:
            raise ConfigError(
                f"{shown(wish.manifest)} has a column {lost[0]!r}, which would be lost; "
                "give --out another name, or delete it"
            )
    if wish.held_out.exists():
        with wish.held_out.open("rb") as file:
            own = file.read(len(LIST_MARK)) == LIST_MARK.encode()
        if not own:
            raise ConfigError(
                f"{shown(wish.held_out)} was not made by aliquot prepare; "
                "give --held-out another name, or delete it"
            )


def _known(manifest: Path) -> dict[str, Row]:
    """Rows of an earlier run, finished or not, that are complete."""
    rows: list[Row] = []
    if manifest.exists():
        rows += read_rows(manifest)
    unfinished = unfinished_path(manifest)
    try:
        text = unfinished.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # broken off in the middle of a row
            write_text(unfinished, whole)
        rows += read_rows(unfinished) if whole else []
    except FileNotFoundError:
        pass
    except (ConfigError, UnicodeDecodeError):
        unfinished.unlink()
    done = (row for row in rows if row.bandwidth_hz is not None)
    return {row.file: row for row in done if row.bandwidth_typical_hz is not None and row.sha256}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
