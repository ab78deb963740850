"""What is wanted, what may be had, and what became of it: the gates before anything is fetched."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aliquot.collect.download import MOST_BYTES
from aliquot.collect.folder import is_there
from aliquot.collect.journal import KEPT, REFUSED, USELESS, Entry
from aliquot.collect.licences import Policy
from aliquot.collect.network import ForbiddenAddressError, check_url
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
        measures: By what else a file is judged, in words; by others it is judged again.
    """

    folder: Path
    seconds: float
    policy: Policy = field(default_factory=Policy)
    least_hz: float = 0.0
    most_bytes: int = MOST_BYTES
    today: str = ""
    measures: str = ""

    @property
    def terms(self) -> str:
        """By what measure recordings are found useless."""
        return f"{self.least_hz:.0f} Hz, {self.most_bytes} bytes {self.measures}".strip()


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


def foresee(
    source: Source, query: str, wish: Wish, known: Callable[[str], Entry | None] | None = None
) -> Iterator[Step]:
    """What a run would do, from what the source says alone; nothing is fetched.

    Args:
        source: What is searched.
        query: For what.
        wish: What is wanted; its folder need not be there.
        known: Key -> what an earlier run has put down.

    Raises:
        NetworkError: If the source cannot be asked.
    """
    have = 0.0
    for track in distinct(source.search(query)):
        step = already(track, wish, known(track.key) if known else None)
        reason = None if step else refusal(track, wish.policy, source)
        if step is None and reason is not None:
            step = Step(track, REFUSED, reason)
        elif step is None and track.bytes is not None and track.bytes > wish.most_bytes:
            step = Step(track, USELESS, f"has {track.bytes} bytes, over {wish.most_bytes}")
        elif step is None:
            seconds = track.seconds or _GUESS_SECONDS
            step = Step(track, WOULD, seconds=seconds, bytes=track.likely_bytes)
        yield step
        have += step.seconds
        if have >= wish.seconds:
            return


def already(track: Track, wish: Wish, known: Entry | None) -> Step | None:
    """What became of a recording in an earlier run, if that still holds; None if it does not."""
    if known is None:
        return None
    if known.state == KEPT and known.row is not None and is_there(wish.folder, known):
        return Step(track, KEPT, seconds=known.row.seconds, bytes=known.bytes)
    if known.state == USELESS and known.terms == wish.terms:
        return Step(track, USELESS, known.reason)
    return None


def refusal(track: Track, policy: Policy, source: Source) -> str | None:
    """Why a recording must not be fetched, or None if it may."""
    if track.barred:
        return track.barred
    if not track.id:
        return "its source gives it no number"
    if track.extension not in EXTENSIONS:
        return f"is a .{shown(track.extension)} file, which is no sound we read"
    reason = policy.refusal(track.licence, track.licence_url, track.artist)
    if reason is not None:
        return reason
    reach = source.about.reach
    try:
        check_url(track.download_url, (*reach.api, *reach.files))
    except ForbiddenAddressError as error:
        return str(error)
    return None


def distinct(tracks: Iterator[Track]) -> Iterator[Track]:
    """Each recording once, though a list that grows while it is read repeats some."""
    seen: set[bytes] = set()
    for track in tracks:
        key = hashlib.blake2b(track.key.encode(), digest_size=8).digest()
        if key not in seen:
            seen.add(key)
            yield track
