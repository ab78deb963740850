"""What became of every recording, put down at once, so that a broken-off run goes on from there."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

from aliquot.collect.manifest import Row
from aliquot.errors import ConfigError
from aliquot.io.atomic import write_error
from aliquot.io.names import shown

KEPT, REFUSED, USELESS, FAILED, LOST = "kept", "refused", "useless", "failed", "lost"
"""In the set; not allowed; fetched but of no use; could not be had; was kept and has vanished."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one recording.

    Attributes:
        key: ``source:id``.
        state: One of the words above.
        artist: Of the recording.
        title: Of the recording.
        licence: As its source states it.
        page_url: Its page.
        reason: Why it is not in the set; empty if it is.
        terms: By which measure it was found useless; by another it is tried again.
        bytes: Of the file.
        mtime_ns: When the file was put in its place.
        row: Of the manifest, if it is in the set.
    """

    key: str
    state: str
    artist: str = ""
    title: str = ""
    licence: str = ""
    page_url: str = ""
    reason: str = ""
    terms: str = ""
    bytes: int = 0
    mtime_ns: int = 0
    row: Row | None = None


class Journal:
    """A file to which one line is added for everything that happens; the last word counts.

    Only the places of the lines are held in memory. Two runs cannot have it open at a time.

    Args:
        path: Of the file; its folder must be there.

    Raises:
        ConfigError: If another run has it open, or if it is something else.
        OutputError: If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, int] = {}
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise write_error(path, error) from error
        try:
            _lock(self._file, path)
            self._load()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: str) -> Entry | None:
        """The last word on a recording."""
        place = self._places.get(key)
        if place is None:
            return None
        self._file.seek(place)
        return _parsed(self._file.readline())

    def entries(self) -> Iterator[Entry]:
        """The last word on each, by its key."""
        for key in sorted(self._places):
            entry = self.get(key)
            if entry is not None:
                yield entry

    def note(self, entry: Entry) -> None:
        """Put something down, for good if it is in the set.

        What else is lost when the power fails is only looked at once more.

        Raises:
            OutputError: If it cannot be written.
        """
        if self.get(entry.key) == entry:
            return
        line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        try:
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(line)
            self._file.flush()
            if entry.state == KEPT:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise write_error(self._path, error) from error
        self._places[entry.key] = place

    def lose(self, entry: Entry, reason: str) -> None:
        """Note that a recording that was in the set is no longer there."""
        self.note(replace(entry, state=LOST, reason=reason, row=None))

    def _load(self) -> None:
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):  # the run ended in the middle of it
                break
            entry = _parsed(line)
            if entry is not None:
                self._places[entry.key] = end
            end += len(line)
        if end and not self._places:
            raise ConfigError(
                f"{shown(self._path)} is no journal of aliquot collect; choose another folder"
            )
        self._file.truncate(end)


def _parsed(line: bytes) -> Entry | None:
    """An entry, or None for a line that holds none."""
    try:
        values: dict[str, Any] = json.loads(line)
        row = values.pop("row", None)
        return Entry(**values, row=Row(**row) if row else None)
    except (ValueError, TypeError, AttributeError):
        return None


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigError(
            f"another run of aliquot collect is at work in {shown(path.parent)}; wait for its end"
        ) from error
