"""One fake source, the web it is in, and what is collected from it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import soundfile
from fakes.sources import Fake
from fakes.web import Web

from aliquot.collect.client import Client
from aliquot.collect.collection import Collector, Examined
from aliquot.collect.folder import JOURNAL, WORKSHOP, Summary, prepare_folder, write_lists
from aliquot.collect.gates import Step, Wish
from aliquot.collect.inspector import Findings, Inspector
from aliquot.collect.journal import Journal
from aliquot.collect.licences import Policy
from aliquot.collect.manifest import MANIFEST, Row, read_rows
from aliquot.collect.source import Source
from aliquot.collect.sources import find

Examine = Callable[[Path], Examined]


@dataclass
class Looking:
    """An examiner made of a function."""

    examine: Examine
    admitted: list[str] = field(default_factory=list)

    def admit(self, row: Row) -> None:
        self.admitted.append(row.file)


def quick(path: Path) -> Findings:
    """An examination that believes the header, for tests that are about something else."""
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        return Findings(problems=(str(error),))
    codec = "flac" if info.format == "FLAC" else info.subtype.lower()
    return Findings(info.duration, info.samplerate, info.channels, codec, 20_000.0, 19_000.0)


def blind(path: Path) -> Findings:
    """An examination that looks at nothing, for stubs."""
    return Findings(3.0, 44_100, 2, "flac", 20_000.0, 19_000.0)


def inspected(path: Path) -> Findings:
    """The examination that the command makes, of a file in the workshop of a collection."""
    with Inspector(path.parent.parent / MANIFEST) as inspector:
        return inspector.examine(path)


@dataclass
class World:
    """One fake source, the web it is in, and what is made of it."""

    fake: Fake
    web: Web
    folder: Path
    policy: Policy = field(default_factory=lambda: Policy(terms_only=True))
    steps: list[Step] = field(default_factory=list)

    def source(self, **network: object) -> Source:
        kind = find(self.fake.name)
        client = Client(kind.about.reach, self.web.network(**network), "me@example.org")
        return kind(client, self.fake.environment)

    def wish(self, hours: float = 1.0, **other: object) -> Wish:
        values = {"policy": self.policy, "today": "2026-11-23"} | other
        return Wish(self.folder, hours * 3600, **values)  # type: ignore[arg-type]

    def collect(
        self,
        hours: float = 1.0,
        examine: Examine = quick,
        source: Source | None = None,
        **other: object,
    ) -> Summary:
        """Collect all that matches; the steps are kept though the run may end with an error."""
        wish = self.wish(hours, **other)
        lists = prepare_folder(self.folder)
        self.steps = []
        source = source or self.source()
        with Journal(self.folder / WORKSHOP / JOURNAL) as journal:
            try:
                looking = Looking(examine)
                self.steps.extend(Collector(source, wish, journal, looking).run("folk"))
            finally:
                source.client.close()
                summary = write_lists(self.folder, journal, lists)
        return summary

    @property
    def reasons(self) -> str:
        return " | ".join(step.reason for step in self.steps)

    @property
    def rows(self) -> tuple[Row, ...]:
        return read_rows(self.folder / "manifest.csv")

    @property
    def states(self) -> list[str]:
        return [step.state for step in self.steps]


MakeWorld = Callable[..., World]
