"""The iTunes Search interface: half a minute of nearly everything, on Apple's terms."""

from collections.abc import Iterator, Mapping
from typing import Any

from aliquot.collect.client import Reach
from aliquot.collect.licences import Licence
from aliquot.collect.limits import Limit
from aliquot.collect.source import About, Source, extension_of, field, records
from aliquot.collect.track import Track

PAGE = 200
TERMS = Licence(
    "LicenseRef-iTunes-preview",
    "https://performance-partners.apple.com/search-api",
    terms_only=True,
)


class ITunes(Source):
    """Previews in AAC at 256 kbit/s, full-band."""

    about = About(
        name="itunes",
        title="iTunes Search",
        docs="https://performance-partners.apple.com/search-api",
        gives="previews of 30 s in AAC",
        reach=Reach(
            api=("itunes.apple.com",),
            files=("audio-ssl.itunes.apple.com",),
            limits=(Limit(20, 60.0),),
            busy=frozenset({403}),
        ),
        off="Apple allows its previews to be used only to promote its store, beside a link to it; "
        "they are no licensed training data, must not be passed on, and no model trained on them "
        "may be published",
    )

    def search(self, query: str) -> Iterator[Track]:
        """The songs that match best; the interface has one page."""
        asked: dict[str, str | int] = {
            "term": query, "media": "music", "entity": "song", "country": "us", "limit": PAGE,
        }  # fmt: skip
        answer = self.client.json("https://itunes.apple.com/search", asked)
        yield from map(_track, records(answer, "results", self.about.title))

    def again(self, track: Track) -> Track | None:
        """The song of the same number."""
        asked: dict[str, str | int] = {"id": track.id, "country": "us"}
        answer = self.client.json("https://itunes.apple.com/lookup", asked)
        found = map(_track, records(answer, "results", self.about.title))
        return next((entry for entry in found if entry.id == track.id), None)


def _track(record: Mapping[str, Any]) -> Track:
    url = field(record, "previewUrl")
    return Track(
        source="itunes",
        id=field(record, "trackId"),
        title=field(record, "trackName"),
        artist=field(record, "artistName"),
        page_url=field(record, "trackViewUrl"),
        download_url=url,
        extension=extension_of(url) or "m4a",
        licence=TERMS,
        licence_url=TERMS.url,
        date=field(record, "releaseDate"),
        genre=field(record, "primaryGenreName"),
        seconds=30.0,
        preview=True,
        barred="" if url else "iTunes gives no preview of it",
    )


SOURCE = ITunes
