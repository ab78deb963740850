"""What examinations have found, put down as soon as it is known, beside the manifest.

A run that is broken off goes on from there, and a later one examines nothing twice, whether it was
listed or refused: only what is new, and everything if the limits of what is a finding have changed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from aliquot.collect.findings import Finding, Limits
from aliquot.collect.measure import Examination
from aliquot.io.atomic import write_error


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of the content of a file; the fields are those of :class:`Examination`."""

    seconds: float
    sample_rate: int
    channels: int
    codec: str
    bandwidth_hz: float | None
    bandwidth_typical_hz: float | None
    sha256: str
    problems: tuple[Finding, ...]


def examined_path(manifest: Path) -> Path:
    """Where the examinations of a manifest's recordings lie."""
    return manifest.with_name(f".{manifest.name}.examined")


class ExaminedStore:
    """Examinations by the SHA-256 of their files: a line of JSON for each, after one of limits.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "examined"
    >>> _ = ExaminedStore(path, Limits()).put(Examination(seconds=2.5, sha256="ab"))
    >>> found = ExaminedStore(path, Limits()).get("ab")
    >>> found.seconds if found else None
    2.5
    >>> ExaminedStore(path, Limits(least_seconds=3.0)).get("ab")
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        """Read what is there; a file made with other limits, or of another kind, counts as empty.

        Args:
            path: From :func:`examined_path`; need not exist.
            limits: From where on something is a finding.

        Raises:
            OutputError: If it is there and cannot be read or changed.
        """
        self.path = path
        self._head = json.dumps({"aliquot examined": 1, "limits": asdict(limits)}) + "\n"
        self._found: dict[str, Measured] = {}
        try:
            if path.exists():
                self._read()
        except OSError as error:
            raise write_error(path, error) from error

    def _read(self) -> None:
        """Take the whole lines; cut away what a run that was killed wrote of another."""
        whole = 0
        with self.path.open("r+b") as file:
            if file.readline().decode(errors="replace") == self._head:
                whole = file.tell()
                for line in file:
                    found = _measured(line)
                    if found is None:
                        break
                    self._found[found.sha256] = found
                    whole += len(line)
            file.truncate(whole)

    def get(self, sha256: str) -> Measured | None:
        """What was found in a file; None if it was not examined with these limits."""
        return self._found.get(sha256)

    def put(self, found: Examination) -> Measured:
        """Keep what was found in a file.

        Raises:
            OutputError: If it cannot be written.
        """
        values = {name: getattr(found, name) for name in Measured.__slots__}
        kept = Measured(**values)
        values["problems"] = [[finding.kind, finding.detail] for finding in found.problems]
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(("" if file.tell() else self._head) + json.dumps(values) + "\n")
        except OSError as error:
            raise write_error(self.path, error) from error
        self._found[kept.sha256] = kept
        return kept


def _measured(line: bytes) -> Measured | None:
    """An examination as it was written; None if the line is not whole."""
    try:
        values = json.loads(line) if line.endswith(b"\n") else None
        if not isinstance(values, Mapping):
            return None
        problems = tuple(Finding(kind, detail) for kind, detail in values["problems"])
        return Measured(**{**values, "problems": problems})
    except (ValueError, TypeError, KeyError):
        return None
