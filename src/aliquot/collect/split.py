"""Which recordings are held out of training: whole artists, by the hash of their names."""

import hashlib
from collections.abc import Sequence

from aliquot.collect.manifest import Row


def held_out(rows: Sequence[Row], share: float, seed: int) -> tuple[str, ...]:
    """Files never to train on, about ``share`` of the artists and never none of several.

    An artist's place depends on the name and the seed alone: it stays when the set grows, unless
    the set was so small that the nearest artist had to stand in. Where all recordings have one
    artist, each counts as an artist of its own.

    Args:
        rows: The collection.
        share: Of the artists, 0 to 1.
        seed: Another seed draws other artists.

    Returns:
        Sorted names; none if there are fewer than two recordings.
    """
    places = {_group(row): place(_group(row), seed) for row in rows}
    alone = len(places) == 1
    if alone:
        places = {row.file: place(row.file, seed) for row in rows}
    if len(places) < 2:
        return ()
    inner = sorted(places, key=places.__getitem__)
    count = sum(value < share for value in places.values())
    chosen = set(inner[: min(max(1, count), len(inner) - 1)])
    return tuple(sorted(r.file for r in rows if (r.file if alone else _group(r)) in chosen))


def place(name: str, seed: int) -> float:
    """A number from 0 to 1 that a name and a seed alone decide.

    >>> 0 <= place("nina simone", 1) < 1
    True
    """
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _group(row: Row) -> str:
    return " ".join(row.artist.casefold().split())
