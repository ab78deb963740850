"""A folder of recordings becomes a collection: each is examined, labelled, and listed once.

Every examination and fingerprint is put down at once in files beside the manifest; a run that was
broken off goes on from there, and a later one keeps the rows of files whose content is the same.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from aliquot.collect.crew import Crew
from aliquot.collect.earlier import check_replaceable, earlier_sides, known_rows, list_head
from aliquot.collect.examine import TIME_LIMIT, Examiner
from aliquot.collect.examined import ExaminedStore, Measured, examined_path
from aliquot.collect.findings import Limits, Rules, noted, written_notes
from aliquot.collect.layouts import Labeller, labels_for
from aliquot.collect.manifest import Row, as_csv, write_text
from aliquot.collect.measure import Examination, sha256_of
from aliquot.collect.split import held_out
from aliquot.collect.twins import Twins
from aliquot.io.names import RESULT_MARK, SOUND_SUFFIXES, shown


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made.

    Attributes:
        manifest: Where the table goes; files are named from its folder.
        held_out: Where the list of recordings that are never trained on goes.
        share: Of the artists, about, to hold out.
        seed: Which ones.
        least_hz: Recordings with content no further up than this are left out.
        jobs: Recordings examined at once.
        limits: From where on something is a finding.
        rules: Which findings leave a recording out.
        time_limit: Seconds that the decoding of one recording may take.
    """

    manifest: Path
    held_out: Path
    share: float = 0.1
    seed: int = 1
    least_hz: float = 0.0
    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    rules: Rules = field(default_factory=Rules)
    time_limit: float = TIME_LIMIT


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
    """Examine recordings, one step for each; :func:`finish` then writes the manifest.

    Args:
        folder: Below which the recordings lie.
        paths: From :func:`find`.
        wish: What is to be made.

    Yields:
        A step for each path: those with a row in the manifest first, so that a new recording never
        takes the place of one that sounds the same; else in their order.

    Raises:
        ConfigError: If a manifest or list in the way is not one that may be replaced.
        OutputError: If nothing can be written beside the manifest.
    """
    check_replaceable(wish.manifest, wish.held_out)
    collection = _Collection(wish, labels_for(folder))
    waiting: deque[_Candidate] = deque()
    with Crew(wish.jobs, collection.examiner) as crew:
        for path in collection.known_first(paths):
            waiting.append(collection.candidate(path, crew))
            while len(waiting) > 2 * wish.jobs:
                yield collection.conclude(waiting.popleft())
        while waiting:
            yield collection.conclude(waiting.popleft())


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file on its way: refused already, or examined earlier, or being examined."""

    path: Path
    name: str
    refusal: Refusal | None = None
    row: Row | None = None
    """Of an earlier manifest, if the file has not changed."""
    measured: Measured | None = None
    running: "Future[Examination] | None" = None


class _Collection:
    """What has been listed so far, and what a further recording is held against."""

    def __init__(self, wish: Wish, label: Labeller) -> None:
        self._wish = wish
        self._label = label
        self._known = known_rows(wish.manifest)
        self._examined = ExaminedStore(examined_path(wish.manifest), wish.limits)
        self._twins = Twins(wish.manifest)
        self._seen: dict[str, str] = {}

    def examiner(self) -> Examiner:
        """Somebody to examine recordings as this collection needs it."""
        wish = self._wish
        return Examiner(time_limit=wish.time_limit, limits=wish.limits, scheme=self._twins.scheme)

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._wish.manifest.parent)).as_posix()

    def known_first(self, paths: Sequence[Path]) -> list[Path]:
        return sorted(paths, key=lambda path: self._name(path) not in self._known)

    def candidate(self, path: Path, crew: Crew) -> _Candidate:
        """Refuse what is there byte for byte, have what is not known examined."""
        name = self._name(path)
        try:
            sha256 = sha256_of(path)
        except OSError as error:
            reason = f"{shown(path)}: {error.strerror or error}"
            return _Candidate(path, name, Refusal(path, reason, unreadable=True))
        first = self._seen.setdefault(sha256, name)
        if first != name:
            reason = f"duplicate: is, byte for byte, {shown(first)}"
            return _Candidate(path, name, Refusal(path, reason))
        row = self._known.get(name)
        row = row if row is not None and row.sha256 == sha256 else None
        measured = self._examined.get(sha256) if sha256 in self._twins else None
        running = crew.examine(path) if measured is None else None
        return _Candidate(path, name, None, row, measured, running)

    def conclude(self, candidate: _Candidate) -> Step:
        """List a recording, or say why not."""
        path, measured = candidate.path, candidate.measured
        if candidate.refusal is not None:
            return Step(path, refusal=candidate.refusal)
        if candidate.running is not None:
            found = candidate.running.result()
            broken = next((f for f in found.problems if f.kind == "unreadable"), None)
            if broken is not None:
                return Step(path, refusal=Refusal(path, broken.detail, unreadable=True))
            self._twins.put(found.sha256, found.fingerprint)
            measured = self._examined.put(found)
        if measured is None:
            raise ValueError(f"{path}: a candidate is refused, known, or being examined")
        row = candidate.row
        if row is None or row.bandwidth_hz is None or row.bandwidth_typical_hz is None:
            row = row_of(row or self._labelled(path, candidate.name), measured)
        return self._admit(path, row, measured, kept=candidate.running is None)

    def _labelled(self, path: Path, name: str) -> Row:
        labels = self._label(path)
        if labels is None:
            return Row(name)
        texts: dict[str, Any] = {
            key: " ".join(text.split()) for key, text in asdict(labels).items()
        }
        return replace(Row(name), **texts)

    def _admit(self, path: Path, row: Row, measured: Measured, *, kept: bool) -> Step:
        """A step with the row, if nothing speaks against it."""
        twin = self._twins.finding(measured.sha256)
        found = (*measured.problems, *([twin] if twin is not None else []))
        refused = self._wish.rules.refusing(found)
        highest, reason = row.bandwidth_hz or 0.0, noted(refused)
        if not reason and highest < self._wish.least_hz:
            least = f"under --min-bandwidth {self._wish.least_hz:.0f}"
            reason = f"narrow: carries sound up to {highest:.0f} Hz only, {least}"
        if reason:
            return Step(path, refusal=Refusal(path, reason))
        self._twins.admit(row.file, measured.sha256)
        notes = noted([*written_notes(row.notes), *found])
        return Step(path, row=replace(row, notes=notes), kept=kept)


def row_of(row: Row, measured: Measured) -> Row:
    """A row that says what was measured; its labels and notes stay."""
    names = {field.name for field in fields(Row)} & {field.name for field in fields(Measured)}
    return replace(row, **{name: getattr(measured, name) for name in names})


def finish(rows: Sequence[Row], wish: Wish) -> tuple[str, ...]:
    """Write the manifest and the list of what is held out, each whole or not at all.

    Whoever an earlier run held out, or trained on, with this share and seed stays on that side.

    Returns:
        The recordings held out.

    Raises:
        OutputError: If they cannot be written.
    """
    ordered = sorted(rows, key=lambda row: row.file)
    earlier = earlier_sides(wish.manifest, wish.held_out, wish.share, wish.seed)
    held = held_out(ordered, wish.share, wish.seed, earlier)
    head = list_head(wish.share, wish.seed)
    write_text(wish.manifest, as_csv(ordered))
    write_text(wish.held_out, head + "".join(f"{name}\n" for name in held))
    return held
