"""File names as they are shown and as the C library takes them."""

import os
from pathlib import Path


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
