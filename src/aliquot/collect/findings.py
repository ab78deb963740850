"""What can be wrong with a recording, from where on, and what of it makes it useless.

All of it is data: a new kind is one entry of :data:`KINDS`, a threshold one field of
:class:`Limits`. What is noted of a listed recording goes into the ``notes`` of its row, as
``kind: detail``, and is read back from there.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aliquot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: A key of :data:`KINDS`.
        detail: What was measured, with the figure; no full stop, no ``"; "``.
    """

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of finding means.

    Attributes:
        refuses: Whether, by default, such a recording is left out; else it is noted.
        meaning: One line for people.
    """

    refuses: bool
    meaning: str


KINDS: dict[str, Kind] = {
    "unreadable": Kind(True, "the decoder fails, or takes too much time or memory"),
    "restored": Kind(True, "aliquot made its treble, which is no truth to learn from"),
    "silent": Kind(True, "its loudest moment is quieter than the limit"),
    "short": Kind(True, "it is shorter than the limit"),
    "duplicate": Kind(True, "another recording of the collection sounds the same"),
    "excerpt": Kind(False, "another recording of the collection holds the same, or it that one"),
    "truncated": Kind(False, "its end is missing: less can be read than the file declares"),
    "abrupt": Kind(False, "it ends at full level: a loop, or cut off before it was stored"),
    "clipped": Kind(False, "its peaks are flat"),
    "mono-as-stereo": Kind(False, "its channels are the same, or one of them is silent"),
    "upsampled": Kind(False, "it ends steeply far below what its sample rate could carry"),
    "transcoded": Kind(False, "a lossy codec took its treble before this file was made"),
    "changing": Kind(False, "parts of it end lower than others: quiet, or of other origin"),
    "no-fingerprint": Kind(False, "no fingerprint could be taken: duplicates of it are not found"),
    "damaged": Kind(False, "parts of it are no usable sound"),
}
"""Every kind, the gravest first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is a finding.

    Attributes:
        least_seconds: What is shorter is ``short``.
        silence_db: What never exceeds it, in dB of full scale, is ``silent``: training passes over
            crops under this level, so it would pass over the whole recording.
        clipped_share: Share of samples, 0-1, on flat peaks from which it is ``clipped``.
        mono_db: Channels that differ by less than this, in dB of their power, are the same.
    """

    least_seconds: float = 2.0
    silence_db: float = -60.0
    clipped_share: float = 1e-4
    mono_db: float = -60.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Which kinds of findings leave a recording out.

    Attributes:
        refused: Keys of :data:`KINDS`.
    """

    refused: frozenset[str] = frozenset(name for name, kind in KINDS.items() if kind.refuses)

    def refusing(self, problems: Iterable[Finding]) -> list[Finding]:
        """Those of some findings that leave a recording out."""
        return [finding for finding in problems if finding.kind in self.refused]


def rules(refuse: Collection[str] = (), accept: Collection[str] = ()) -> Rules:
    """The default rules with a user's exceptions.

    Args:
        refuse: Kinds that shall leave a recording out.
        accept: Kinds that shall only be noted.

    Raises:
        ConfigError: If a kind is unknown, named twice over, or cannot be accepted.

    >>> "silent" in rules(accept=["silent"]).refused
    False
    """
    for name in (*refuse, *accept):
        if name not in KINDS:
            legal = ", ".join(KINDS)
            raise ConfigError(f"{name!r} is no kind of finding; choose one of {legal}")
    both = sorted(set(refuse) & set(accept))
    if both:
        raise ConfigError(f"{both[0]!r} cannot be refused and accepted; give one of the two")
    if "unreadable" in accept:
        raise ConfigError("'unreadable' cannot be accepted: nothing is known of such a file")
    return Rules((Rules().refused | set(refuse)) - set(accept))


def noted(findings: Iterable[Finding | str]) -> str:
    """Findings, and what people wrote, as the text of a row's notes.

    >>> noted([Finding("clipped", "0.2 % of it"), Finding("abrupt", "at its end")])
    'clipped: 0.2 % of it; abrupt: at its end'
    """
    return "; ".join(str(finding) for finding in findings)


_NOTE = re.compile(rf"({'|'.join(KINDS)}): (.+)", re.DOTALL)


def read_notes(notes: str) -> tuple[Finding, ...]:
    """The findings in a row's notes; whatever people wrote beside them is passed over.

    >>> read_notes("taped off the radio; clipped: 0.2 % of it")
    (Finding(kind='clipped', detail='0.2 % of it'),)
    """
    matches = (_NOTE.fullmatch(part.strip()) for part in notes.split("; "))
    return tuple(Finding(match[1], match[2]) for match in matches if match)


def written_notes(notes: str) -> tuple[str, ...]:
    """What people wrote into a row's notes, beside the findings.

    >>> written_notes("taped off the radio; clipped: 0.2 % of it")
    ('taped off the radio',)
    """
    parts = (part.strip() for part in notes.split("; "))
    return tuple(part for part in parts if part and not _NOTE.fullmatch(part))
