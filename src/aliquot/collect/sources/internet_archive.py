"""The Internet Archive: whole albums of net labels, lossless, with a hash for every file.

The scrape interface lists items, 1,000 at a time behind a cursor; an item's metadata lists its
files. One request for each item is therefore needed.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from aliquot.collect.answers import TransientError
from aliquot.collect.client import Reach
from aliquot.collect.licences import parse_licence
from aliquot.collect.limits import Limit
from aliquot.collect.source import About, Source, extension_of, field, number, records, whole
from aliquot.collect.track import Track, one_line

PAGE = 1_000
MOST_PAGES = 1_000
_LOSSLESS = frozenset({"wav", "wave", "aif", "aiff", "flac", "shn"})


class InternetArchive(Source):
    """Items with a licence of Creative Commons and FLAC files."""

    about = About(
        name="internet-archive",
        title="the Internet Archive",
        docs="https://archive.org/developers/",
        gives="whole recordings in FLAC, with hashes",
        reach=Reach(
            api=("archive.org",),
            files=("*.archive.org",),
            limits=(Limit(1, 1.0), Limit(40, 60.0)),
        ),
        contact=True,
    )

    def search(self, query: str) -> Iterator[Track]:
        """FLAC files of the items that match; the query may use the Archive's own syntax."""
        asked: dict[str, str | int] = {
            "q": f"({query}) AND mediatype:audio AND format:Flac"
            " AND licenseurl:*creativecommons.org*",
            "fields": "identifier",
            "count": PAGE,
        }
        for _ in range(MOST_PAGES):
            answer = self.client.json(
                "https://archive.org/services/search/v1/scrape", asked, check=_check
            )
            for item in records(answer, "items", self.about.title):
                yield from self._files(field(item, "identifier"))
            cursor = answer.get("cursor")
            if not isinstance(cursor, str) or not cursor or cursor == asked.get("cursor"):
                return
            asked["cursor"] = cursor

    def again(self, track: Track) -> Track | None:
        """The same file, if its item still lists it."""
        found = self._files(track.id.partition("/")[0])
        return next((entry for entry in found if entry.id == track.id), None)

    def _files(self, item: str) -> Iterator[Track]:
        if not item:
            return
        url = f"https://archive.org/metadata/{quote(item, safe='')}"
        answer = self.client.json(url, check=_check)
        about, files = answer.get("metadata"), answer.get("files")
        if not isinstance(about, dict) or not isinstance(files, list):
            return  # an item that was taken down answers {}
        named = [file for file in files if isinstance(file, dict) and field(file, "name")]
        for file in sorted(named, key=lambda file: field(file, "name")):
            if _is_lossless(file):
                yield _track(item, about, file)


def _check(answer: Mapping[str, Any]) -> None:
    error = answer.get("error")
    if error:
        raise TransientError(f"the Internet Archive says {one_line(error)!r}")


def _is_lossless(file: Mapping[str, Any]) -> bool:
    """FLAC as uploaded, or made of a lossless upload; never of an MP3."""
    name = field(file, "name")
    made_of = field(file, "original")
    honest = field(file, "source") == "original" or extension_of(made_of) in _LOSSLESS
    return extension_of(name) == "flac" and honest


def _track(item: str, about: Mapping[str, Any], file: Mapping[str, Any]) -> Track:
    name = str(file["name"])
    licence_url = field(about, "licenseurl")
    barred = ""
    if field(file, "private") == "true" or field(about, "access-restricted-item") == "true":
        barred = "the Internet Archive does not let everybody fetch it"
    return Track(
        source="internet-archive",
        id=f"{item}/{name}",
        title=field(file, "title") or name.rpartition(".")[0],
        artist=field(file, "artist") or field(file, "creator") or field(about, "creator"),
        page_url=f"https://archive.org/details/{quote(item, safe='')}",
        download_url=f"https://archive.org/download/{quote(item, safe='')}/{quote(name)}",
        extension="flac",
        licence=parse_licence(licence_url),
        licence_url=licence_url,
        date=field(about, "date"),
        genre=field(file, "genre") or field(about, "subject"),
        bytes=whole(file.get("size")),
        md5=field(file, "md5") or None,
        sha1=field(file, "sha1") or None,
        seconds=_seconds(field(file, "length")),
        barred=barred,
    )


def _seconds(text: str) -> float | None:
    """A length as the Archive writes it: ``201.56`` or ``3:21`` or ``1:02:03``."""
    parts = [0.0 if not part.strip("0") else number(part) for part in text.split(":")]
    if not text or None in parts:
        return None
    return number(sum((part or 0.0) * 60.0**n for n, part in enumerate(reversed(parts))))


SOURCE = InternetArchive
