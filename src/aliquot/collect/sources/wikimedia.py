"""Wikimedia Commons: free recordings, much of them classical, some lossless, each with a SHA-1.

The operators refuse clients that do not say how to reach whoever runs them.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aliquot.collect.answers import TransientError
from aliquot.collect.client import Reach
from aliquot.collect.licences import Licence, parse_licence
from aliquot.collect.limits import Limit
from aliquot.collect.network import NetworkError
from aliquot.collect.source import About, Source, extension_of, field, number, whole
from aliquot.collect.track import Track, one_line

PAGE = 50
MOST_PAGES = 200
URL = "https://commons.wikimedia.org/w/api.php"
_BUSY = frozenset({"maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"})
_ASKED: dict[str, str | int] = {
    "action": "query",
    "format": "json",
    "formatversion": 2,
    "maxlag": 5,
    "prop": "imageinfo",
    "iiprop": "url|size|mime|sha1|timestamp|extmetadata",
}


class Wikimedia(Source):
    """Sound files of Commons, one request at a time."""

    about = About(
        name="wikimedia",
        title="Wikimedia Commons",
        docs="https://www.mediawiki.org/wiki/API:Main_page",
        gives="free recordings, much classical music, some lossless",
        reach=Reach(
            api=("commons.wikimedia.org",),
            files=("upload.wikimedia.org",),
            limits=(Limit(1, 1.0),),
        ),
        contact=True,
    )

    def search(self, query: str) -> Iterator[Track]:
        """Files of sound that match, in the order of their numbers within each answer."""
        asked: dict[str, str | int] = {
            **_ASKED,
            "generator": "search",
            "gsrsearch": f"filetype:audio {query}",
            "gsrnamespace": 6,
            "gsrlimit": PAGE,
        }
        for _ in range(MOST_PAGES):
            answer = self.client.json(URL, asked, check=_check)
            yield from map(_track, _pages(answer))
            more = answer.get("continue")
            if not isinstance(more, dict) or not more:
                return
            asked |= {name: one_line(value) for name, value in more.items()}

    def again(self, track: Track) -> Track | None:
        """The page of the same number."""
        answer = self.client.json(URL, {**_ASKED, "pageids": track.id}, check=_check)
        return next((entry for entry in map(_track, _pages(answer)) if entry.id == track.id), None)


def _check(answer: Mapping[str, Any]) -> None:
    error = answer.get("error")
    if not error:
        return
    code, info = field(answer, "error", "code"), field(answer, "error", "info")
    says = f"Wikimedia Commons says {info or code!r}"
    if code in _BUSY:
        raise TransientError(says, 5.0 if code == "maxlag" else 30.0)
    raise NetworkError(f"{says}; change the query")


def _pages(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    query = answer.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    found = list(pages.values()) if isinstance(pages, dict) else pages or []
    return [page for page in found if isinstance(page, dict) and page.get("imageinfo")]


def _track(page: Mapping[str, Any]) -> Track:
    info = page["imageinfo"][0] if isinstance(page["imageinfo"], list) else {}
    facts = info.get("extmetadata")
    facts = facts if isinstance(facts, dict) else {}
    title = field(page, "title").removeprefix("File:")
    return Track(
        source="wikimedia",
        id=field(page, "pageid"),
        title=_plain(field(facts, "ObjectName", "value")) or title.rpartition(".")[0],
        artist=_plain(field(facts, "Artist", "value")),
        page_url=field(info, "descriptionurl"),
        download_url=field(info, "url"),
        extension=extension_of(title),
        licence=_licence(facts),
        licence_url=field(facts, "LicenseUrl", "value")
        or field(facts, "LicenseShortName", "value"),
        date=_plain(field(facts, "DateTimeOriginal", "value")) or field(info, "timestamp"),
        bytes=whole(info.get("size")),
        sha1=field(info, "sha1") or None,
        seconds=number(info.get("duration")),
    )


def _licence(facts: Mapping[str, Any]) -> Licence | None:
    """The licence, if all that is said of it agrees."""
    url, name = field(facts, "LicenseUrl", "value"), field(facts, "LicenseShortName", "value")
    named = parse_licence(name) or parse_licence(field(facts, "License", "value"))
    found = parse_licence(url.replace("http://", "https://")) if url else named
    if found is None or named is None:
        return None
    agree = found.id.startswith(named.id) or not (found.attribution or named.attribution)
    return found if agree else None


def _plain(text: str) -> str:
    """Text without the markup in which Commons wraps names."""
    return one_line(html.unescape(re.sub(r"<[^>]*>", " ", text)))


SOURCE = Wikimedia
