"""The folder of a collection: files in their places, the manifest, the credits, the rejected."""

import csv
import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aliquot.collect.attribution import ATTRIBUTION, MARK, attribution
from aliquot.collect.earlier import check_replaceable
from aliquot.collect.journal import KEPT, Entry, Journal
from aliquot.collect.manifest import HELD_OUT, MANIFEST, Row, read_rows, write_text
from aliquot.collect.prepare import Wish as Lists
from aliquot.collect.prepare import finish
from aliquot.collect.sources import names
from aliquot.errors import ConfigError
from aliquot.io.atomic import flush_to_disk, write_error
from aliquot.io.names import shown

WORKSHOP, JOURNAL, REJECTED = ".collect", "journal.jsonl", "rejected.csv"
"""The hidden folder of what a run needs to go on, the journal in it, the list of the rejected."""

REJECTED_COLUMNS = ("track", "state", "reason", "artist", "title", "licence", "page_url")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a collection holds.

    Attributes:
        rows: Of the manifest.
        held_out: Names of those never to train on.
        rejected: Number of recordings that were looked at and left out.
    """

    rows: tuple[Row, ...]
    held_out: tuple[str, ...]
    rejected: int


def prepare_folder(folder: Path, share: float = 0.1, seed: int = 1) -> Lists:
    """Make the folder of a collection, or look whether one may go on in it.

    Args:
        folder: Of the collection.
        share: Of the artists, about, to hold out.
        seed: Which ones.

    Raises:
        ConfigError: If something in it would be lost.
        OutputError: If it cannot be made.
    """
    try:
        (folder / WORKSHOP).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder / WORKSHOP, error) from error
    lists = Lists(folder / MANIFEST, folder / HELD_OUT, share, seed)
    check_replaceable(lists.manifest, lists.held_out)
    credits_path = folder / ATTRIBUTION
    if credits_path.exists() and MARK.encode() not in credits_path.read_bytes()[:200]:
        raise ConfigError(
            f"{shown(credits_path)} was not made by aliquot collect; move it, or choose another "
            "folder"
        )
    return lists


def place(folder: Path, path: PurePosixPath, part: Path) -> Path:
    """Give a checked file its final name; it is there whole or not at all.

    Raises:
        OutputError: If it cannot be moved.
    """
    target = folder.joinpath(*path.parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        flush_to_disk(part)
        part.replace(target)
        if os.name == "posix":
            flush_to_disk(target.parent)
    except OSError as error:
        raise write_error(target, error) from error
    return target


def is_there(folder: Path, entry: Entry) -> bool:
    """Whether the file of an entry is the one that was put there; read again if it was touched."""
    if entry.row is None:
        return False
    path = folder / entry.row.file
    try:
        stat = path.stat()
        if stat.st_size != entry.bytes:
            return False
        if stat.st_mtime_ns == entry.mtime_ns:
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry.row.sha256
    except OSError:
        return False


def write_lists(folder: Path, journal: Journal, lists: Lists) -> Summary:
    """Write manifest, held-out list, credits and the list of the rejected, each whole.

    What somebody wrote into the rows of the manifest stays, and so do the rows of recordings that
    came from elsewhere.

    Raises:
        OutputError: If they cannot be written.
    """
    for stale in folder.glob(".aliquot-*.part"):  # a list that a killed run did not finish
        stale.unlink(missing_ok=True)
    rows = _rows(folder, journal, lists.manifest)
    held = finish(rows, lists)
    ours = {entry.row.file for entry in journal.entries() if entry.row is not None}
    write_text(folder / ATTRIBUTION, attribution([row for row in rows if row.file in ours]))
    rejected = [entry for entry in journal.entries() if entry.state != KEPT]
    write_text(folder / REJECTED, _rejected(rejected))
    return Summary(tuple(rows), held, len(rejected))


def _rows(folder: Path, journal: Journal, manifest: Path) -> list[Row]:
    before = {row.file: row for row in read_rows(manifest)} if manifest.exists() else {}
    rows = []
    for entry in journal.entries():
        row = entry.row
        if entry.state != KEPT or row is None:
            continue
        if not is_there(folder, entry):
            journal.lose(entry, "its file has vanished or changed")
            continue
        edited = before.get(row.file, row)
        rows.append(edited if edited.sha256 == row.sha256 else row)
    rows += [
        row for row in before.values() if not _collected(row) and (folder / row.file).is_file()
    ]
    return sorted(rows, key=lambda row: row.file)


def _collected(row: Row) -> bool:
    """Whether a row is of a file that only the journal can vouch for."""
    parts = PurePosixPath(row.file).parts
    return len(parts) == 4 and parts[0] == "audio" and parts[1] in names()


def _rejected(entries: Sequence[Entry]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(REJECTED_COLUMNS)
    for entry in entries:
        writer.writerow(
            (entry.key, entry.state, entry.reason, entry.artist, entry.title, entry.licence,
             entry.page_url)
        )  # fmt: skip
    return text.getvalue()
