"""The recordings that are trained on: read from the manifest, and drawn."""

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aliquot.collect.manifest import MANIFEST, Row, read_list, read_rows
from aliquot.errors import ConfigError
from aliquot.training.settings import DataSettings

NEEDED = (
    *("file", "seconds", "sample_rate", "bandwidth_hz", "bandwidth_typical_hz"),
    *("artist", "genre", "notes"),
)
"""Columns of the manifest that training reads; ``sha256`` too, if it is there."""
RATES = (44_100, 48_000)
"""Rates that a window means the same at; recordings at others are brought to the first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the collection.

    Attributes:
        group: Artist, or kind of instrument; groups are drawn before files.
        sample_rate: In training; one of :data:`RATES`.
        bandwidth_hz: Highest frequency with content.
        typical_hz: Half of the loud moments reach it.
        sha256: Of the file; empty if the manifest does not say.
        parts: Beginning and length in seconds of what crops are drawn from; all of it if empty.
    """

    name: str
    group: str
    seconds: float
    sample_rate: int
    bandwidth_hz: float
    typical_hz: float
    chiptune: bool
    bright: bool
    sha256: str = ""
    parts: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> str:
        """Its name in caches: files of one name, or a file that was replaced, do not mix."""
        return "--".join(filter(None, [self.name.replace("/", "--"), self.sha256[:12]]))

    def draw(self, frames: int, rng: np.random.Generator) -> int:
        """Where a random crop of so many frames begins, in frames; in one of the parts."""
        begin, length = 0.0, self.seconds
        if self.parts:
            begin, length = self.parts[int(rng.integers(len(self.parts)))]
        last = math.floor(length * self.sample_rate) - frames
        return round(begin * self.sample_rate) + int(rng.integers(0, max(1, last)))


def read_manifest(settings: DataSettings, *, held_out: bool) -> list[Piece]:
    """The pieces to train on, or those held out.

    Raises:
        ConfigError: If manifest, held-out list and folder do not fit together, or if none of the
            pieces to train on carries treble.
    """
    folder = Path(settings.music)
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigError(
            f"no manifest at {path}; set data.music to the folder that holds it, "
            f"or make one: aliquot prepare {folder}"
        )
    listed = set(read_list(Path(settings.held_out)))
    rows = [row for row in read_rows(path, NEEDED) if row.file.startswith(settings.split)]
    if not rows:
        raise ConfigError(
            f"{path} has no row whose file begins with {settings.split!r}; "
            "set data.split to a folder in it, or to '' for all rows"
        )
    unknown = sorted(listed - {row.file for row in rows})
    if unknown:
        raise ConfigError(
            f"{settings.held_out} names {unknown[0]!r}, which is not in {path} under "
            f"data.split={settings.split!r} ({len(unknown)} such names); correct one of them"
        )
    chosen = [row for row in rows if (row.file in listed) == held_out]
    if not chosen and held_out:
        raise ConfigError(
            f"{settings.held_out} holds out no recording, so training could not measure itself; "
            "list some of each kind there, or make the list: aliquot prepare FOLDER"
        )
    if not chosen:
        raise ConfigError(f"{settings.held_out} holds out every row of {path}; shorten the list")
    missing = [row.file for row in chosen if not (folder / row.file).is_file()]
    if missing:
        raise ConfigError(
            f"{path} lists {missing[0]!r}, which is not there ({len(missing)} of {len(chosen)} "
            f"files are missing); bring them back, or run: aliquot prepare {folder}"
        )
    highest = max(row.bandwidth_hz or 0.0 for row in chosen)
    if not held_out and highest < settings.least_bandwidth_hz:
        raise ConfigError(
            f"no recording of {path} carries sound above {highest:.0f} Hz, so there is no treble "
            f"to learn; add music that reaches {settings.least_bandwidth_hz:.0f} Hz, "
            "or lower data.least_bandwidth_hz"
        )
    pieces = [_piece(row) for row in chosen]
    return _parted(pieces, settings) if settings.pieces else pieces


def _piece(row: Row) -> Piece:
    rendered = row.genre.startswith("rendered")
    return Piece(
        name=row.file,
        group=row.genre if rendered else row.artist,
        seconds=row.seconds,
        sample_rate=row.sample_rate if row.sample_rate in RATES else RATES[0],
        bandwidth_hz=row.bandwidth_hz or 0.0,
        typical_hz=row.bandwidth_typical_hz or 0.0,
        chiptune="chiptune" in row.genre,
        bright="extremely bright" in row.notes,
        sha256=row.sha256,
    )


def _parted(pieces: list[Piece], settings: DataSettings) -> list[Piece]:
    """The recordings of which ``data.pieces`` lists parts, with these parts.

    Raises:
        ConfigError: If the list cannot be read, or names no part of any of them.
    """
    path = Path(settings.pieces)
    parts: dict[str, list[tuple[float, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                part = float(row["start"]), float(row["seconds"])
                parts.setdefault(row["file"], []).append(part)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"cannot read the list of pieces {path} ({error}); "
            f"make one: aliquot prepare {settings.music} --pieces 5"
        ) from error
    found = [
        replace(piece, parts=tuple(parts[piece.name])) for piece in pieces if piece.name in parts
    ]
    if not found:
        raise ConfigError(
            f"{path} lists no part of {pieces[0].name!r} or of the {len(pieces) - 1} recordings "
            f"beside it; make it anew: aliquot prepare {settings.music} --pieces 5"
        )
    return found


def check_parts(pieces: list[Piece], seconds: float) -> None:
    """See that crops of a length fit into the parts they are drawn from.

    Raises:
        ConfigError: If one is shorter.
    """
    shortest = min((length for piece in pieces for _, length in piece.parts), default=seconds)
    if shortest < seconds:
        raise ConfigError(
            f"data.pieces lists a part of {shortest:g} s, and an example takes {seconds:.2f} s; "
            "list longer ones: aliquot prepare --pieces SECONDS"
        )


def draw_weights(pieces: list[Piece], chiptune_share: float) -> NDArray[np.float64]:
    """Probability of each piece: groups by the root of their length, chiptune capped.

    Returns:
        ``(pieces,)``, summing to one.
    """
    lengths: dict[str, float] = {}
    for piece in pieces:
        lengths[piece.group] = lengths.get(piece.group, 0.0) + piece.seconds
    weights = np.array(
        [p.seconds / lengths[p.group] ** 0.5 * (0.3 if p.bright else 1.0) for p in pieces]
    )
    chip = np.array([p.chiptune for p in pieces])
    total, chips = weights.sum(), weights[chip].sum()
    if 0 < chips < total and chips / total > chiptune_share:
        weights[chip] *= chiptune_share / (1 - chiptune_share) * (total - chips) / chips
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
