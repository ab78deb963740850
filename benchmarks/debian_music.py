"""Fetch music and voices beyond the collection, to train and to measure on, from Debian's packages.

    python benchmarks/debian_music.py --to FOLDER

`settings/debian-music.csv` and `debian-sounds.csv` list music, and voices and noises, under CC-BY,
CC-BY-SA, MIT and BSD licences to train on, `debian-strangers.csv` one piece each of artists, and
`debian-voices.csv` one speaker each, whom no model has heard, under any free licence, to measure
on. All say in which package each recording lies; where a path has wildcards, all that fit are
joined, in the order of their names, until they take the listed seconds. The packages are
downloaded one at a time with `apt-get download`, on Debian or a derivative; nothing is installed.
FOLDER then holds `train`, `strangers` and `voices`, with `--music` links to a collection among
them, and one manifest of all: set `data.music=FOLDER`, or
`python benchmarks/quality.py --music FOLDER --sets strangers,voices`.
"""

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import soundfile
from tqdm import tqdm

from aliquot.audio import Waveform
from aliquot.collect.manifest import MANIFEST, Row, as_csv, read_rows, write_text

SETTINGS = Path(__file__).parent.parent / "settings"
LISTS = ("debian-music.csv", "debian-sounds.csv", "debian-strangers.csv", "debian-voices.csv")
INSIDE = ".zip/"
PAUSE_S = 0.05
"""Between recordings that are joined."""


class MissingError(Exception):
    """A package is not to be had."""


class Place(NamedTuple):
    """Where a recording lies: ``Debian PACKAGE VERSION: PATH``, a path within a zip file too.

    The path may have wildcards, as in a shell but that ``*`` passes ``/``.
    """

    package: str
    version: str
    path: str

    @classmethod
    def of(cls, row: Row) -> "Place":
        name, path = row.source.removeprefix("Debian ").split(": ", 1)
        package, version = name.split(" ")
        return cls(package, version, path)

    @property
    def member(self) -> str:
        """Of the package's archive."""
        return self.path.partition(INSIDE)[0] + INSIDE[:-1] if INSIDE in self.path else self.path

    @property
    def within(self) -> str:
        """Of a zip file that is the member; empty if none is."""
        return self.path.partition(INSIDE)[2]


def downloaded(package: str, version: str, folder: Path) -> Path:
    """The package as a file; another version if the listed one is gone."""
    for name in (f"{package}={version}", package):
        command = ["apt-get", "download", "--quiet=2", name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not done.returncode:
            return next(folder.glob(f"{package}_*.deb"))
    raise MissingError(f"{package}: {done.stderr.strip()}; run `apt-get update` and try again")


def members(package: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Files of a package, one after the other."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
    ) as unpacking:
        assert unpacking.stdout is not None
        with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield member.name.removeprefix("./"), content


def recordings(package: Path, rows: list[Row]) -> Iterator[tuple[Row, str, bytes]]:
    """What a package holds of the listed recordings: each with its name and content."""
    places = [(row, Place.of(row)) for row in rows]
    for name, content in members(package):
        wanted = [(row, place) for row, place in places if fnmatchcase(name, place.member)]
        if not wanted:
            continue
        if not name.endswith(INSIDE[:-1]):
            held = content.read()
            yield from ((row, name, held) for row, _ in wanted)
            continue
        with tempfile.TemporaryFile() as unpacked:  # one is of 3 GB
            shutil.copyfileobj(content, unpacked)
            with zipfile.ZipFile(unpacked) as inner:
                for within in inner.namelist():
                    for row, place in wanted:
                        if fnmatchcase(within, place.within):
                            yield row, within, inner.read(within)


def joined(contents: list[bytes], sample_rate: int, seconds: float) -> Waveform:
    """Recordings one after the other, with short pauses, in mono.

    Those of another rate are left out, and those beyond so many seconds.
    """
    parts: list[Waveform] = []
    length = 0
    for content in contents:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
        if rate == sample_rate and length < round(seconds * sample_rate):
            parts += [samples.mean(axis=1), np.zeros(round(PAUSE_S * rate), np.float32)]
            length += len(samples) + len(parts[-1])
    return np.concatenate(parts)


def fetch(rows: list[Row], to: Path) -> list[Row]:
    """Write the recordings that are not there yet, if they are bit for bit as listed.

    Returns:
        The rows whose recordings are there.
    """
    packages = defaultdict(list)
    for row in rows:
        if not (to / row.file).is_file():
            packages[Place.of(row)[:2]].append(row)
    for (package, version), missing in tqdm(packages.items()):
        with tempfile.TemporaryDirectory(dir=to) as folder:
            found: dict[str, dict[str, bytes]] = defaultdict(dict)
            try:
                archive = downloaded(package, version, Path(folder))
            except MissingError as error:
                print(error, file=sys.stderr)
                continue
            for row, name, content in recordings(archive, missing):
                found[row.file][name] = content
            for row in missing:
                contents = [content for _, content in sorted(found[row.file].items())]
                if digest(contents) == row.sha256:
                    part = Path(folder) / f"part{Path(row.file).suffix}"
                    write(part, contents, row)
                    part.replace(to / row.file)
    return [on_disk(row, to) for row in rows if (to / row.file).is_file()]


def digest(contents: list[bytes]) -> str:
    """SHA-256 of a recording; of recordings that are joined, of all as one."""
    return hashlib.sha256(b"".join(contents)).hexdigest()


def write(path: Path, contents: list[bytes], row: Row) -> None:
    """A recording as it is; recordings that are joined in 16 bits."""
    if "*" in row.source:
        soundfile.write(path, joined(contents, row.sample_rate, row.seconds), row.sample_rate)
    else:
        path.write_bytes(contents[0])


def on_disk(row: Row, to: Path) -> Row:
    """The row with the sum of the file, where that is joined from several."""
    if "*" not in row.source:
        return row
    return replace(row, sha256=hashlib.sha256((to / row.file).read_bytes()).hexdigest())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, help="a collection with a manifest, to be joined")
    parser.add_argument("--to", type=Path, required=True, help="folder to be written")
    options = parser.parse_args()
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not here; use Debian, or a derivative of it")
    collection = read_rows(options.music / MANIFEST) if options.music else []
    more = [row for name in LISTS for row in read_rows(SETTINGS / name)]
    for row in (*collection, *more):
        (options.to / row.file).parent.mkdir(parents=True, exist_ok=True)
    for row in collection:
        link = options.to / row.file
        if not link.is_symlink():
            link.symlink_to((options.music / row.file).resolve())
    there = fetch(more, options.to)
    write_text(options.to / MANIFEST, as_csv([*collection, *there]))
    files = {row.file for row in there}
    for row in more:
        if row.file not in files:
            print(f"{row.file}: not in {Place.of(row).package} as listed", file=sys.stderr)
    print(f"{len(there)} of {len(more)} recordings and the collection: {options.to / MANIFEST}")
    return 0 if len(there) == len(more) else 1


if __name__ == "__main__":
    sys.exit(main())
