"""File names as they are shown and as the C library takes them."""

import os
from pathlib import Path

SOUND_SUFFIXES = frozenset(
    {
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au"),
        *(".flac", ".ape", ".wv", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".wma"),
        *(".mp4", ".m4v", ".mov", ".asf", ".wmv", ".mka", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"),
    }
)
"""What is taken from a folder or a pattern; a file that is named is always taken."""

RESULT_MARK = ".restored"
"""Ends the stem of a result that lies beside its input: ``old.mp3`` gives ``old.restored.flac``."""


def shown(path: Path | str) -> str:
    r"""The name of a file, fit for one line of an error message: odd characters are escaped.

    >>> shown("two\nlines.wav")
    'two\\nlines.wav'
    """
    text = str(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def library_name(path: Path) -> str | bytes:
    """The name as libsndfile takes it: bytes where names are bytes, so that any name works."""
    return os.fsencode(path) if os.name == "posix" else str(path)
