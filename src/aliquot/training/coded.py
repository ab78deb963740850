"""Pieces as a lossy codec gives them back: what is given where music was an MP3.

A codec ends like no filter: it empties the last bands from moment to moment, and what it has left
there tells little of what lay above. Levels above such ends have to be learned from such ends. A
part of every piece is coded once and described beside the original, row for row.
"""

import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliquot.degrade.chain import coded
from aliquot.degrade.truth import Powers, lost_hz
from aliquot.models.spectral import Spectral
from aliquot.training.pieces import Piece
from aliquot.training.readings import power_of
from aliquot.training.recordings import decoded, keep, samples_of
from aliquot.training.rows import describe, kind
from aliquot.training.settings import DataSettings

CODED_SECONDS = 60.0
"""Of the middle of a piece: LAME codes fifteen times as fast as the music plays, no more."""


class Coded(NamedTuple):
    """Where a coded part of a piece is described.

    Attributes:
        rows: An ``.npy`` file as of :func:`aliquot.training.bands.described`.
        first: The piece's row that is the file's first.
        powers: Long-term power of the part, ``(2, bins)``: the original's, and the coded one's.
        end_hz: Where the codec has ended: its true cut-off.
    """

    rows: Path
    first: int
    powers: Powers
    end_hz: float


def codec_of(piece: Piece, codecs: Sequence[str]) -> str:
    """The codec that a piece goes through, the same in every run."""
    return codecs[zlib.crc32(piece.key.encode()) % len(codecs)]


def described_coded(piece: Piece, settings: DataSettings, network: Spectral, codec: str) -> Coded:
    """Code the middle of a piece and describe it, once, into the cache.

    Raises:
        ConfigError: If there is no such codec, or its program is missing.
        InputError: If the codec refuses the piece.
    """
    config = network.config
    name = f"{piece.key}@1~{codec}.npy"
    rows = Path(settings.cache) / kind(network) / name
    powers = Path(settings.cache) / "power" / name
    first, count = _middle(piece, config.hop)
    if not (rows.is_file() and powers.is_file()):
        part = slice(first * config.hop, first * config.hop + count)
        original = samples_of(decoded(piece, settings)[part])
        given = coded(original, piece.sample_rate, codec)
        keep(powers, np.stack([power_of([x], piece.sample_rate) for x in (original, given)]))
        keep(rows, describe(given, network))
    read, end_hz = _measured(powers, piece.sample_rate)
    return Coded(rows, first, read, end_hz)


def _middle(piece: Piece, hop: int) -> tuple[int, int]:
    """The first frame of the part that is coded, and the part's length in samples."""
    whole = round(piece.seconds * piece.sample_rate)
    length = min(whole, round(CODED_SECONDS * piece.sample_rate))
    return (whole - length) // 2 // hop, length


@cache
def _measured(path: Path, sample_rate: int) -> tuple[NDArray[np.float64], float]:
    powers = np.asarray(np.load(path), np.float64)
    return powers, lost_hz(powers[0], powers[1], sample_rate)
