"""Sums over the steps of a run, for the report that ends it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from aliquot.collect.gates import WOULD, Step
from aliquot.collect.journal import KEPT


@dataclass(slots=True)
class Totals:
    """How much there is of everything.

    Attributes:
        states: State -> recordings.
        licences: Licence of what is (or would be) taken -> recordings.
        refusals: Licence, or its absence -> recordings not taken because of what is no matter of
            their sound.
        seconds: Of music taken.
        bytes: Of files taken.
        fresh: Recordings fetched in this run.
    """

    states: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    bytes: int = 0
    fresh: int = 0

    def add(self, step: Step) -> None:
        """Count one recording."""
        licence = step.track.licence.id if step.track.licence else "unknown"
        self.states[step.state] += 1
        self.fresh += step.fresh
        if step.state in (KEPT, WOULD):
            self.licences[licence] += 1
            self.seconds += step.seconds
            self.bytes += step.bytes
        else:
            self.refusals[licence] += 1

    @property
    def taken(self) -> int:
        """Recordings that are, or would be, in the set."""
        return self.states[KEPT] + self.states[WOULD]

    def as_text(self) -> str:
        """A few lines for people."""
        verb = "would be fetched" if self.states[WOULD] else "in the set"
        if self.states[WOULD] and self.states[KEPT]:
            verb = f"would be in the set, {self.states[KEPT]} of them already are"
        size = megabytes(self.bytes)
        lines = [f"{self.taken} recordings {verb}: {length(self.seconds)} of music, {size}"]
        lines += [f"  {count:5} {name}" for name, count in sorted(self.licences.items())]
        left = [(state, n) for state, n in self.states.items() if state not in (KEPT, WOULD)]
        if left:
            lines.append("left out: " + ", ".join(f"{n} {state}" for state, n in sorted(left)))
            lines += [f"  {count:5} {name}" for name, count in sorted(self.refusals.items())]
        return "\n".join(lines)


def total(steps: Iterable[Step]) -> Totals:
    """The totals of some steps."""
    totals = Totals()
    for step in steps:
        totals.add(step)
    return totals


def length(seconds: float) -> str:
    """A length for people.

    >>> length(90.0), length(7_200.0)
    ('1.5 min', '2.00 h')
    """
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def megabytes(size: int) -> str:
    """A size for people.

    >>> megabytes(1_500_000), megabytes(2_340_000_000)
    ('1.5 MB', '2.34 GB')
    """
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
