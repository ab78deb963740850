"""A plain examination of a file that was fetched: it is read once, from end to end."""

from dataclasses import dataclass
from pathlib import Path

from aliquot.collect.manifest import Row
from aliquot.collect.measure import measure
from aliquot.errors import InputError


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


class PlainExaminer:
    """Measures length and bandwidth, and remembers nothing."""

    def examine(self, path: Path) -> Findings:
        """Read a file; what cannot be read or is silent has problems."""
        try:
            row = measure(path, path.name, "", lambda _: None, lambda: False)
        except InputError as error:
            return Findings(problems=(str(error),))
        return Findings(
            seconds=row.seconds,
            sample_rate=row.sample_rate,
            channels=row.channels,
            codec=row.codec,
            bandwidth_hz=row.bandwidth_hz,
            bandwidth_typical_hz=row.bandwidth_typical_hz,
        )

    def admit(self, row: Row) -> None:
        """Not remembered."""
