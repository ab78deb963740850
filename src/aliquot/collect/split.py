"""Which recordings are held out of training: whole artists, by the hash of their names."""

import hashlib
from collections.abc import Mapping, Sequence

from aliquot.collect.manifest import Row


def held_out(
    rows: Sequence[Row], share: float, seed: int, earlier: Mapping[str, bool] | None = None
) -> tuple[str, ...]:
    """Files never to train on, about ``share`` of the artists and never none of several.

    A new artist's side depends on the name and the seed alone; one whose side is known from an
    earlier draw keeps it, so nobody who was trained on is ever held out later, nor the reverse.
    Where none is held out, or all are, the nearest artist moves. Where all recordings have one
    artist, each counts as an artist of its own.

    Args:
        rows: The collection.
        share: Of the artists, 0 to 1.
        seed: Another seed draws other artists.
        earlier: File -> whether it was held out, of an earlier draw; an artist any of whose files
            was, was.

    Returns:
        Sorted names; none if there are fewer than two recordings.

    >>> rows = [Row("1.wav", artist="a"), Row("2.wav", artist="b"), Row("3.wav", artist="c")]
    >>> held_out(rows, 0.1, 1, {"1.wav": True, "2.wav": False})
    ('1.wav',)
    """
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row.file)
    if len(groups) == 1:
        groups = {row.file: [row.file] for row in rows}
    if len(groups) < 2:
        return ()
    held = {name for name, files in groups.items() if _is_held(name, files, share, seed, earlier)}
    inner = sorted(groups, key=lambda name: place(name, seed))
    if not held:
        held = set(inner[:1])
    elif len(held) == len(groups):
        held.remove(inner[-1])
    return tuple(sorted(file for name in held for file in groups[name]))


def _is_held(
    name: str, files: Sequence[str], share: float, seed: int, earlier: Mapping[str, bool] | None
) -> bool:
    sides = [earlier[file] for file in files if file in earlier] if earlier else []
    return any(sides) if sides else place(name, seed) < share


def place(name: str, seed: int) -> float:
    """A number from 0 to 1 that a name and a seed alone decide.

    >>> 0 <= place("nina simone", 1) < 1
    True
    """
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _group(row: Row) -> str:
    return " ".join(row.artist.casefold().split())
