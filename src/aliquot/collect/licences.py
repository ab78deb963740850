"""What a licence allows: which recordings may be trained on, passed on, and on what terms.

Only what is known is allowed: a licence that is missing, misspelt or of another family counts as
unknown, and unknown is refused. Nothing here is legal advice.
"""

import re
from dataclasses import dataclass

PUBLIC_DOMAIN_MARK = "https://creativecommons.org/publicdomain/mark/1.0/"

_URL = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)"
    r"(?:/([1-4]\.[015]))?(?:/([a-z]{2}|igo|scotland))?(?:/(?:legalcode|deed)(?:\.[a-z-]+)?)?/?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"cc[- ]((?:by|nc|nd|sa)(?:-(?:nc|nd|sa))*)[- ]([1-4]\.[015])(?:[- ]([a-z]{2}))?"
)
_PARTS = {"by", "nc", "nd", "sa"}


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms on which a recording may be used.

    Attributes:
        id: Short name after SPDX: ``CC-BY-4.0``, ``CC0-1.0``, ``PDM-1.0``.
        url: Where its text is.
        attribution: The author must be named.
        share_alike: What is made from it must carry the same licence.
        non_commercial: Commercial use is not allowed.
        no_derivatives: Nothing made from it may be passed on.
        terms_only: No licence at all, but the terms of the service it was heard from.
    """

    id: str
    url: str
    attribution: bool = True
    share_alike: bool = False
    non_commercial: bool = False
    no_derivatives: bool = False
    terms_only: bool = False


CC0 = Licence("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", attribution=False)
PDM = Licence("PDM-1.0", PUBLIC_DOMAIN_MARK, attribution=False)


def parse_licence(text: object) -> Licence | None:
    """The licence behind an address or a short name of the Creative Commons family.

    Args:
        text: As a source states it; anything but a string is unknown.

    Returns:
        None if it is not one whose terms are known for certain.

    >>> parse_licence("http://creativecommons.org/licenses/by-sa/3.0/de/").id
    'CC-BY-SA-3.0-DE'
    >>> parse_licence("CC BY-NC 4.0").non_commercial
    True
    >>> parse_licence("free for personal use") is None
    True
    """
    if not isinstance(text, str):
        return None
    text = text.strip()
    match = _URL.fullmatch(text)
    if match:
        kind, code, version, port = (part.lower() if part else "" for part in match.groups())
        if kind == "publicdomain":
            return {"zero1.0": CC0, "mark1.0": PDM}.get(code + version)
        if code == "publicdomain":
            url = "https://creativecommons.org/licenses/publicdomain/"
            return Licence("CC-PDDC", url, attribution=False)
        return _creative_commons(code, version, port)
    return _named(" ".join(text.casefold().split()))


def _named(name: str) -> Licence | None:
    if name in {"cc0", "cc0 1.0", "cc0-1.0", "cc-zero"}:
        return CC0
    if name in {"pd", "public domain", "pdm", "pdm 1.0"} or re.fullmatch(r"pd-[a-z0-9-]+", name):
        return Licence("PD", PUBLIC_DOMAIN_MARK, attribution=False)
    match = _NAME.fullmatch(name)
    return _creative_commons(match[1], match[2], match[3] or "") if match else None


def _creative_commons(code: str, version: str, port: str) -> Licence | None:
    parts = code.split("-")
    if not version or set(parts) - _PARTS or len(set(parts)) != len(parts) or "by" not in parts:
        return None
    if {"sa", "nd"} <= set(parts):  # no such licence: derivatives are both forbidden and shared
        return None
    name = f"CC-{code.upper()}-{version}" + (f"-{port.upper()}" if port else "")
    url = f"https://creativecommons.org/licenses/{code}/{version}/" + (f"{port}/" if port else "")
    return Licence(
        name,
        url,
        share_alike="sa" in parts,
        non_commercial="nc" in parts,
        no_derivatives="nd" in parts,
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """Which licences are taken. As it stands: CC0, the public domain and CC-BY.

    Attributes:
        share_alike: Take CC-BY-SA too.
        terms_only: Take recordings that a shop lets one hear on its own terms; a collection with
            them must not be passed on, and no model of it be published.
    """

    share_alike: bool = False
    terms_only: bool = False

    def refusal(self, licence: Licence | None, stated: str, artist: str) -> str | None:
        """Why a recording is not taken, or None if it is.

        Args:
            licence: As parsed.
            stated: As the source words it, for the message.
            artist: Whom to credit; a licence that asks for credit is of no use without.
        """
        if licence is None:
            what = f"the licence {stated!r} is not known" if stated else "no licence is given"
            return f"{what}; only CC0, public domain and CC-BY are taken"
        if licence.terms_only and not self.terms_only:
            return f"there is no licence, only terms of use ({licence.url})"
        if licence.no_derivatives:
            return f"{licence.id} forbids derivatives, and a trained model may be one"
        if licence.non_commercial:
            return f"{licence.id} forbids commercial use, so no model of it could be free to use"
        if licence.share_alike and not self.share_alike:
            return f"{licence.id} asks for the same licence on what is made; --share-alike takes it"
        if licence.attribution and not artist.strip():
            return f"{licence.id} asks for credit, but no artist is given"
        return None
