"""Freesound: sounds, loops and some music; to be had here as previews only.

The originals need a user to log in, so what is fetched is the better of the lossy previews, and
marked as one. The interface itself is free for non-commercial use only.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from aliquot.collect.answers import StatusError
from aliquot.collect.client import Reach
from aliquot.collect.licences import parse_licence
from aliquot.collect.limits import Limit
from aliquot.collect.source import About, Key, Source, field, number, records
from aliquot.collect.track import Track

PAGE = 150
URL = "https://freesound.org/apiv2/"
FIELDS = "id,name,username,license,url,created,duration,previews,tags"
KEY = Key("FREESOUND_KEY", "https://freesound.org/apiv2/apply")


class Freesound(Source):
    """Previews of sounds under CC0 and CC-BY."""

    about = About(
        name="freesound",
        title="Freesound",
        docs="https://freesound.org/docs/api/",
        gives="sounds and loops; lossy previews only",
        reach=Reach(
            api=("freesound.org",),
            files=("cdn.freesound.org",),
            limits=(Limit(60, 60.0), Limit(2_000, 86_400.0)),
        ),
        keys=(KEY,),
    )

    def search(self, query: str) -> Iterator[Track]:
        """Sounds that match, the oldest first."""
        page, more = 1, True
        while more:
            asked: dict[str, str | int] = {
                "query": query, "filter": 'license:("Creative Commons 0" OR "Attribution")',
                "fields": FIELDS, "sort": "created_asc", "page_size": PAGE, "page": page,
            }  # fmt: skip
            answer = self.client.json(f"{URL}search/", asked, headers=self._authorisation())
            found = records(answer, "results", self.about.title)
            yield from map(_track, found)
            more = bool(answer.get("next")) and bool(found)
            page += 1

    def again(self, track: Track) -> Track | None:
        """The sound of the same number."""
        url = f"{URL}sounds/{quote(track.id, safe='')}/"
        try:
            return _track(self.client.json(url, {"fields": FIELDS}, headers=self._authorisation()))
        except StatusError as error:
            if error.status in (404, 410):
                return None
            raise

    def _authorisation(self) -> dict[str, str]:
        return {"Authorization": f"Token {self._keys[KEY.variable]}"}


def _track(record: Mapping[str, Any]) -> Track:
    licence_url = field(record, "license")
    url = field(record, "previews", "preview-hq-ogg")
    extension = "ogg"
    if not url:
        url, extension = field(record, "previews", "preview-hq-mp3"), "mp3"
    return Track(
        source="freesound",
        id=field(record, "id"),
        title=field(record, "name"),
        artist=field(record, "username"),
        page_url=field(record, "url"),
        download_url=url,
        extension=extension,
        licence=parse_licence(licence_url),
        licence_url=licence_url,
        date=field(record, "created"),
        genre=field(record, "tags"),
        seconds=number(record.get("duration")),
        preview=True,
        barred="" if url else "Freesound gives no preview of it",
    )


SOURCE = Freesound
