"""A folder of recordings becomes a collection: each is examined, labelled, and listed once.

Every finished row and fingerprint is put down at once in files beside the manifest; a run that was
broken off goes on from there, and a later one keeps the rows of files whose content is the same.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from aliquot.collect.crew import Crew
from aliquot.collect.examine import TIME_LIMIT, Examiner
from aliquot.collect.findings import Finding, Limits, Rules, noted, read_notes
from aliquot.collect.fingerprint import EMPTY, Fingerprint, FingerprintIndex
from aliquot.collect.layouts import Labeller, Labels, labels_for
from aliquot.collect.manifest import Row, as_csv, write_text
from aliquot.collect.measure import Examination, sha256_of
from aliquot.collect.prints import PrintStore, prints_path
from aliquot.collect.split import held_out
from aliquot.collect.unfinished import (
    check_replaceable,
    earlier_sides,
    known_rows,
    list_head,
    put_down,
    unfinished_path,
)
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
    with Crew(wish.jobs, lambda: _examiner(wish)) as crew:
        for path in collection.known_first(paths):
            waiting.append(collection.candidate(path, crew))
            while len(waiting) > 2 * wish.jobs:
                yield collection.conclude(waiting.popleft())
        while waiting:
            yield collection.conclude(waiting.popleft())


def _examiner(wish: Wish) -> Examiner:
    return Examiner(time_limit=wish.time_limit, limits=wish.limits)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file on its way: refused already, or with a known row, or being examined, or both."""

    path: Path
    name: str
    refusal: Refusal | None = None
    row: Row | None = None
    running: "Future[Examination] | None" = None


class _Collection:
    """What has been listed so far, and what a further recording is held against."""

    def __init__(self, wish: Wish, label: Labeller) -> None:
        self._wish = wish
        self._label = label
        self._known = known_rows(wish.manifest)
        self._prints = PrintStore(prints_path(wish.manifest))
        self._index = FingerprintIndex()
        self._seen: dict[str, str] = {}

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._wish.manifest.parent)).as_posix()

    def known_first(self, paths: Sequence[Path]) -> list[Path]:
        return sorted(paths, key=lambda path: self._name(path) not in self._known)

    def candidate(self, path: Path, crew: Crew) -> _Candidate:
        """Refuse what is there byte for byte, keep what is known, have the rest examined."""
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
        if row is not None and row.sha256 != sha256:
            row = None
        running = None if row is not None and sha256 in self._prints else crew.examine(path)
        return _Candidate(path, name, row=row, running=running)

    def conclude(self, candidate: _Candidate) -> Step:
        """List a recording, or say why not."""
        path, row = candidate.path, candidate.row
        if candidate.refusal is not None:
            return Step(path, refusal=candidate.refusal)
        if candidate.running is not None:
            found = candidate.running.result()
            broken = next((f for f in found.problems if f.kind == "unreadable"), None)
            if broken is not None:
                return Step(path, refusal=Refusal(path, broken.detail, unreadable=True))
            self._prints.put(found.sha256, found.fingerprint)
            if row is None:
                return self._fresh(path, candidate.name, found)
        if row is None:
            raise ValueError(f"{path}: a candidate is refused, known, or being examined")
        fingerprint = self._prints.get(row.sha256) or EMPTY
        twin = self._twin(fingerprint)
        problems = [*read_notes(row.notes), *([twin] if twin is not None else [])]
        return self._admit(path, row, problems, fingerprint, kept=True)

    def _fresh(self, path: Path, name: str, found: Examination) -> Step:
        twin = self._twin(found.fingerprint)
        problems = [*found.problems, *([twin] if twin is not None else [])]
        row = row_of(name, found, self._label(path), problems)
        step = self._admit(path, row, problems, found.fingerprint)
        if step.row is not None:
            put_down(row, self._wish.manifest)
        return step

    def _twin(self, fingerprint: Fingerprint) -> Finding | None:
        """A listed recording that sounds the same, as a finding."""
        match = self._index.find(fingerprint)
        if match is None:
            return None
        figure = f"{match.error:.0%} of the fingerprint differs"
        if match.whole:
            return Finding("duplicate", f"sounds like {shown(match.name)} ({figure})")
        where = (
            f"{abs(match.offset_seconds):.1f} s into {'it' if match.offset_seconds > 0 else 'this'}"
        )
        return Finding("excerpt", f"shares its sound with {shown(match.name)} ({figure}, {where})")

    def _admit(
        self,
        path: Path,
        row: Row,
        problems: Sequence[Finding],
        fingerprint: Fingerprint,
        *,
        kept: bool = False,
    ) -> Step:
        """A step with the row, if nothing speaks against it."""
        refused = self._wish.rules.refusing(problems)
        highest, reason = row.bandwidth_hz or 0.0, noted(refused)
        if not reason and highest < self._wish.least_hz:
            least = f"under --min-bandwidth {self._wish.least_hz:.0f}"
            reason = f"narrow: carries sound up to {highest:.0f} Hz only, {least}"
        if reason:
            return Step(path, refusal=Refusal(path, reason))
        self._index.add(row.file, fingerprint)
        return Step(path, row=row, kept=kept)


def row_of(
    name: str, found: Examination, labels: Labels | None, problems: Sequence[Finding]
) -> Row:
    """What the manifest says of a recording.

    Args:
        name: As the manifest names it.
        found: What was measured.
        labels: Who made it; see :func:`aliquot.collect.layouts.labels_for`.
        problems: What is to be noted.
    """
    texts = {
        key: " ".join(getattr(labels, key).split()) if labels else ""
        for key in ("artist", "title", "genre", "licence", "source")
    }
    return Row(
        file=name,
        seconds=found.seconds,
        sample_rate=found.sample_rate,
        channels=found.channels,
        codec=found.codec,
        bandwidth_hz=found.bandwidth_hz,
        bandwidth_typical_hz=found.bandwidth_typical_hz,
        sha256=found.sha256,
        notes=noted(problems),
        **texts,
    )


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
    unfinished_path(wish.manifest).unlink(missing_ok=True)
    return held
