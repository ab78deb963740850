"""What is evaluated on: recordings with their manifest, and fixed excerpts of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aliquot.audio import Audio, Waveform
from aliquot.collect.manifest import MANIFEST, Row, read_rows
from aliquot.errors import ConfigError, InputError
from aliquot.io.sound import open_reader

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".m4a"})

EXCERPTS, EXCERPT_SECONDS = 3, 15.0
GRID_SECONDS = 0.2
"""Excerpts last a multiple of this, so that they have whole samples at every rate in use."""
LEAST_SECONDS = 1.0
FADE_SECONDS = 0.01

RESAMPLER_KEEPS = 0.925
"""soxr's best quality is flat up to this part of the lower Nyquist frequency."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording to evaluate on.

    Attributes:
        path: Where it lies.
        name: Its path inside the set, as tables and seeds use it.
        bandwidth_hz: Where its own content ends; None if unknown, then nothing is masked.
        typical_hz: Where its content ends half of the time; None if unknown.
        genre: From the manifest; empty if unknown.
        artist: From the manifest; the name's part before "--" or the whole name if unknown.
    """

    path: Path
    name: str
    bandwidth_hz: float | None = None
    typical_hz: float | None = None
    genre: str = ""
    artist: str = ""


def find_entries(folders: Sequence[Path], only: Path | None = None) -> tuple[Entry, ...]:
    """All recordings below some folders, with what a manifest says of them.

    A ``manifest.csv`` is looked for in the folder and in its parent; names count from where it
    lies. Files it does not list are taken as full-band.

    Args:
        folders: Folders to search, with all they contain.
        only: A text file with one relative path per line; ``#`` begins a comment. A recording is
            kept if its name is listed or ends in ``/`` and a listed path.

    Returns:
        The recordings sorted by name, each once.

    Raises:
        ConfigError: If a folder or list cannot be read, holds nothing, or lists what is not there.
    """
    found: dict[Path, Entry] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder; name one that holds recordings")
        base, rows = _manifest(folder)
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                name = path.relative_to(base).as_posix()
                row = rows.get(name, Row(name))
                limits = row.bandwidth_hz, row.bandwidth_typical_hz
                artist = row.artist or path.stem.split("--")[0]
                entry = Entry(path, name, *limits, genre=row.genre, artist=artist)
                found.setdefault(path.resolve(), entry)
    entries: Iterable[Entry] = found.values()
    if only is not None:
        entries = _listed(tuple(entries), only)
    result = tuple(sorted(entries, key=lambda entry: entry.name))
    if not result:
        raise ConfigError(f"no recordings in {', '.join(map(str, folders))}; name another folder")
    return result


def _manifest(folder: Path) -> tuple[Path, dict[str, Row]]:
    for base in (folder, folder.parent):
        path = base / MANIFEST
        if path.is_file():
            return base, {row.file: row for row in read_rows(path)}
    return folder, {}


def _listed(entries: tuple[Entry, ...], only: Path) -> tuple[Entry, ...]:
    try:
        lines = only.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read the list {only}: {error.strerror or error}") from error
    wanted = {line.partition("#")[0].strip() for line in lines} - {""}
    kept: dict[str, Entry] = {}
    for name in wanted:
        for entry in entries:
            if f"/{entry.name}".endswith(f"/{name}") or f"/{name}".endswith(f"/{entry.name}"):
                kept[name] = entry
    if missing := sorted(wanted - kept.keys()):
        raise ConfigError(f"{only} lists {missing[0]!r}, which is not in the set; correct the list")
    return tuple({entry.path: entry for entry in kept.values()}.values())


def upper_limit_hz(entry: Entry, sample_rate: int, output_rate: int, *, strict: bool) -> float:
    """Up to where an original is the truth: its bandwidth, within what its resampling kept.

    >>> upper_limit_hz(Entry(Path("a"), "a", 21_000.0, 19_000.0), 44_100, 44_100, strict=True)
    19000.0
    >>> upper_limit_hz(Entry(Path("a"), "a"), 44_100, 48_000, strict=False)
    20396.25
    """
    keeps = 1.0 if sample_rate == output_rate else RESAMPLER_KEEPS
    limit = keeps * min(sample_rate, output_rate) / 2
    own = entry.typical_hz if strict and entry.typical_hz is not None else entry.bandwidth_hz
    return limit if own is None else min(own, limit)


def excerpt_starts(seconds: float) -> tuple[tuple[float, float], ...]:
    """Fixed excerpts of a recording of some length, as pairs of start and duration in seconds.

    Three of 15 s with equal gaps before, between and after; fewer if they would overlap; the
    whole if it is shorter than one.

    >>> excerpt_starts(105.0)
    ((15.0, 15.0), (45.0, 15.0), (75.0, 15.0))
    >>> excerpt_starts(7.3)
    ((0.0, 7.2),)
    """
    count = min(EXCERPTS, int(seconds // EXCERPT_SECONDS))
    if count == 0:
        steps = int(seconds / GRID_SECONDS + 1e-6)
        return ((0.0, round(steps * GRID_SECONDS, 1)),)
    gap = (seconds - count * EXCERPT_SECONDS) / (count + 1)
    return tuple(
        (round(gap + n * (gap + EXCERPT_SECONDS), 3), EXCERPT_SECONDS) for n in range(count)
    )


def load_excerpts(path: Path) -> tuple[Audio, ...]:
    """The fixed excerpts of a recording, faded in and out over 10 ms.

    The fades make the excerpts recordings of their own, which begin and end without a click, so
    that they can be degraded one by one, and restored and measured end to end.

    Raises:
        InputError: If the file cannot be read, or is shorter than a second.
    """
    with open_reader(path) as reader:
        rate, frames = reader.info.sample_rate, reader.info.frames
    if frames is None:
        frames = sum(block.shape[1] for block in _blocks(path, 0.0, None))
    if frames < LEAST_SECONDS * rate:
        raise InputError(f"{path}: shorter than {LEAST_SECONDS:g} s; leave it out of the set")
    return tuple(_excerpt(path, rate, *place) for place in excerpt_starts(frames / rate))


def _blocks(path: Path, start: float, duration: float | None) -> Iterable[Waveform]:
    with open_reader(path) as reader:
        yield from reader.blocks(start_seconds=start, duration_seconds=duration)


def _excerpt(path: Path, rate: int, start: float, duration: float) -> Audio:
    blocks = list(_blocks(path, start, duration))
    samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)
    wanted = round(duration * rate)
    if samples.shape[1] < wanted:
        raise InputError(f"{path}: ends before its declared length; repair it or leave it out")
    return Audio(faded(samples[:, :wanted], round(FADE_SECONDS * rate)), rate)


def faded(samples: Waveform, size: int) -> Waveform:
    """A copy with a raised cosine over ``size`` samples at either end, ``(channels, samples)``."""
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(size) + 0.5) / size)).astype(np.float32)
    samples = samples.copy()
    samples[:, :size] *= ramp
    samples[:, -size:] *= ramp[::-1]
    return samples
