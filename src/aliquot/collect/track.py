"""One recording as a source describes it, and the safe name it gets in a collection."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from aliquot.collect.licences import Licence

EXTENSIONS = frozenset({"flac", "wav", "aif", "aiff", "ogg", "oga", "opus", "mp3", "m4a"})
"""Files of other kinds are not fetched."""

LONGEST_NAME = 80
"""Characters of one part of a path, so that whole paths stay short on every system."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_KBPS = {"flac": 850, "wav": 1411, "aif": 1411, "aiff": 1411, "mp3": 192, "m4a": 256}


@dataclass(frozen=True, slots=True)
class Track:
    """What a source says of a recording before anything of it has been fetched.

    Attributes:
        source: Name of the source: ``jamendo``.
        id: As the source calls it; stable, and unique within the source.
        title: For people.
        artist: Who is to be credited; empty if nobody is named.
        page_url: The page that people can look at.
        download_url: Of the file itself; some expire within minutes.
        extension: Kind of file, without the dot, in small letters.
        licence: None if it is unknown.
        licence_url: What the source states of the licence, word for word.
        date: Of publication, as given.
        genre: Free text.
        bytes: Exact size of the file, only where the source promises it.
        md5: In hexadecimal, where the source promises it.
        sha1: Likewise.
        seconds: Length, where known; not exact.
        preview: Not the recording itself but a lossy or shortened copy to listen to.
        barred: Why it must not be fetched whatever its licence, or empty.
    """

    source: str
    id: str
    title: str
    artist: str
    page_url: str
    download_url: str
    extension: str
    licence: Licence | None
    licence_url: str
    date: str = ""
    genre: str = ""
    bytes: int | None = None
    md5: str | None = None
    sha1: str | None = None
    seconds: float | None = None
    preview: bool = False
    barred: str = ""

    @property
    def key(self) -> str:
        """What names it among all sources: ``jamendo:1204`` - the journal goes by it."""
        return f"{self.source}:{self.id}"

    @property
    def path(self) -> PurePosixPath:
        """Where it lies below the folder of a collection; never outside of it."""
        artist = safe_name(self.artist or "unknown", unique=False)
        name = f"{safe_name(self.id)}.{self.extension}"
        return PurePosixPath("audio", safe_name(self.source), artist, name)

    @property
    def likely_bytes(self) -> int:
        """Size as promised, or a guess from the length and the kind of file."""
        if self.bytes is not None:
            return self.bytes
        return round((self.seconds or 0.0) * _KBPS.get(self.extension, 160) * 125)


def safe_name(text: str, *, unique: bool = True) -> str:
    """A name that every file system takes and that leads nowhere else.

    Args:
        text: From a source, so it may hold anything.
        unique: Whether two texts must never give one name; then what had to be changed ends with
            a part of its hash.

    >>> safe_name("Ärger & Söhne", unique=False)
    'arger-sohne'
    >>> safe_name("../../etc/passwd", unique=False)
    'etc-passwd'
    >>> safe_name("1204")
    '1204'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    name = re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")
    short = name[:LONGEST_NAME].strip("-._")
    changed = short != text
    if not short or _RESERVED.fullmatch(short):
        short = f"x-{short}".strip("-")
        changed = True
    if not changed or (not unique and plain and len(name) <= LONGEST_NAME):
        return short
    return f"{short[: LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def one_line(value: object, most: int = 300) -> str:
    r"""Text from a source made fit for one cell of a table: one line, bounded, never None.

    >>> one_line(["A", "B\n C"]), one_line(None), one_line(7)
    ('A, B C', '', '7')
    """
    if isinstance(value, list | tuple):
        value = ", ".join(one_line(item) for item in value)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    clean = "".join(c if c.isprintable() else " " for c in str(value))
    return " ".join(clean.split())[:most].strip()
