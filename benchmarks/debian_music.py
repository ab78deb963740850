"""Fetch music beyond the collection, to train on and to measure on, from Debian's packages.

    python benchmarks/debian_music.py --music ../shared/music --to FOLDER

`settings/debian-music.csv` lists recordings under CC-BY, CC-BY-SA, MIT and BSD licences to train
on, `settings/debian-strangers.csv` one each of artists whom no model has heard, under any free
licence, to measure on; both say in which package each lies. The packages are downloaded one at a
time with `apt-get download`, on Debian or a derivative; nothing is installed. FOLDER then holds
`train`, `valid` and `strangers`, links to the collection among them, and one manifest of all: set
`data.music=FOLDER`, or `python benchmarks/quality.py --music FOLDER --sets strangers`.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tqdm import tqdm

from aliquot.collect.manifest import MANIFEST, Row, as_csv, read_rows, write_text

SETTINGS = Path(__file__).parent.parent / "settings"
LISTS = ("debian-music.csv", "debian-strangers.csv")
INSIDE = ".zip/"


class Place(NamedTuple):
    """Where a recording lies: ``Debian PACKAGE VERSION: PATH``, a path within a zip file too."""

    package: str
    version: str
    path: str

    @classmethod
    def of(cls, row: Row) -> "Place":
        name, path = row.source.removeprefix("Debian ").split(": ", 1)
        return cls(*name.split(" "), path)

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
    raise SystemExit(f"{package}: {done.stderr.strip()}; run `apt-get update` and try again")


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


def recordings(package: Path, rows: list[Row]) -> Iterator[tuple[Row, bytes]]:
    """The listed recordings that a package holds."""
    wanted = defaultdict(list)
    for row in rows:
        wanted[Place.of(row).member].append(row)
    for name, content in members(package):
        if name not in wanted:
            continue
        if name.endswith(INSIDE[:-1]):
            with tempfile.TemporaryFile() as unpacked:  # one is of 3 GB
                shutil.copyfileobj(content, unpacked)
                with zipfile.ZipFile(unpacked) as inner:
                    held = {*inner.namelist()}
                    for row in wanted[name]:
                        if (within := Place.of(row).within) in held:
                            yield row, inner.read(within)
        else:
            yield wanted[name][0], content.read()


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
            for row, content in recordings(downloaded(package, version, Path(folder)), missing):
                if hashlib.sha256(content).hexdigest() == row.sha256:
                    part = Path(folder) / "part"
                    part.write_bytes(content)
                    part.replace(to / row.file)
    return [row for row in rows if (to / row.file).is_file()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, required=True, help="the collection, with a manifest")
    parser.add_argument("--to", type=Path, required=True, help="folder to be written")
    options = parser.parse_args()
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not here; use Debian, or a derivative of it")
    collection = read_rows(options.music / MANIFEST)
    more = [row for name in LISTS for row in read_rows(SETTINGS / name)]
    for row in (*collection, *more):
        (options.to / row.file).parent.mkdir(parents=True, exist_ok=True)
    for row in collection:
        link = options.to / row.file
        if not link.is_symlink():
            link.symlink_to((options.music / row.file).resolve())
    there = fetch(more, options.to)
    write_text(options.to / MANIFEST, as_csv([*collection, *there]))
    for row in more:
        if row not in there:
            print(f"{row.file}: not in {Place.of(row).package} as listed", file=sys.stderr)
    print(f"{len(there)} of {len(more)} recordings and the collection: {options.to / MANIFEST}")
    return 0 if len(there) == len(more) else 1


if __name__ == "__main__":
    sys.exit(main())
