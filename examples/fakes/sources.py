"""The interfaces of seven sources, written from their documentation and from reports of use."""

import itertools
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fakes.catalogue import SECONDS, Song
from fakes.web import Answer, App, Request, as_json, file_answer


class Fake:
    """One source: its songs, how many it lists at a time, and its hosts."""

    name: str
    api: str
    files: str
    environment: dict[str, str] = {}  # noqa: RUF012
    limits: tuple[tuple[int, float], ...]
    """Requests and seconds: as published, or what others report to have been borne."""

    def __init__(self, songs: Sequence[Song], page: int = 3) -> None:
        self.songs = list(songs)
        self.page = page
        self.honest = True
        self.tag = '"1"'

    def apps(self) -> dict[str, App]:
        return {self.api: self.answer, self.files: self.file}

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def file(self, request: Request) -> Answer:
        """A file whose address ends with its number and kind."""
        number = request.path.rstrip("/").rpartition("/")[2].partition(".")[0]
        song = self.song(number)
        return file_answer(request, song.data, self.tag) if song else Answer(404)

    def song(self, number: object) -> Song | None:
        return next((song for song in self.songs if str(song.number) == str(number)), None)

    def address(self, song: Song) -> str:
        return f"https://{self.files}/music/{song.number}.{song.kind}"

    def free(self) -> list[Song]:
        """What a filter for free licences leaves; a dishonest server does not filter."""
        free = {"by", "by-sa", "cc0", "pdm"}
        return [song for song in self.songs if not self.honest or song.licence in free]


class Archive(Fake):
    """https://archive.org/developers: scrape (count of 100 at least), metadata, download."""

    name, api, files = "internet-archive", "archive.org", "ia800100.us.archive.org"
    limits = ((1, 0.9), (60, 60.0))

    def answer(self, request: Request) -> Answer:
        if request.path == "/services/search/v1/scrape":
            return self.scrape(request)
        if request.path.startswith("/metadata/"):
            return as_json(self.metadata(request.path.removeprefix("/metadata/")))
        target = f"https://{self.files}/7/items/{request.path.removeprefix('/download/')}"
        return Answer(302, headers={"Location": quote(target, safe=":/")})

    def scrape(self, request: Request) -> Answer:
        if int(request.query.get("count", 5_000)) < 100:
            return as_json({"error": "count must be at least 100"}, 400)
        if "format:Flac" not in request.query["q"]:
            return as_json({"items": [], "count": 0, "total": 0})
        start = int(request.query.get("cursor", "0"))
        found = self.songs[start : start + self.page]
        content: dict[str, Any] = {
            "items": [{"identifier": self.item(song)} for song in found],
            "count": len(found),
            "total": len(self.songs),
        }
        if start + self.page < len(self.songs):
            content["cursor"] = str(start + self.page)
        return as_json(content)

    @staticmethod
    def item(song: Song) -> str:
        return f"netlabel-{song.number}"

    def metadata(self, item: str) -> dict[str, Any]:
        song = self.song(item.removeprefix("netlabel-"))
        if song is None:
            return {}
        about: dict[str, Any] = {
            "identifier": item, "title": "An album", "creator": song.by, "mediatype": "audio",
            "collection": ["netlabels", "audio"], "date": "2019-05-01", "subject": ["folk", "pop"],
        }  # fmt: skip
        if song.licence_url:
            about["licenseurl"] = song.licence_url
        common = {"mtime": "1556668800", "crc32": "00000000"}
        flac = {
            "name": f"{song.number}.flac", "source": "original", "format": "Flac",
            "size": str(len(song.data)), "md5": song.md5, "sha1": song.sha1,
            "length": f"{SECONDS:.2f}", "title": song.title, **common,
        }  # fmt: skip
        mp3 = {
            "name": f"{song.number}.mp3", "source": "derivative", "format": "VBR MP3",
            "original": f"{song.number}.flac", "size": "9", "md5": "0" * 32, **common,
        }  # fmt: skip
        cover = {"name": "cover.jpg", "source": "original", "format": "JPEG", "size": "5"}
        return {
            "created": 1, "d1": self.files, "dir": f"/7/items/{item}", "server": self.files,
            "files": [mp3, flac, cover], "files_count": 3, "metadata": about,
        }  # fmt: skip


class Jamendo(Fake):
    """https://developer.jamendo.com/v3.0: all errors with status 200, limit of 200 at most."""

    name, api, files = "jamendo", "api.jamendo.com", "prod-1.storage.jamendo.com"
    limits = ((35_000, 30 * 86_400.0),)
    environment = {"JAMENDO_CLIENT_ID": "a1b2c3d4"}  # noqa: RUF012

    def answer(self, request: Request) -> Answer:
        asked = request.query
        if asked.get("client_id") != "a1b2c3d4":
            return self.listed([], 5, "Your credential is not authorized.")
        if int(asked.get("limit", 10)) > 200:
            return self.listed([], 3, "limit is over 200")
        found = self.free() if asked.get("ccnc") == "0" else self.songs
        if "id" in asked:
            found = [song for song in self.songs if str(song.number) == asked["id"]]
        start = int(asked.get("offset", 0))
        size = min(int(asked.get("limit", 10)), 200)
        page = [self.track(song) for song in found[start : start + size]]
        return self.listed(page, total=len(found) if asked.get("fullcount") == "true" else None)

    @staticmethod
    def listed(
        page: list[dict[str, Any]], code: int = 0, message: str = "", total: int | None = None
    ) -> Answer:
        headers = {
            "status": "failed" if code else "success", "code": code, "error_message": message,
            "warnings": "", "results_count": len(page),
        }  # fmt: skip
        if total is not None:
            headers["results_fullcount"] = total
        return as_json({"headers": headers, "results": page})

    def track(self, song: Song) -> dict[str, Any]:
        return {
            "id": str(song.number), "name": song.title, "duration": round(SECONDS),
            "artist_id": "7", "artist_name": song.by, "album_name": "An album",
            "license_ccurl": song.licence_url, "releasedate": "2019-05-01",
            "audio": f"https://{self.files}/?trackid={song.number}&format=mp31",
            "audiodownload": f"https://{self.files}/download/track/{song.number}",
            "audiodownload_allowed": True,
            "shareurl": f"https://www.jamendo.com/track/{song.number}",
            "musicinfo": {"vocalinstrumental": "", "tags": {"genres": ["folk"], "vartags": []}},
        }  # fmt: skip


class Openverse(Fake):
    """https://api.openverse.org/v1: 20 a page and 240 deep without a token."""

    name, api, files = "openverse", "api.openverse.org", "upload.wikimedia.org"
    limits = ((20, 60.0), (200, 86_400.0))
    token = "t0ken"

    def answer(self, request: Request) -> Answer:
        if request.path == "/v1/auth_tokens/token/":
            good = request.form.get("client_secret") == "s3cret" and request.method == "POST"
            if not good or request.form.get("grant_type") != "client_credentials":
                return as_json({"error": "invalid_client"}, 401)
            return as_json(
                {"access_token": self.token, "expires_in": 36_000, "token_type": "Bearer"}
            )
        given = request.headers.get("authorization")
        if given is not None and given != f"Bearer {self.token}":
            return as_json({"detail": "Authentication credentials are invalid."}, 401)
        if request.path == "/v1/audio/":
            return self.listed(request, anonymous=given is None)
        song = self.song(request.path.removeprefix("/v1/audio/").strip("/").removeprefix("id-"))
        return as_json(self.track(song)) if song else as_json({"detail": "Not found."}, 404)

    def listed(self, request: Request, *, anonymous: bool) -> Answer:
        size, page = int(request.query["page_size"]), int(request.query.get("page", 1))
        if anonymous and size > 20:
            return as_json({"detail": "page_size must be no greater than 20"}, 401)
        if size * page > 240:
            return as_json({"detail": "Pagination is limited to 240 results"}, 400)
        found = self.free()
        start = (page - 1) * size
        return as_json({
            "result_count": len(found), "page_count": -(-len(found) // size),
            "page_size": size, "page": page,
            "results": [self.track(song) for song in found[start : start + size]],
        })  # fmt: skip

    def track(self, song: Song) -> dict[str, Any]:
        return {
            "id": f"id-{song.number}", "title": song.title, "url": self.address(song),
            "creator": song.by, "license": song.licence,
            "license_version": "1.0" if song.licence in ("cc0", "pdm") else "4.0",
            "license_url": song.licence_url, "provider": "wikimedia_audio",
            "source": "wikimedia_audio", "category": "music", "genres": ["folk"],
            "filetype": song.kind, "duration": round(SECONDS * 1000), "bit_rate": 700_000,
            "foreign_landing_url": f"https://commons.wikimedia.org/w/index.php?curid={song.number}",
        }  # fmt: skip


class Wikimedia(Fake):
    """https://www.mediawiki.org/wiki/API: errors with status 200, no client without a contact."""

    name, api, files = "wikimedia", "commons.wikimedia.org", "upload.wikimedia.org"
    limits = ((1, 0.9),)

    def answer(self, request: Request) -> Answer:
        if "@" not in request.headers["user-agent"]:
            return Answer(403, b"Please set a user-agent", {"Content-Type": "text/plain"})
        asked = request.query
        if "pageids" in asked:
            song = self.song(asked["pageids"])
            page = self.page_of(song) if song else {"pageid": 9, "missing": True}
            return as_json({"batchcomplete": True, "query": {"pages": [page]}})
        start = int(asked.get("gsroffset", 0))
        found = self.songs[start : start + self.page]
        content: dict[str, Any] = {"query": {"pages": [self.page_of(song) for song in found]}}
        if not found:
            content = {"batchcomplete": True}
        if start + self.page < len(self.songs):
            content["continue"] = {"gsroffset": start + self.page, "continue": "gsroffset||"}
        return as_json(content)

    def page_of(self, song: Song) -> dict[str, Any]:
        version = "1.0" if song.licence in ("cc0", "pdm") else "4.0"
        facts = {
            "Artist": f'<a href="//commons.wikimedia.org/wiki/User:X">{song.by}</a>',
            "LicenseShortName": f"CC {song.licence.upper()} {version}",
            "License": f"cc-{song.licence}-{version}",
            "LicenseUrl": song.licence_url,
            "DateTimeOriginal": "2019-05-01",
            "ObjectName": song.title,
        }
        if song.licence == "cc0":
            facts |= {"LicenseShortName": "CC0", "License": "cc0"}
        if song.licence == "pdm":
            facts |= {"LicenseShortName": "Public domain", "License": "pd"}
            del facts["LicenseUrl"]
        values = {name: {"value": text, "source": "commons-desc-page"} for name, text in
                  facts.items() if text}  # fmt: skip
        info = {
            "timestamp": "2020-01-01T00:00:00Z", "size": len(song.data), "width": 0, "height": 0,
            "duration": SECONDS, "url": self.address(song), "sha1": song.sha1,
            "descriptionurl": f"https://commons.wikimedia.org/wiki/File:Song_{song.number}.flac",
            "mime": "audio/x-flac", "extmetadata": values,
        }  # fmt: skip
        return {
            "pageid": song.number, "ns": 6, "title": f"File:Song {song.number}.{song.kind}",
            "imagerepository": "local", "imageinfo": [info],
        }  # fmt: skip


class Freesound(Fake):
    """https://freesound.org/docs/api: a token in a header, 150 a page at most."""

    name, api, files = "freesound", "freesound.org", "cdn.freesound.org"
    limits = ((60, 60.0), (2_000, 86_400.0))
    environment = {"FREESOUND_KEY": "k3y"}  # noqa: RUF012

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Token k3y":
            return as_json({"detail": "Invalid token."}, 401)
        if request.path.startswith("/apiv2/sounds/"):
            song = self.song(request.path.removeprefix("/apiv2/sounds/").strip("/"))
            return as_json(self.sound(song)) if song else as_json({"detail": "Not found."}, 404)
        if request.path != "/apiv2/search/":
            return as_json({"detail": "Not found."}, 404)
        page = int(request.query.get("page", 1))
        start = (page - 1) * self.page
        found = self.free()
        more = start + self.page < len(found)
        url = f"https://{self.api}/apiv2/search/?page={page + 1}"
        return as_json({
            "count": len(found), "previous": None, "next": url if more else None,
            "results": [self.sound(song) for song in found[start : start + self.page]],
        })  # fmt: skip

    def sound(self, song: Song) -> dict[str, Any]:
        base = f"https://{self.files}/previews/0/{song.number}"
        return {
            "id": song.number, "name": song.title, "username": song.by, "tags": ["loop", "folk"],
            "license": song.licence_url, "created": "2019-05-01T00:00:00", "duration": SECONDS,
            "url": f"https://freesound.org/people/x/sounds/{song.number}/",
            "previews": {"preview-hq-ogg": f"{base}.ogg", "preview-hq-mp3": f"{base}.mp3"},
        }  # fmt: skip


class ITunes(Fake):
    """https://performance-partners.apple.com/search-api: one page of 200 at most."""

    name, api, files = "itunes", "itunes.apple.com", "audio-ssl.itunes.apple.com"
    limits = ((20, 60.0),)

    def answer(self, request: Request) -> Answer:
        found = self.songs[:200]
        if request.path == "/lookup":
            found = [song for song in self.songs if str(song.number) == request.query["id"]]
        results = [
            {
                "wrapperType": "track", "kind": "song", "trackId": song.number,
                "artistName": song.by, "trackName": song.title, "previewUrl": self.address(song),
                "trackViewUrl": f"https://music.apple.com/us/album/{song.number}",
                "releaseDate": "2019-05-01T12:00:00Z", "primaryGenreName": "Pop",
                "trackTimeMillis": 200_000, "country": "USA",
            }
            for song in found
        ]  # fmt: skip
        kind = "text/javascript; charset=utf-8"
        return as_json({"resultCount": len(results), "results": results}, **{"Content-Type": kind})


class Deezer(Fake):
    """https://developers.deezer.com/api: errors with status 200, previews signed for a while."""

    name, api, files = "deezer", "api.deezer.com", "cdnt-preview.dzcdn.net"
    limits = ((50, 5.0),)

    def __init__(self, songs: Sequence[Song], page: int = 3) -> None:
        super().__init__(songs, page)
        self.signatures = itertools.count(1)
        self.oldest = 0

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/track/"):
            song = self.song(request.path.removeprefix("/track/"))
            if song is None:
                return self.error(800, "DataException", "no data")
            return as_json(self.track(song))
        size = min(int(request.query.get("limit", 25)), 100)
        start = int(request.query.get("index", 0))
        content: dict[str, Any] = {
            "data": [self.track(song) for song in self.songs[start : start + size]],
            "total": len(self.songs),
        }
        if start + size < len(self.songs):
            content["next"] = f"https://{self.api}/search?index={start + size}"
        return as_json(content)

    @staticmethod
    def error(code: int, kind: str, message: str) -> Answer:
        return as_json({"error": {"type": kind, "message": message, "code": code}})

    def track(self, song: Song) -> dict[str, Any]:
        sign = next(self.signatures)
        return {
            "id": song.number, "title": song.title, "duration": 200, "isrc": "XX0000000000",
            "link": f"https://www.deezer.com/track/{song.number}",
            "preview": f"https://{self.files}/api/1/1/{song.number}.mp3?hdnea=exp={sign}",
            "artist": {"id": 7, "name": song.by}, "album": {"id": 8, "title": "An album"},
        }  # fmt: skip

    def file(self, request: Request) -> Answer:
        if int(request.query["hdnea"].removeprefix("exp=")) <= self.oldest:
            return Answer(403, b"Access Denied", {"Content-Type": "text/html"})
        return super().file(request)


KINDS: tuple[type[Fake], ...] = (
    Archive, Jamendo, Openverse, Wikimedia, Freesound, ITunes, Deezer,
)  # fmt: skip
HOSTS = tuple({host for kind in KINDS for host in (kind.api, kind.files)})
SOUND = {"freesound": "ogg", "deezer": "mp3", "itunes": "m4a"}
"""Kind of file each source has; FLAC where it is not said."""
