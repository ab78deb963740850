"""What an earlier run left: the manifest, and the list of who was held out."""

from pathlib import Path

from aliquot.collect.manifest import COLUMNS, Row, read_header, read_list, read_rows
from aliquot.errors import ConfigError
from aliquot.io.names import shown

LIST_MARK = "# Held out by aliquot prepare"
"""Begins the list of held-out recordings; a file without it is somebody's own."""


def list_head(share: float, seed: int) -> str:
    """The first line of a list of held-out recordings, which says how they were drawn."""
    return f"{LIST_MARK} --share {share:g} --seed {seed}; never trained on.\n"


def known_rows(manifest: Path) -> dict[str, Row]:
    """Rows of an earlier run by the names of their files.

    Raises:
        ConfigError: If there is a manifest that cannot be read.
    """
    rows = read_rows(manifest) if manifest.exists() else ()
    return {row.file: row for row in rows}


def earlier_sides(manifest: Path, listed: Path, share: float, seed: int) -> dict[str, bool]:
    """Which recordings an earlier run held out (True) and which it did not (False).

    Args:
        manifest: Of the earlier run.
        listed: Its list of held-out recordings.
        share: Of this run.
        seed: Of this run.

    Returns:
        File -> side; empty if there was no such run, or if it drew with another share or seed.
    """
    if not (manifest.exists() and listed.exists()):
        return {}
    with listed.open(encoding="utf-8", errors="replace") as file:
        if file.readline() != list_head(share, seed):
            return {}
    held = set(read_list(listed))
    return {row.file: row.file in held for row in read_rows(manifest)}


def check_replaceable(manifest: Path, listed: Path) -> None:
    """Refuse to replace what somebody made by hand.

    Raises:
        ConfigError: If the manifest has columns that would be lost, or the list is not ours.
    """
    if manifest.exists():
        lost = [name for name in read_header(manifest) if name not in COLUMNS]
        if lost:
            raise ConfigError(
                f"{shown(manifest)} has a column {lost[0]!r}, which would be lost; "
                "give --out another name, or delete it"
            )
    if listed.exists():
        with listed.open("rb") as file:
            own = file.read(len(LIST_MARK)) == LIST_MARK.encode()
        if not own:
            raise ConfigError(
                f"{shown(listed)} was not made by aliquot prepare; "
                "give --held-out another name, or delete it"
            )
