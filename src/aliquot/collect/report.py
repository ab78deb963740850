"""What a collection holds, in hours, and what is wrong with it: all from its manifest."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aliquot.collect.findings import read_notes
from aliquot.collect.manifest import HELD_OUT, MANIFEST, Row, read_list, read_rows
from aliquot.errors import ConfigError
from aliquot.io.names import shown

UNKNOWN = "unknown"
CLASSES_HZ = (8_000, 12_000, 16_000, 19_000, 20_000)
"""Where the classes of bandwidth begin and end."""
BIN_HZ = 1_000
"""Width of a bar of the histogram."""

MISSING, TWICE, NO_LICENCE, NO_ARTIST, NO_BANDWIDTH = (
    "missing", "listed twice", "no licence", "no artist", "no bandwidth",
)  # fmt: skip
"""Problems of rows, beside the findings in their notes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a collection holds.

    Attributes:
        recordings: Number.
        hours: Of all of them.
        artists: Number, however their names are written.
        held_out: Recordings that are never trained on.
        held_out_hours: Of those.
        by_licence: Hours of each, the most first; so do the next ones.
        by_genre: A recording counts under every genre it names, so the sum may exceed the total.
        by_bandwidth: Hours in each class of ``bandwidth_hz``, the lowest class first.
        by_codec: Hours.
        highest_hours: Hours whose ``bandwidth_hz`` lies from 0 to 1 kHz, from 1 to 2 kHz, and on.
        typical_hours: Likewise of ``bandwidth_typical_hz``.
        problems: Kind -> the files that have it.
    """

    recordings: int
    hours: float
    artists: int
    held_out: int
    held_out_hours: float
    by_licence: dict[str, float]
    by_genre: dict[str, float]
    by_bandwidth: dict[str, float]
    by_codec: dict[str, float]
    highest_hours: tuple[float, ...]
    typical_hours: tuple[float, ...]
    problems: dict[str, tuple[str, ...]]


def report_on(place: Path) -> Report:
    """Read a collection's manifest, and the list of what is held out if there is one.

    Args:
        place: The folder of the manifest, or the manifest.

    Raises:
        ConfigError: If there is no manifest, or it cannot be read.
    """
    manifest = place / MANIFEST if place.is_dir() else place
    if not manifest.is_file():
        raise ConfigError(
            f"{shown(place)} holds no {MANIFEST}; make one: aliquot prepare {shown(place)}"
        )
    listed = manifest.with_name(HELD_OUT)
    held = read_list(listed) if listed.is_file() else ()
    rows = read_rows(manifest, needed=("file", "seconds"))
    gone = {row.file for row in rows if not (manifest.parent / row.file).is_file()}
    return summed_up(rows, held, gone)


def summed_up(
    rows: Sequence[Row], held: Collection[str] = (), gone: Collection[str] = ()
) -> Report:
    """Sum a collection up.

    Args:
        rows: Of its manifest.
        held: Files that are held out.
        gone: Files that are not where the manifest says.

    >>> summed_up([Row("a.wav", 1800.0, licence="CC0"), Row("b.wav", 3600.0)]).by_licence
    {'unknown': 1.0, 'CC0': 0.5}
    """
    kept_out = [row for row in rows if row.file in set(held)]
    return Report(
        recordings=len(rows),
        hours=_hours(rows),
        artists=len({" ".join(row.artist.casefold().split()) for row in rows}),
        held_out=len(kept_out),
        held_out_hours=_hours(kept_out),
        by_licence=_most_first((row.licence, row.seconds) for row in rows),
        by_genre=_most_first((genre, row.seconds) for row in rows for genre in _genres(row.genre)),
        by_bandwidth=_classes(rows),
        by_codec=_most_first((row.codec, row.seconds) for row in rows),
        highest_hours=_bins((row.bandwidth_hz, row.seconds) for row in rows),
        typical_hours=_bins((row.bandwidth_typical_hz, row.seconds) for row in rows),
        problems=_problems(rows, set(gone)),
    )


def noted_in(rows: Iterable[Row]) -> str:
    """How many recordings have which findings in their notes, the most frequent first.

    >>> noted_in([Row("a", notes="clipped: 1 %"), Row("b", notes="clipped: 2 %"), Row("c")])
    '2 clipped'
    """
    kinds = Counter(kind for row in rows for kind in {f.kind for f in read_notes(row.notes)})
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {kind}" for kind, count in ordered)


def class_name(bandwidth_hz: float | None) -> str:
    """The class of a bandwidth, for people.

    >>> class_name(4_000), class_name(16_000), class_name(22_050), class_name(None)
    ('under 8 kHz', '16 to 19 kHz', '20 kHz and more', 'unknown')
    """
    if bandwidth_hz is None:
        return UNKNOWN
    names = [f"{edge // 1000}" for edge in CLASSES_HZ]
    number = sum(bandwidth_hz >= edge for edge in CLASSES_HZ)
    if number == 0:
        return f"under {names[0]} kHz"
    if number == len(names):
        return f"{names[-1]} kHz and more"
    return f"{names[number - 1]} to {names[number]} kHz"


def _classes(rows: Sequence[Row]) -> dict[str, float]:
    order = [class_name(hertz) for hertz in (0.0, *CLASSES_HZ, None)]
    hours = dict.fromkeys(order, 0.0)
    for row in rows:
        hours[class_name(row.bandwidth_hz)] += row.seconds / 3600
    return {name: amount for name, amount in hours.items() if amount}


def _hours(rows: Iterable[Row]) -> float:
    return sum(row.seconds for row in rows) / 3600


def _genres(text: str) -> list[str]:
    names = {name.strip().casefold() for name in text.split("/")} - {""}
    return sorted(names) or [UNKNOWN]


def _most_first(amounts: Iterable[tuple[str, float]]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for name, amount in amounts:
        seconds[name or UNKNOWN] = seconds.get(name or UNKNOWN, 0.0) + amount
    ordered = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    return {name: amount / 3600 for name, amount in ordered}


def _bins(amounts: Iterable[tuple[float | None, float]]) -> tuple[float, ...]:
    known = [(int(hertz // BIN_HZ), seconds) for hertz, seconds in amounts if hertz is not None]
    hours = [0.0] * (1 + max((number for number, _ in known), default=-1))
    for number, seconds in known:
        hours[number] += seconds / 3600
    return tuple(hours)


def _problems(rows: Sequence[Row], gone: Collection[str]) -> dict[str, tuple[str, ...]]:
    times = Counter(row.file for row in rows)
    contents = Counter(row.sha256 for row in rows if row.sha256)
    found: dict[str, list[str]] = {}
    for row in rows:
        again = times[row.file] > 1 or contents[row.sha256] > 1
        lacks = (
            (MISSING, row.file in gone), (TWICE, again), (NO_LICENCE, not row.licence),
            (NO_ARTIST, not row.artist), (NO_BANDWIDTH, row.bandwidth_hz is None),
        )  # fmt: skip
        kinds = [kind for kind, lacking in lacks if lacking]
        for kind in dict.fromkeys([*kinds, *(finding.kind for finding in read_notes(row.notes))]):
            found.setdefault(kind, []).append(row.file)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return {kind: tuple(sorted(files)) for kind, files in ordered}
