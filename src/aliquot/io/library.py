"""libsndfile as we use it: read straight through, with no seek that nobody asked for."""

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


def open_stream(path: Path) -> Stream:
    """Open a file for reading.

    Raises:
        soundfile.SoundFileError: If the library cannot read it.
    """
    return Stream(library_name(path))
