"""What is wanted, what may be had, and what became of it: the gates before anything is fetched."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aliquot.collect.download import MOST_BYTES
from aliquot.collect.journal import REFUSED
from aliquot.collect.licences import Policy
from aliquot.collect.source import Source
from aliquot.collect.track import EXTENSIONS, Track
from aliquot.io.names import shown

WOULD = "would"
"""State of a recording that would be fetched."""

_GUESS_SECONDS = 200.0
"""Of a recording whose length its source does not say."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be collected.

    Attributes:
        folder: Of the collection; it is there.
        seconds: Of music, to be found by this search; what an earlier run has counts.
        policy: Which licences are taken.
        least_hz: Recordings with content no further up than this are of no use.
        most_bytes: Larger files are not fetched.
        today: The day that is noted, ``2026-11-23``.
    """

    folder: Path
    seconds: float
    policy: Policy = field(default_factory=Policy)
    least_hz: float = 0.0
    most_bytes: int = MOST_BYTES
    today: str = ""

    @property
    def terms(self) -> str:
        """By what measure recordings are found useless."""
        return f"{self.least_hz:.0f} Hz"


@dataclass(frozen=True, slots=True)
class Step:
    """One recording is done.

    Attributes:
        track: As its source describes it.
        state: A word of :mod:`aliquot.collect.journal`, or :data:`WOULD`.
        reason: Why it is not in the set.
        seconds: Length, measured if it was fetched.
        bytes: Size, or likely size.
        fresh: Whether it was fetched in this run.
    """

    track: Track
    state: str
    reason: str = ""
    seconds: float = 0.0
    bytes: int = 0
    fresh: bool = False


def foresee(source: Source, query: str, wish: Wish) -> Iterator[Step]:
    """What a run would do, from what the source says alone; nothing is fetched.

    Raises:
        NetworkError: If the source cannot be asked.
    """
    have = 0.0
    for track in distinct(source.search(query)):
        reason = refusal(track, wish.policy)
        seconds = track.seconds or _GUESS_SECONDS
        if reason is not None:
            yield Step(track, REFUSED, reason)
        elif track.bytes is not None and track.bytes > wish.most_bytes:
            yield Step(track, REFUSED, f"has {track.bytes} bytes, over {wish.most_bytes}")
        else:
            have += seconds
            yield Step(track, WOULD, seconds=seconds, bytes=track.likely_bytes)
        if have >= wish.seconds:
            return


def refusal(track: Track, policy: Policy) -> str | None:
    """Why a recording must not be fetched, or None if it may."""
    if track.barred:
        return track.barred
    if not track.id:
        return "its source gives it no number"
    if track.extension not in EXTENSIONS:
        return f"is a .{shown(track.extension)} file, which is no sound we read"
    return policy.refusal(track.licence, track.licence_url, track.artist)


def distinct(tracks: Iterator[Track]) -> Iterator[Track]:
    """Each recording once, though a list that grows while it is read repeats some."""
    seen: set[bytes] = set()
    for track in tracks:
        key = hashlib.blake2b(track.key.encode(), digest_size=8).digest()
        if key not in seen:
            seen.add(key)
            yield track
