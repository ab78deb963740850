"""Openverse: an index of openly licensed sound in many places, Jamendo and Commons among them.

Without a key it answers 200 times a day, 20 recordings a time, and no further than 240 recordings
down a list; with one, 10,000 times.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from aliquot.collect.answers import StatusError
from aliquot.collect.client import Reach
from aliquot.collect.licences import Licence, parse_licence
from aliquot.collect.limits import Limit
from aliquot.collect.network import NetworkError
from aliquot.collect.source import About, Key, Source, extension_of, field, number, records, whole
from aliquot.collect.track import Track

PAGE = 20
DEEPEST = 240
URL = "https://api.openverse.org/v1/audio/"
TOKEN_URL = "https://api.openverse.org/v1/auth_tokens/token/"
WHERE = "https://api.openverse.org/v1/#tag/auth"
CLIENT = Key("OPENVERSE_CLIENT_ID", WHERE, needed=False)
SECRET = Key("OPENVERSE_CLIENT_SECRET", WHERE, needed=False)
_EXTENSIONS = {"mp32": "mp3", "mp31": "mp3", "mpeg": "mp3", "oga": "ogg", "wave": "wav"}


class Openverse(Source):
    """Music of the index; the files lie with those who published them."""

    about = About(
        name="openverse",
        title="Openverse",
        docs="https://api.openverse.org/v1/",
        gives="an index of other sources; mostly lossy files",
        reach=Reach(
            api=("api.openverse.org",),
            files=("upload.wikimedia.org", "*.jamendo.com", "cdn.freesound.org", "ccmixter.org"),
            limits=(Limit(20, 60.0), Limit(200, 86_400.0)),
        ),
        keys=(CLIENT, SECRET),
        contact=True,
    )
    registered_limits = (Limit(100, 60.0), Limit(10_000, 86_400.0))

    _token = ""

    def search(self, query: str) -> Iterator[Track]:
        """Music that matches, under licences that allow all uses."""
        page, pages = 1, 1
        while page <= min(pages, DEEPEST // PAGE):
            asked: dict[str, str | int] = {
                "q": query, "license": "cc0,pdm,by,by-sa", "category": "music",
                "page_size": PAGE, "page": page,
            }  # fmt: skip
            answer = self._ask(URL, asked)
            pages = whole(answer.get("page_count")) or 1
            yield from map(_track, records(answer, "results", self.about.title))
            page += 1

    def again(self, track: Track) -> Track | None:
        """The entry of the same number."""
        try:
            return _track(self._ask(f"{URL}{quote(track.id, safe='')}/"))
        except StatusError as error:
            if error.status in (404, 410):
                return None
            raise

    def _ask(self, url: str, asked: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        headers = self._authorisation()
        try:
            return self.client.json(url, asked, headers=headers)
        except StatusError as error:
            if error.status != 401 or not headers:
                raise
        self._token = ""  # it has expired: they last for some hours
        return self.client.json(url, asked, headers=self._authorisation())

    def _authorisation(self) -> dict[str, str]:
        client, secret = (self._keys.get(key.variable, "") for key in (CLIENT, SECRET))
        if not client or not secret:
            return {}
        if not self._token:
            self.client.relax(self.registered_limits)
            form = {
                "grant_type": "client_credentials", "client_id": client, "client_secret": secret,
            }  # fmt: skip
            self._token = field(self.client.json(TOKEN_URL, form=form), "access_token")
            if not self._token or not self._token.isascii():
                raise NetworkError(
                    f"Openverse gave no token; check {CLIENT.variable} and {SECRET.variable}"
                )
        return {"Authorization": f"Bearer {self._token}"}


def _track(record: Mapping[str, Any]) -> Track:
    url = field(record, "url")
    kind = field(record, "filetype").casefold() or extension_of(url)
    milliseconds = number(record.get("duration"))
    provider = field(record, "provider")
    return Track(
        source="openverse",
        id=field(record, "id"),
        title=field(record, "title"),
        artist=field(record, "creator"),
        page_url=field(record, "foreign_landing_url"),
        download_url=url,
        extension=_EXTENSIONS.get(kind, kind),
        licence=_licence(record),
        licence_url=field(record, "license_url"),
        genre=field(record, "genres"),
        seconds=milliseconds / 1000 if milliseconds else None,
        preview=provider == "freesound" or "/previews/" in url,
    )


def _licence(record: Mapping[str, Any]) -> Licence | None:
    """The licence, if its address and its short name agree on it."""
    found = parse_licence(field(record, "license_url"))
    code, version = field(record, "license").casefold(), field(record, "license_version")
    name = {"cc0": "cc0", "pdm": "pdm"}.get(code, f"cc {code} {version}")
    named = parse_licence(name)
    if found is None or named is None:
        return None
    same = found.id == named.id or found.id.startswith(f"{named.id}-")
    return found if same or {found.id, named.id} == {"PD", "PDM-1.0"} else None


SOURCE = Openverse
