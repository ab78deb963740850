"""libsndfile as we use it: read straight through, with no seek that nobody asked for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from aliquot.io.names import library_name


class Stream(soundfile.SoundFile):  # type: ignore[misc] # soundfile is untyped to us
    """An open sound file, read from front to back.

    soundfile moves a seekable file to where it already is after every read, and that fails at the
    end of a FLAC whose header declares no length, or too great a one. It also believes the declared
    length. Both stop when the file says that it cannot seek; ``seek`` itself still works.
    """

    def seekable(self) -> bool:
        """Always false, see the class."""
        return False


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the decoders print themselves from stderr.

    Whoever jumps into an MP3 is told by mpg123 of every frame that begins before it; the samples
    are right all the same.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def open_stream(path: Path) -> Stream:
    """Open a file for reading.

    Raises:
        soundfile.SoundFileError: If the library cannot read it.
    """
    return Stream(library_name(path))
