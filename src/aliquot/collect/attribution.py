"""Credit where it is due: who made the recordings of a collection, and on what terms."""

from collections.abc import Sequence
from itertools import groupby

from aliquot.collect.licences import parse_licence
from aliquot.collect.manifest import Row

ATTRIBUTION = "ATTRIBUTION.md"
MARK = "<!-- Written by aliquot collect; changes are lost. -->"


def attribution(rows: Sequence[Row]) -> str:
    """The text of ``ATTRIBUTION.md``.

    Args:
        rows: Of the manifest.

    Returns:
        Markdown: the licences, then every artist with every recording, its licence, its page and
        the day it was fetched.
    """
    licences = sorted({(row.licence, row.licence_url) for row in rows})
    lines = [MARK, "# Attribution", ""]
    lines += ["Every recording is the unchanged file of the page named with it.", ""]
    lines += ["Licences:", ""]
    lines += [f"- {linked(name or 'none', url)}{_terms(url)}" for name, url in licences]
    ordered = sorted(rows, key=lambda row: (row.artist.casefold(), row.artist, row.file))
    for artist, group in groupby(ordered, key=lambda row: row.artist):
        lines += ["", f"## {plain(artist) or 'Artist not named'}", ""]
        for row in group:
            day = f", fetched {plain(row.collected)}" if row.collected else ""
            notes = f" ({plain(row.notes)})" if row.notes else ""
            lines.append(
                f"- {linked(row.title or row.file, row.source)}{notes}, "
                f"{linked(row.licence or 'no licence', row.licence_url)}{day}: {code(row.file)}"
            )
    return "\n".join(lines) + "\n"


def _terms(url: str) -> str:
    licence = parse_licence(url)
    if licence is None:
        return ": not to be passed on"
    parts = [
        "name the artist" if licence.attribution else "",
        "share what you make of it alike" if licence.share_alike else "",
    ]
    text = ", ".join(part for part in parts if part)
    return f": {text}" if text else ": free for all uses"


def linked(text: str, url: str) -> str:
    r"""A link, if there is an address fit for one.

    >>> linked("a [b]", "https://x.org/c(d)")
    '[a \\[b\\]](<https://x.org/c(d)>)'
    """
    safe = url.startswith(("https://", "http://")) and not set(url) & set("<>\\ \n")
    return f"[{plain(text)}](<{url}>)" if safe else plain(text)


def plain(text: str) -> str:
    r"""Text in which nothing is markup.

    >>> plain("<b>*x*")
    '&lt;b>\\*x\\*'
    """
    escaped = "".join(f"\\{c}" if c in "\\`*_[]#|~" else c for c in text)
    return " ".join(escaped.replace("&", "&amp;").replace("<", "&lt;").split())


def code(text: str) -> str:
    """A file name as such."""
    return f"`{text.replace('`', '')}`"
