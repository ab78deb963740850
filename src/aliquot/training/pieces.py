"""The recordings that are trained on: read from the manifest, drawn, decoded once into a cache."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.collect.manifest import MANIFEST, Row, read_list, read_rows
from aliquot.dsp.resample import resample
from aliquot.errors import ConfigError, InputError
from aliquot.io.sound import open_reader
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

    @property
    def key(self) -> str:
        """Its name in caches: files of one name, or a file that was replaced, do not mix."""
        return "--".join(filter(None, [self.name.replace("/", "--"), self.sha256[:12]]))


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
    return [_piece(row) for row in chosen]


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


def keep(path: Path, array: NDArray[np.generic]) -> None:
    """Put an array into a cache that several runs may be filling at once; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{uuid.uuid4().hex}.part.npy")
    try:
        np.save(temporary, array)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def decoded(piece: Piece, settings: DataSettings) -> NDArray[np.int16]:
    """A piece as a memory map ``(samples, channels)``, decoded once into the cache.

    Raises:
        InputError: If the recording cannot be read.
    """
    path = Path(settings.cache) / f"{piece.key}.npy"
    if not path.is_file():
        with open_reader(Path(settings.music) / piece.name) as reader:
            blocks = list(reader.blocks())
            rate = reader.info.sample_rate
        if not blocks:
            raise InputError(f"{piece.name} holds no sound; remove its row from the manifest")
        samples = resample(np.concatenate(blocks, axis=1), rate, piece.sample_rate).T
        # A lossy decoder may exceed full scale; the headroom is taken back on reading.
        whole = np.round(np.clip(samples * 0.5, -1, 1) * 32767).astype(np.int16)
        keep(path, whole)
    result: NDArray[np.int16] = np.load(path, mmap_mode="r")
    return result


def samples_of(stored: NDArray[np.int16]) -> Waveform:
    """Left and right ``(2, samples)`` of what :func:`decoded` stores; mono becomes both."""
    samples = np.asarray(stored, np.float32).T * np.float32(2 / 32767)
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples[:2]
