"""Recordings cut into pieces of one length, as papers train on them; silence is passed over."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from aliquot.collect.chroma import SCHEMES
from aliquot.collect.manifest import Row, write_text
from aliquot.collect.prints import PrintStore, prints_path
from aliquot.collect.spectralhash import HOP_SECONDS, Fingerprint

PIECES = "pieces.csv"
"""Name of the list beside a manifest: columns ``file``, ``start`` and ``seconds``."""
LEAST_SECONDS = 2 * HOP_SECONDS
"""Of a piece: so that it holds at least one whole step of the levels."""
ROUNDING_SECONDS = 0.005
"""Lengths in manifests are rounded to hundredths."""


def piece_starts(
    fingerprint: Fingerprint, length: float, seconds: float, silence_db: float
) -> Iterator[float]:
    """Where the pieces of a recording begin: end to end from its start, the silent ones left out.

    Args:
        fingerprint: Of the recording; its levels say how loud it is when.
        length: Of the recording in seconds, as a manifest says it: rounded to hundredths, so the
            last piece may lack 5 ms.
        seconds: Length of each piece; what is left at the end is no piece.
        silence_db: A piece whose mean level lies under this, in dB of full scale, is silent.

    Yields:
        Starts in seconds, ascending.

    Raises:
        ValueError: If a piece would be shorter than :data:`LEAST_SECONDS`.

    >>> loud_then_silent = np.repeat(np.array([10, 200], np.uint8), 64)  # 3 s of each
    >>> list(piece_starts(Fingerprint(np.zeros(0, np.uint32), loud_then_silent), 6.0, 1.5, -60.0))
    [0.0, 1.5]
    """
    if seconds < LEAST_SECONDS:
        raise ValueError(f"a piece must last {LEAST_SECONDS} s or more, got {seconds} s")
    power = 10 ** (-fingerprint.levels.astype(np.float64) / 10)
    number = 0
    while (number + 1) * seconds <= length + ROUNDING_SECONDS:
        # Whole hops only: a part of one at the edge would make silence beside music sound.
        first = math.ceil(number * seconds / HOP_SECONDS - 1e-6)
        last = math.floor((number + 1) * seconds / HOP_SECONDS + 1e-6)
        if 10 * np.log10(power[first:last].mean()) >= silence_db:
            yield number * seconds
        number += 1


def write_pieces(rows: Sequence[Row], manifest: Path, seconds: float, silence_db: float) -> Path:
    """List the pieces of a collection that was prepared, in the order of its files.

    Args:
        rows: Of the manifest.
        manifest: Beside it the fingerprints lie, and the list goes.
        seconds: Length of each piece.
        silence_db: See :func:`piece_starts`.

    Returns:
        The list.

    Raises:
        OutputError: If it cannot be written.
    """
    prints = PrintStore(prints_path(manifest), tuple(SCHEMES.values()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "start", "seconds"))
    for row in sorted(rows, key=lambda row: row.file):
        fingerprint = prints.get(row.sha256)
        if fingerprint is not None:
            for start in piece_starts(fingerprint, row.seconds, seconds, silence_db):
                writer.writerow((row.file, f"{start:.3f}", f"{seconds:.3f}"))
    path = manifest.with_name(PIECES)
    write_text(path, text.getvalue())
    return path
