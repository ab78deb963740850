"""Judges what was fetched: each file is read in a process of its own and held against the set."""

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from aliquot.collect.examine import TIME_LIMIT, Examiner
from aliquot.collect.examined import ExaminedStore, examined_path
from aliquot.collect.findings import Limits, Rules, noted
from aliquot.collect.manifest import Row
from aliquot.collect.twins import Twins


@dataclass(frozen=True, slots=True)
class Findings:
    """What a file holds; the fields are those of :class:`aliquot.collect.collection.Examined`."""

    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    codec: str = ""
    bandwidth_hz: float | None = None
    bandwidth_typical_hz: float | None = None
    problems: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Measures:
    """By what files are judged.

    Attributes:
        limits: From where on something is a finding.
        rules: Which findings leave a recording out; the others are noted.
        time_limit: Seconds that the decoding of one recording may take.
    """

    limits: Limits = field(default_factory=Limits)
    rules: Rules = field(default_factory=Rules)
    time_limit: float = TIME_LIMIT

    def __str__(self) -> str:
        refused = " ".join(sorted(self.rules.refused))
        return f"{self.limits} refusing {refused}"


class Inspector:
    """Reads files that nobody vouches for, and remembers what is in the set.

    What was found is put down beside the manifest, where `aliquot prepare` finds it. Use it in a
    ``with`` statement; leaving it ends the process.
    """

    def __init__(self, manifest: Path, measures: Measures | None = None) -> None:
        """Nothing is started before the first examination.

        Args:
            manifest: Of the collection.
            measures: By what files are judged.

        Raises:
            OutputError: If nothing can be put down beside the manifest.
        """
        measures = measures or Measures()
        self._rules = measures.rules
        self._twins = Twins(manifest)
        self._examined = ExaminedStore(examined_path(manifest), measures.limits)
        self._examiner = Examiner(
            time_limit=measures.time_limit, limits=measures.limits, scheme=self._twins.scheme
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._examiner.close()

    def examine(self, path: Path) -> Findings:
        """Read a file from end to end.

        Args:
            path: The file; what is wrong with it is no error.

        Raises:
            OutputError: If what was found cannot be put down.
        """
        found = self._examiner.examine(path)
        problems = found.problems
        if found.sha256 and not any(finding.kind == "unreadable" for finding in problems):
            self._twins.put(found.sha256, found.fingerprint)
            self._examined.put(found)
            twin = self._twins.finding(found.sha256)
            problems = (*problems, *([twin] if twin is not None else []))
        refusing = self._rules.refusing(problems)
        return Findings(
            seconds=found.seconds,
            sample_rate=found.sample_rate,
            channels=found.channels,
            codec=found.codec,
            bandwidth_hz=found.bandwidth_hz,
            bandwidth_typical_hz=found.bandwidth_typical_hz,
            problems=tuple(map(str, refusing)),
            notes=noted(finding for finding in problems if finding not in refusing),
        )

    def admit(self, row: Row) -> None:
        """A recording is in the set: what sounds the same is a problem from now on."""
        self._twins.admit(row.file, row.sha256)
