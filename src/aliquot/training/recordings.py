"""Samples of the recordings that are trained on: decoded once into a cache, or where they lie."""

import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.resample import resample
from aliquot.errors import InputError
from aliquot.io.formats import CONTAINERS
from aliquot.io.headers import identify
from aliquot.io.sndfile import quiet
from aliquot.io.sound import open_reader
from aliquot.training.pieces import Piece
from aliquot.training.settings import DataSettings

Stored = NDArray[np.int16]
"""``(samples, channels)`` at a piece's rate, at half of full scale: a lossy decoder may exceed it.
The headroom is taken back by :func:`samples_of`."""


class Compressed:
    """A recording in its own file, of which only what is asked for is decoded.

    Taken like an array: ``len()``, and slices ``(samples, channels)`` with a start and an end; a
    file that is shorter than its manifest says gives what it has.
    """

    def __init__(self, piece: Piece, path: Path) -> None:
        self.piece, self.path = piece, path

    def __len__(self) -> int:
        return round(self.piece.seconds * self.piece.sample_rate)

    def __getitem__(self, where: slice) -> Stored:
        """Decode a slice.

        Raises:
            InputError: If the recording cannot be read.
        """
        start, stop, _ = where.indices(len(self))
        rate = self.piece.sample_rate
        with quiet(), open_reader(self.path) as reader:
            blocks = list(
                reader.blocks(
                    start_seconds=start / rate, duration_seconds=(stop - start) / rate, exact=False
                )
            )
            return as_stored(blocks, reader.info.sample_rate, rate)


def as_stored(blocks: list[Waveform], sample_rate: int, wanted_rate: int) -> Stored:
    """Blocks of a recording as one array."""
    if not blocks:
        return np.zeros((0, 2), np.int16)
    samples = resample(np.concatenate(blocks, axis=1), sample_rate, wanted_rate).T
    stored: Stored = np.round(np.clip(samples * 0.5, -1, 1) * 32767).astype(np.int16)
    return stored


def keep(path: Path, array: NDArray[np.generic]) -> None:
    """Put an array into a cache that several runs may be filling at once; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{uuid.uuid4().hex}.part.npy")
    try:
        np.save(temporary, array)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def decoded(piece: Piece, settings: DataSettings) -> Stored | Compressed:
    """A piece to take slices from: a memory map of the cache, filled once, or the file itself.

    The file itself if ``data.unpack`` is false; what only ffmpeg reads is decoded once even so.

    Raises:
        InputError: If the recording cannot be read.
    """
    path, source = Path(settings.cache) / f"{piece.key}.npy", Path(settings.music) / piece.name
    if not settings.unpack and identify(source) in CONTAINERS:
        return Compressed(piece, source)
    if not path.is_file():
        with open_reader(source) as reader:
            whole = as_stored(list(reader.blocks()), reader.info.sample_rate, piece.sample_rate)
        if not len(whole):
            raise InputError(f"{piece.name} holds no sound; remove its row from the manifest")
        keep(path, whole)
    result: Stored = np.load(path, mmap_mode="r")
    return result


def samples_of(stored: Stored) -> Waveform:
    """Left and right ``(2, samples)`` of what :func:`decoded` stores; mono becomes both."""
    samples = np.asarray(stored, np.float32).T * np.float32(2 / 32767)
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples[:2]
