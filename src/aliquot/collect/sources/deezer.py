"""Deezer: half a minute of nearly everything, at 128 kbit/s, on Deezer's terms.

Its errors come with status 200. The address of a preview holds a signature that expires after a
quarter of an hour, so it is asked for anew just before the file is fetched.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from aliquot.collect.answers import TransientError
from aliquot.collect.client import Reach
from aliquot.collect.licences import Licence
from aliquot.collect.limits import Limit
from aliquot.collect.network import NetworkError
from aliquot.collect.source import About, Source, field, records, whole
from aliquot.collect.track import Track

PAGE = 100
TERMS = Licence(
    "LicenseRef-Deezer-preview", "https://developers.deezer.com/termsofuse", terms_only=True
)
QUOTA, BUSY, NO_DATA = 4, 700, 800


class _NoDataError(NetworkError):
    """Deezer has nothing of that number."""


class Deezer(Source):
    """Previews in MP3 that end at 16.6 kHz."""

    about = About(
        name="deezer",
        title="Deezer",
        docs="https://developers.deezer.com/api",
        gives="previews of 30 s in MP3 at 128 kbit/s",
        reach=Reach(
            api=("api.deezer.com",),
            files=("*.dzcdn.net",),
            limits=(Limit(50, 5.0),),
        ),
        off="Deezer's terms do not allow its previews to be kept or trained on, no model of them "
        "may be published, and they end at 16.6 kHz, so there is no treble above it to learn",
    )

    def search(self, query: str) -> Iterator[Track]:
        """Recordings that match, as long as Deezer lists any."""
        index, total = 0, 1
        while index < total:
            asked: dict[str, str | int] = {
                "q": query,
                "limit": PAGE,
                "index": index,
                "order": "RANKING",
            }
            answer = self.client.json("https://api.deezer.com/search", asked, check=_check)
            found = records(answer, "data", self.about.title)
            yield from map(_track, found)
            total = (whole(answer.get("total")) or 0) if found and answer.get("next") else 0
            index += PAGE

    def again(self, track: Track) -> Track | None:
        """The recording of the same number, its preview signed anew."""
        url = f"https://api.deezer.com/track/{quote(track.id, safe='')}"
        try:
            return _track(self.client.json(url, check=_check))
        except _NoDataError:
            return None


def _check(answer: Mapping[str, Any]) -> None:
    error = answer.get("error")
    if not isinstance(error, dict) or not error:
        return
    code = error.get("code")
    says = f"Deezer says {field(error, 'message')!r} (code {code})"
    if code in (QUOTA, BUSY):
        raise TransientError(says, 5.0)
    if code == NO_DATA:
        raise _NoDataError(f"{says}; it is no longer there")
    raise NetworkError(f"{says}; change the query")


def _track(record: Mapping[str, Any]) -> Track:
    url = field(record, "preview")
    return Track(
        source="deezer",
        id=field(record, "id"),
        title=field(record, "title"),
        artist=field(record, "artist", "name"),
        page_url=field(record, "link") or f"https://www.deezer.com/track/{field(record, 'id')}",
        download_url=url,
        extension="mp3",
        licence=TERMS,
        licence_url=TERMS.url,
        date=field(record, "release_date"),
        seconds=30.0,
        preview=True,
        barred="" if url else "Deezer gives no preview of it",
    )


SOURCE = Deezer
