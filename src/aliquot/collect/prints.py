"""Fingerprints kept beside a manifest, so that no recording is decoded twice for the sake of one.

A file of records that only ever grows at its end; one that was broken off in the middle of a record
is cut back to the last whole one. In memory lies only where each record begins.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from aliquot.collect.fingerprint import SPECTRAL_HASH, Fingerprint, Scheme
from aliquot.io.atomic import write_error

_MAGIC = "aliquot fingerprints 2 {}\n"
_HEAD = struct.Struct("<32sII")
"""SHA-256 of the recording, number of words, number of levels."""


def prints_path(manifest: Path) -> Path:
    """Where the fingerprints of a manifest's recordings lie."""
    return manifest.with_name(f".{manifest.name}.fingerprints")


class PrintStore:
    """Fingerprints of one scheme by the SHA-256 of their files.

    Attributes:
        path: Where they lie.
        scheme: Of all of them.

    >>> import tempfile
    >>> store = PrintStore(Path(tempfile.mkdtemp()) / "prints")
    >>> store.put("ab" * 32, Fingerprint(np.arange(3, dtype=np.uint32), np.zeros(4, np.uint8)))
    >>> found = PrintStore(store.path).get("ab" * 32)
    >>> found.words.tolist() if found else None
    [0, 1, 2]
    """

    def __init__(self, path: Path, usable: Sequence[Scheme] = (SPECTRAL_HASH,)) -> None:
        """Look up what is there; a file of another kind or version counts as empty.

        Args:
            path: From :func:`prints_path`; need not exist.
            usable: Schemes that may be kept; an empty store is of the first one.

        Raises:
            OutputError: If it is there and cannot be opened to be added to.
        """
        self.path = path
        self.scheme = usable[0]
        self._places: dict[bytes, int] = {}
        try:
            if path.exists():
                with path.open("r+b") as file:
                    named = _scheme_of(file, usable)
                    self.scheme = named or self.scheme
                    file.truncate(self._scan(file) if named is not None else 0)
        except OSError as error:
            raise write_error(path, error) from error

    def _scan(self, file: BinaryIO) -> int:
        """Note where the records begin, after the first line; the end of the last whole one."""
        size, end = self.path.stat().st_size, file.tell()
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            digest, words, levels = _HEAD.unpack(head)
            after = end + _HEAD.size + 4 * words + levels
            if after > size:
                break
            self._places[digest] = end
            end = after
            file.seek(end)
        return end

    def _magic(self) -> bytes:
        return _MAGIC.format(self.scheme.name).encode()

    def __contains__(self, sha256: str) -> bool:
        return bytes.fromhex(sha256) in self._places

    def get(self, sha256: str) -> Fingerprint | None:
        """The fingerprint of a file; None if there is none.

        Args:
            sha256: In hexadecimal.
        """
        place = self._places.get(bytes.fromhex(sha256))
        if place is None:
            return None
        with self.path.open("rb") as file:
            file.seek(place)
            _, words, levels = _HEAD.unpack(file.read(_HEAD.size))
            data = file.read(4 * words + levels)
        return Fingerprint(
            np.frombuffer(data[: 4 * words], "<u4").astype(np.uint32),
            np.frombuffer(data[4 * words :], np.uint8),
            self.scheme,
        )

    def put(self, sha256: str, fingerprint: Fingerprint) -> None:
        """Keep a fingerprint, unless there is one of this file.

        Raises:
            OutputError: If it cannot be written.
        """
        digest = bytes.fromhex(sha256)
        if digest in self._places:
            return
        words, levels = fingerprint.words.astype("<u4"), fingerprint.levels
        record = _HEAD.pack(digest, words.size, levels.size) + words.tobytes() + levels.tobytes()
        try:
            with self.path.open("ab") as file:
                if not file.tell():
                    file.write(self._magic())
                self._places[digest] = file.tell()
                file.write(record)
        except OSError as error:
            self._places.pop(digest, None)
            raise write_error(self.path, error) from error


def _scheme_of(file: BinaryIO, usable: Sequence[Scheme]) -> Scheme | None:
    """The scheme that the first line of a file names; None if it is none of those."""
    line = file.readline(100).decode(errors="replace")
    return next((scheme for scheme in usable if line == _MAGIC.format(scheme.name)), None)
