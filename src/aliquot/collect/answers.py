"""What servers answer: how long to wait, what is worth another try, and what is no answer."""

import json
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from aliquot.collect.network import NetworkError
from aliquot.io.names import shown

MOST_JSON_BYTES = 32_000_000
BLOCK = 1 << 16
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may well succeed."""

_CURES = {
    401: "check the key",
    403: "check the key, or it is not for everybody",
    404: "it is no longer there",
    410: "it is no longer there",
}


class TransientError(NetworkError):
    """Something that may be over in a moment.

    Attributes:
        retry_after: Seconds the server asked to wait; None if it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(NetworkError):
    """A host did not answer, or only with excuses, though it was asked several times."""


class StatusError(NetworkError):
    """A server refused, and asking again will not change it.

    Attributes:
        status: Its HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def judge(response: BaseHTTPResponse, url: str, busy: frozenset[int]) -> None:
    """Pass an answer with something in it.

    Raises:
        TransientError: If the server is busy.
        StatusError: If it refused.
    """
    status = response.status
    if status in BUSY | busy:
        raise TransientError(f"{bare(url)} answered {status}", retry_after(response))
    if status not in (200, 206):
        cure = _CURES.get(status, "try again later")
        raise StatusError(f"{bare(url)} answered {status}; {cure}", status)


def retry_after(response: BaseHTTPResponse) -> float | None:
    """Seconds that a server asks to wait, given as a number or as a date; None if it does not."""
    text = response.headers.get("Retry-After")
    if text is None:
        return None
    try:
        return Retry().parse_retry_after(text)
    except (InvalidHeader, ValueError, OverflowError):
        return None


def whole_body(response: BaseHTTPResponse, url: str) -> bytes:
    """The body of an answer, unpacked.

    Raises:
        NetworkError: If it is too long to be a list of recordings.
    """
    parts, size = [], 0
    for part in response.stream(BLOCK, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_JSON_BYTES:
            raise NetworkError(
                f"{url} answered with over {MOST_JSON_BYTES} bytes; that is no list of recordings"
            )
    return b"".join(parts)


def as_object(content: bytes, url: str) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        TransientError: If it is something else, as from an overloaded server or a login page.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        start = shown(content[:40].decode("utf-8", "replace"))
        raise TransientError(f"{url} answered with {start!r}, which is no JSON") from error
    if not isinstance(answer, dict):
        raise TransientError(f"{url} answered with a {type(answer).__name__} instead of an object")
    return answer


def bare(url: str) -> str:
    """An address without what may be a key."""
    return shown(url.partition("?")[0])
