"""Recordings in and out: the door to every format.

>>> import tempfile
>>> import numpy as np
>>> folder = Path(tempfile.mkdtemp())
>>> flac = OutputFormat("FLAC", "24", None, ".flac")
>>> with open_writer(folder / "a.flac", flac, 44_100, 2) as out:
...     out.write(np.zeros((2, 1000), np.float32))
>>> with open_reader(folder / "a.flac") as recording:
...     [block.shape for block in recording.blocks(600)]
[(2, 600), (2, 400)]
"""

from pathlib import Path

from aliquot.errors import InputError
from aliquot.io.atomic import check_target
from aliquot.io.ffmpeg import FfmpegDecoder
from aliquot.io.formats import (
    CONTAINERS,
    OutputFormat,
    SoundInfo,
    check_cell,
    container_named,
    nearest_rate,
    output_format,
)
from aliquot.io.headers import identify
from aliquot.io.names import shown
from aliquot.io.reading import LibraryDecoder, Reader
from aliquot.io.writing import Writer, open_writer

__all__ = [
    "OutputFormat",
    "Reader",
    "SoundInfo",
    "Writer",
    "check_cell",
    "check_target",
    "container_named",
    "nearest_rate",
    "open_reader",
    "open_writer",
    "output_format",
]


def open_reader(path: Path) -> Reader:
    """Open a recording of any known format for reading in blocks.

    Args:
        path: A file.

    Returns:
        A reader; use it in a ``with`` statement.

    Raises:
        InputError: If it does not exist, is no recording, is damaged, or is outside the limits.
    """
    try:
        if path.is_dir():
            raise InputError(f"{shown(path)} is a folder; give a file, or its files one by one")
        if not path.exists():
            raise InputError(f"{shown(path)} does not exist; check the name")
        if not path.is_file():
            raise InputError(f"{shown(path)} is not an ordinary file; copy its content to one")
        container = identify(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{shown(path)} cannot be opened ({reason}); check the name and its permissions"
        ) from error
    library = container in CONTAINERS
    return Reader(LibraryDecoder(path, container) if library else FfmpegDecoder(path, container))
