"""Which recordings are meant: files, folders and patterns become one list of files."""

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aliquot.errors import InputError
from aliquot.io.names import RESULT_MARK, SOUND_SUFFIXES


@dataclass(frozen=True, slots=True)
class Found:
    """One recording to work on.

    Attributes:
        path: The file.
        folder: Where it lay below the folder that was searched; empty for a named file.
    """

    path: Path
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that came to nothing, and why."""

    source: Path
    error: Exception


def find(
    inputs: Sequence[str], *, recursive: bool = False, avoid: Path | None = None
) -> tuple[list[Found], list[Failure]]:
    """Turn the inputs of a command line into files, each once, in a stable order.

    Args:
        inputs: Files, folders, or patterns with ``*``, ``?`` and ``**`` (for shells that do not
            expand them).
        recursive: Whether folders are searched with all their sub-folders.
        avoid: A folder for results; nothing inside it is taken from a folder or a pattern.

    Returns:
        The recordings, and the inputs that name none. A result whose recording is there as well
        (a shell's ``*.flac`` names both) is left out.
    """
    found: dict[Path, Found] = {}
    failures: list[Failure] = []
    for text in inputs:
        path = Path(text)
        if is_folder(path):
            known = len(failures)
            fresh = list(_in_folder(path, recursive, avoid, failures))
            if not fresh and len(failures) == known:
                failures.append(Failure(path, InputError(_why_nothing(text))))
        elif _is(path.exists):
            fresh = [Found(path)]
        else:
            fresh = list(_matching(text, avoid))
            if not fresh:
                failures.append(Failure(path, InputError(_why_nothing(text))))
        for item in fresh:
            found.setdefault(item.path.resolve(), item)
    originals = {path.parent / path.stem for path in found}
    fresh = [item for path, item in found.items() if _original(path) not in originals]
    return fresh, failures


def _original(path: Path) -> Path | None:
    """What a result was made from, without suffix; None if the file is no result of ours."""
    if not path.stem.endswith(RESULT_MARK):
        return None
    return path.parent / path.stem.removesuffix(RESULT_MARK)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder that may be looked at."""
    return _is(path.is_dir)


def _is(check: Callable[[], bool]) -> bool:
    """Whether it is; what may not be looked at, or cannot be a name, is not."""
    try:
        return check()
    except OSError:
        return False


def _why_nothing(text: str) -> str:
    try:
        if Path(text).is_dir():
            return f"{text}: no recordings in this folder; check it, or add --recursive"
    except OSError as error:
        return f"{text}: {error.strerror}; check the name, and who may open its folder"
    if glob.has_magic(text):
        return f"{text}: no recording matches; check the pattern"
    return f"{text}: no such file or folder; check the name"


def _in_folder(
    root: Path, recursive: bool, avoid: Path | None, failures: list[Failure]
) -> Iterator[Found]:
    def note(error: OSError) -> None:
        path = Path(error.filename or root)
        reason = InputError(f"{path}: {error.strerror}; check the folder's permissions")
        failures.append(Failure(path, reason))

    for name, folders, files in os.walk(root, onerror=note):
        here = Path(name)
        folders.sort()
        if not recursive:
            folders.clear()
        for path in _recordings((here / file for file in sorted(files)), avoid):
            yield Found(path, here.relative_to(root))


def _matching(pattern: str, avoid: Path | None) -> Iterator[Found]:
    paths = (Path(name) for name in sorted(glob.glob(pattern, recursive=True)))  # noqa: PTH207 - absolute too
    yield from (Found(path) for path in _recordings(paths, avoid))


def _recordings(paths: Iterable[Path], avoid: Path | None) -> Iterator[Path]:
    """Keep what is a recording, and neither hidden nor a result of ours."""
    for path in paths:
        if path.suffix.lower() not in SOUND_SUFFIXES or path.name.startswith("."):
            continue
        if path.stem.endswith(RESULT_MARK) or not path.is_file():
            continue
        if avoid is None or not path.resolve().is_relative_to(avoid.resolve()):
            yield path
