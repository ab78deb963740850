"""Who made a recording, and what it is called: from tags, folders, or a known data set's tables.

A new data set is one function that returns a :data:`Labeller`, and one entry in :data:`LAYOUTS`.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aliquot.errors import ConfigError
from aliquot.io.names import shown
from aliquot.io.tags import read_fields


@dataclass(frozen=True, slots=True)
class Labels:
    """What a row of the manifest says beside what is measured; empty where nothing is known."""

    artist: str = ""
    title: str = ""
    genre: str = ""
    licence: str = ""
    source: str = ""


Labeller = Callable[[Path], Labels | None]
"""From a file's path to what is known of it; None if the data set's tables do not list it."""

MAGNA_CLIPS, MAGNA_TAGS = "clip_info_final.csv", "annotations_final.csv"
_NOT_TAGS = frozenset({"clip_id", "mp3_path"})
_VCTK = re.compile(
    r"(?:^|/)wav48(?:_silence_trimmed)?/(?P<speaker>[a-z]\d+)/(?P<title>(?P=speaker)_[^/]+)\.\w+$"
)


def labels_for(folder: Path) -> Labeller:
    """How recordings below a folder are labelled: by a known data set's rules, else by tags."""
    known = [labeller for layout in LAYOUTS if (labeller := layout(folder)) is not None]

    def label(path: Path) -> Labels:
        for labeller in known:
            labels = labeller(path)
            if labels is not None:
                return labels
        return from_tags(path, folder)

    return label


def from_tags(path: Path, folder: Path) -> Labels:
    """Labels from a file's own tags; the folder it lies in, or its name, stands for the artist."""
    fields = read_fields(path)

    def first(*names: str) -> str:
        return next((" ".join(fields[name][0].split()) for name in names if name in fields), "")

    parts = path.relative_to(folder).parts
    return Labels(
        artist=first("artist", "albumartist", "album artist", "performer", "composer")
        or (parts[-2] if len(parts) > 1 else path.stem),
        title=first("title") or path.stem,
        genre="/".join(fields.get("genre", [])),
        licence=first("license", "licence"),
        source=first("source", "website", "contact"),
    )


def magnatagatune(folder: Path) -> Labeller | None:
    """MagnaTagATune: clips in folders 0 to f, artists and tags in two tables beside them."""
    found: dict[str, Labels] = {}
    for row in _table(folder / MAGNA_CLIPS):
        found[row.get("mp3_path", "")] = Labels(
            artist=row.get("artist", ""),
            title=row.get("title", ""),
            source=row.get("url", ""),
        )
    for row in _table(folder / MAGNA_TAGS):
        name = row.get("mp3_path", "")
        tags = [tag for tag, value in row.items() if value == "1" and tag not in _NOT_TAGS]
        found[name] = replace(found.get(name, Labels()), genre="/".join(tags))
    if not found:
        return None

    def label(path: Path) -> Labels | None:
        labels = found.get(path.relative_to(folder).as_posix())
        if labels is None:
            return None
        # The artist and the album begin the name of every clip: american_bach_soloists-…
        return replace(
            labels,
            artist=labels.artist or path.stem.partition("-")[0],
            title=labels.title or path.stem,
        )

    return label


def vctk(folder: Path) -> Labeller | None:
    """VCTK: ``wav48/p225/p225_001.wav``; the speaker is the artist."""
    here = folder.resolve()

    def label(path: Path) -> Labels | None:
        name = (here / path.relative_to(folder)).as_posix()
        match = _VCTK.search(name)
        if match is None:
            return None
        return Labels(artist=match["speaker"], title=match["title"], genre="speech")

    return label


LAYOUTS: tuple[Callable[[Path], Labeller | None], ...] = (magnatagatune, vctk)
"""Data sets that are recognised, the first match first."""


def _table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a tab-separated table with quotes; none if it is not there."""
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield {name: value for name, value in row.items() if name and value is not None}
    except (OSError, csv.Error) as error:
        raise ConfigError(
            f"{shown(path)} cannot be read as a table with tabs ({error}); copy it again"
        ) from error
