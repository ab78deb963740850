"""Jamendo: albums under Creative Commons, in FLAC, with the artist's leave to fetch them.

Known of the interface: errors come with status 200, and so do, now and then, lists that are empty
although they should not be. An empty list is therefore asked for again, and never taken to mean
that a recording is gone.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aliquot.collect.answers import TransientError
from aliquot.collect.client import Reach
from aliquot.collect.licences import parse_licence
from aliquot.collect.limits import Limit
from aliquot.collect.network import NetworkError
from aliquot.collect.source import About, Key, Source, field, number, records, whole
from aliquot.collect.track import Track

PAGE = 200
URL = "https://api.jamendo.com/v3.0/tracks/"
KEY = Key("JAMENDO_CLIENT_ID", "https://devportal.jamendo.com")
_BUSY = frozenset({1, 6})
"""Codes of a passing error: unknown exception, rate limit."""


class Jamendo(Source):
    """Recordings that may be downloaded."""

    about = About(
        name="jamendo",
        title="Jamendo",
        docs="https://developer.jamendo.com/v3.0",
        gives="whole recordings in FLAC",
        reach=Reach(
            api=("api.jamendo.com",),
            files=("*.jamendo.com",),
            limits=(Limit(2, 1.0), Limit(35_000, 30 * 86_400.0)),
        ),
        keys=(KEY,),
    )

    def search(self, query: str) -> Iterator[Track]:
        """Recordings whose title, artist, album or tags match; NC and ND are left to others."""
        offset, total = 0, None
        while total is None or offset < total:
            asked: dict[str, str | int] = {
                "search": query, "ccnc": 0, "ccnd": 0, "order": "id", "limit": PAGE,
                "offset": offset, "fullcount": "true",
            }  # fmt: skip
            try:
                answer = self._tracks(asked, _not_empty if total else _not_empty_at_first)
            except NetworkError:
                if total is None and self._empty:
                    return  # it has said so again and again: nothing matches
                raise
            found = records(answer, "results", self.about.title)
            total = whole(answer["headers"].get("results_fullcount")) or offset + len(found)
            yield from map(_track, found)
            offset += PAGE

    def again(self, track: Track) -> Track | None:
        """The recording of the same number; an empty answer is an error, never an end."""
        answer = self._tracks({"id": track.id}, _not_empty)
        found = map(_track, records(answer, "results", self.about.title))
        return next((entry for entry in found if entry.id == track.id), None)

    _empty = False

    def _tracks(
        self, asked: Mapping[str, str | int], check: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        self._empty = False

        def examine(answer: dict[str, Any]) -> None:
            _check(answer)
            self._empty = not answer.get("results")
            check(answer)

        query: dict[str, str | int] = {
            "client_id": self._keys[KEY.variable], "format": "json", "audioformat": "flac",
            "audiodlformat": "flac", "include": "licenses musicinfo", **asked,
        }  # fmt: skip
        return self.client.json(URL, query, check=examine)


def _check(answer: Mapping[str, Any]) -> None:
    headers = answer.get("headers")
    if not isinstance(headers, dict):
        raise TransientError("Jamendo answered without 'headers'")
    code = headers.get("code")
    if code == 0 and field(headers, "status") != "failed":
        return
    says = f"Jamendo says {field(headers, 'error_message')!r} (code {code})"
    if code in _BUSY:
        raise TransientError(says)
    cure = f"check {KEY.variable}, or get another at {KEY.where}"
    raise NetworkError(f"{says}; {cure if code in (5, 11) else 'its interface may have changed'}")


def _not_empty(answer: dict[str, Any]) -> None:
    if not answer.get("results"):
        raise TransientError("Jamendo answered with an empty list where there must be recordings")


def _not_empty_at_first(answer: dict[str, Any]) -> None:
    if not answer.get("results"):
        raise TransientError("Jamendo answered with an empty list")


def _track(record: Mapping[str, Any]) -> Track:
    licence_url = field(record, "license_ccurl")
    tags = record.get("musicinfo")
    genres = tags.get("tags") if isinstance(tags, dict) else None
    url = field(record, "audiodownload")
    barred = ""
    if record.get("audiodownload_allowed") is not True:
        barred = "the artist does not allow it to be downloaded"
    elif not url:
        barred = "Jamendo gives no address to download it from"
    return Track(
        source="jamendo",
        id=field(record, "id"),
        title=field(record, "name"),
        artist=field(record, "artist_name"),
        page_url=field(record, "shareurl"),
        download_url=url,
        extension="flac",
        licence=parse_licence(licence_url),
        licence_url=licence_url,
        date=field(record, "releasedate"),
        genre=field(genres, "genres") if isinstance(genres, dict) else "",
        seconds=number(record.get("duration")),
        barred=barred,
    )


SOURCE = Jamendo
