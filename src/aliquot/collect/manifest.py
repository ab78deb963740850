"""The manifest of a collection: one row per recording. The one place that reads and writes it."""

import csv
import io
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aliquot.errors import ConfigError
from aliquot.io.atomic import PendingFile, write_error
from aliquot.io.names import shown

MANIFEST, HELD_OUT = "manifest.csv", "held-out.txt"
"""Names of the two files beside a collection."""


TREBLE_HZ, WAVES_HZ = 12_000.0, 18_000.0
"""Some recording must reach the first, or there is no treble to learn; the founding methods, which
make a band of a fixed width, learn from those alone that reach the second."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one recording; the fields are the columns, in their order.

    Attributes:
        file: Its path from the folder of the manifest, with ``/``.
        seconds: Length.
        sample_rate: In Hz.
        channels: Number.
        codec: ``flac``, ``mp3``, ``vorbis``, ``pcm_16`` and so on.
        bandwidth_hz: Highest frequency with content; None if nobody measured it.
        licence: As its source states it.
        artist: Recordings of one artist are never split between training and validation.
        title: For people.
        source: Where it is from, an address as a rule.
        genre: Free text.
        sha256: Of the file, in hexadecimal.
        bandwidth_typical_hz: Half of the loud moments reach it; None if nobody measured it.
        notes: Free text.
        licence_url: Where its source states the licence, word for word.
        date: Of publication, as its source gives it.
        collected: Day on which it was fetched, under that licence.
    """

    file: str
    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    codec: str = ""
    bandwidth_hz: float | None = None
    licence: str = ""
    artist: str = ""
    title: str = ""
    source: str = ""
    genre: str = ""
    sha256: str = ""
    bandwidth_typical_hz: float | None = None
    notes: str = ""
    licence_url: str = ""
    date: str = ""
    collected: str = ""


COLUMNS = tuple(field.name for field in fields(Row))
NUMBERS = ("seconds", "sample_rate", "channels", "bandwidth_hz", "bandwidth_typical_hz")
_WHOLE = frozenset({"sample_rate", "channels"})
_UNITS = {"seconds": "a length in seconds", "channels": "a number of channels"}


def read_rows(path: Path, needed: Collection[str] = ("file",)) -> tuple[Row, ...]:
    """Read a manifest; columns it lacks, and columns nobody knows, do no harm.

    Args:
        path: A CSV file with a line of column names, in UTF-8.
        needed: Columns that must be there and, if they are numbers, be filled in in every row.

    Raises:
        ConfigError: Naming the column, and the recording whose value cannot be used.
    """
    with _opened(path) as reader:
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            names = ", ".join(repr(name) for name in missing)
            raise ConfigError(
                f"{shown(path)} lacks the column {names}; add it, or make the manifest anew: "
                "aliquot prepare FOLDER"
            )
        return tuple(_row(entry, needed, path) for entry in reader)


def read_header(path: Path) -> tuple[str, ...]:
    """The columns of a manifest.

    Raises:
        ConfigError: If it cannot be read.
    """
    with _opened(path) as reader:
        return tuple(reader.fieldnames or ())


@contextmanager
def _opened(path: Path) -> Iterator["csv.DictReader[str]"]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield csv.DictReader(file)
    except OSError as error:
        raise ConfigError(
            f"cannot read the manifest {shown(path)}: {error.strerror or error}; check the path"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"{shown(path)} is no CSV file in UTF-8 ({error}); make it anew: aliquot prepare FOLDER"
        ) from error


def _row(entry: dict[str, Any], needed: Collection[str], path: Path) -> Row:
    values: dict[str, Any] = {}
    for name in COLUMNS:
        text = (entry.get(name) or "").strip()
        if name not in NUMBERS:
            values[name] = text
        elif text or name in needed:
            values[name] = _number(name, text, entry.get("file") or "", path)
    return Row(**values)


def _number(name: str, text: str, file: str, path: Path) -> float | int:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf or (name in _WHOLE and number != int(number)):
        unit = _UNITS.get(name, "a frequency in Hz")
        raise ConfigError(
            f"{shown(path)}: {name} of {shown(file)} is {text!r}; write {unit}, or remove the row"
        )
    return int(number) if name in _WHOLE else number


def as_csv(rows: Iterable[Row], *, header: bool = True) -> str:
    r"""Rows as text; frequencies in whole Hz, lengths in hundredths of a second.

    >>> as_csv([Row("a.wav", 1.5, 44_100, 2, artist="A, B")], header=False)
    'a.wav,1.50,44100,2,,,,"A, B",,,,,,,,,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    writer.writerows([_cell(name, getattr(row, name)) for name in COLUMNS] for row in rows)
    return text.getvalue()


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}" if name == "seconds" else f"{value:.0f}"
    return str(value)


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all, in the place of an older one.

    Raises:
        OutputError: If it cannot be written.
    """
    pending = PendingFile(path, overwrite=True)
    pending.create()
    try:
        pending.path.write_text(text, encoding="utf-8", newline="")
        pending.commit()
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        pending.discard()


def read_list(path: Path) -> tuple[str, ...]:
    """The lines of a list of recordings; ``#`` begins a line that says nothing.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"cannot read the held-out list {shown(path)}: {error.strerror or error}; set "
            "data.held_out to a list of files, or make one: aliquot prepare FOLDER"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown(path)} is no text in UTF-8; save it as such") from error
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
