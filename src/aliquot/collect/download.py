"""One file fetched whole: resumed where it broke off, bounded in size, and checked."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from urllib3 import BaseHTTPResponse

from aliquot.collect.answers import BLOCK, StatusError, TransientError
from aliquot.collect.client import Client
from aliquot.collect.network import NetworkError
from aliquot.collect.track import Track
from aliquot.io.atomic import check_space, write_error
from aliquot.io.names import shown

MOST_BYTES = 1_000_000_000
"""A larger file is no recording of a piece of music."""
SLOW_BYTES_PER_SECOND = 2_000
SLOW_AFTER_SECONDS = 60.0
_NO_SOUND = ("text/", "application/json", "application/xml", "application/xhtml")

Progress = Callable[[int, int | None], None]
"""Told of the bytes there are, and of all there will be if that is known."""


class TooLargeError(NetworkError):
    """A file over the limit; it is not fetched, now or later."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is there, whole and as promised.

    Attributes:
        bytes: Size.
        sha256: In hexadecimal.
    """

    bytes: int
    sha256: str


class Download:
    """Fetches one file to one place.

    What has come of it stays there when the connection or the program breaks; beside it, in
    ``<name>.json``, lies what a server needs to know to send the rest and nothing else.

    Args:
        client: For the source of the recording.
        track: What is fetched, its size and hashes if the source promised them.
        part: Where it goes.
        headers: Sent along.
        most_bytes: Size above which it is refused.
        progress: Told now and then.
    """

    def __init__(
        self,
        client: Client,
        track: Track,
        part: Path,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
        progress: Progress | None = None,
    ) -> None:
        self._client, self._track, self._part = client, track, part
        self._headers = dict(headers or {})
        self._most = most_bytes
        self._progress = progress or (lambda done, total: None)
        self._state = part.with_name(f"{part.name}.json")
        self._mismatches = 0

    def run(self) -> Fetched:
        """Fetch it.

        Raises:
            NetworkError: If it cannot be had, or is not what was promised.
            TooLargeError: If it is over the limit.
            OutputError: If the disk is full or cannot be written.
        """
        url = self._track.download_url
        if self._track.bytes is not None:
            self._check_size(self._track.bytes)
        return self._client.patiently(self._once, url.partition("?")[0])

    def discard(self) -> None:
        """Remove what has come so far."""
        self._part.unlink(missing_ok=True)
        self.conclude()

    def conclude(self) -> None:
        """Forget what was needed to go on; the file stays, for the caller to move."""
        self._state.unlink(missing_ok=True)

    def _once(self) -> Fetched:
        offset, validator = self._rest()
        headers = {**self._headers, "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        try:
            with self._client.open(self._track.download_url, headers=headers) as response:
                self._receive(response, offset)
        except StatusError as error:
            if error.status == 416 and offset:  # the file has changed, or was whole already
                return self._again(str(error))
            raise
        return self._checked()

    def _again(self, reason: str) -> Fetched:
        """Begin anew, once; a second time is a failure."""
        self.discard()
        self._mismatches += 1
        if self._mismatches > 1:
            raise NetworkError(f"{reason}, twice; it is not kept, try again another day")
        raise TransientError(reason, 0.0)

    def _rest(self) -> tuple[int, str]:
        """From which byte on to ask, and what proves that it is the same file."""
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            size = self._part.stat().st_size
        except (OSError, ValueError):
            return 0, ""
        known = isinstance(state, dict) and state.get("key") == self._track.key
        validator = str(state.get("validator") or "") if known else ""
        hashed = known and bool(self._track.md5 or self._track.sha1)
        whole = self._track.bytes is not None and size >= self._track.bytes
        return (size, validator) if (validator or hashed) and not whole else (0, "")

    def _receive(self, response: BaseHTTPResponse, offset: int) -> None:
        self._check_kind(response)
        if response.status == 206:
            start = response.headers.get("Content-Range", "").removeprefix("bytes ")
            if start.partition("-")[0].strip() != str(offset):
                self._again(f"{self._where} sent another part than was asked for")
        else:
            offset = 0
        length = response.headers.get("Content-Length", "")
        total = offset + int(length) if length.isascii() and length.isdecimal() else None
        if total is not None:
            self._check_size(total)
            if self._track.bytes not in (None, total):
                self._again(f"{self._where} is {total} bytes long instead of {self._track.bytes}")
            check_space(self._part, total - offset)
        self._note(response)
        try:
            file = self._part.open("r+b" if offset else "wb")
        except OSError as error:
            raise write_error(self._part, error) from error
        with file:
            file.seek(offset)
            self._copy(response, file, offset, total)

    def _copy(
        self, response: BaseHTTPResponse, file: BinaryIO, done: int, total: int | None
    ) -> None:
        began, first = self._client.network.now(), done
        for block in response.stream(BLOCK, decode_content=False):
            done += len(block)
            self._check_size(done)
            try:
                file.write(block)
                file.flush()
            except OSError as error:
                raise write_error(self._part, error) from error
            self._progress(done, total)
            seconds = self._client.network.now() - began
            if seconds > SLOW_AFTER_SECONDS and done - first < seconds * SLOW_BYTES_PER_SECOND:
                raise TransientError(f"{self._where} sends {(done - first) / seconds:.0f} bytes/s")
        with suppress(OSError):
            file.truncate(done)

    def _check_kind(self, response: BaseHTTPResponse) -> None:
        kind = response.headers.get("Content-Type", "").casefold()
        if kind.startswith(_NO_SOUND):
            raise TransientError(f"{self._where} answered with {shown(kind)} instead of sound")
        encoding = response.headers.get("Content-Encoding", "identity").casefold()
        if encoding != "identity":
            raise NetworkError(f"{self._where} is packed ({shown(encoding)}) unasked; refused")

    def _check_size(self, size: int) -> None:
        if size > self._most:
            self.discard()
            raise TooLargeError(
                f"{self._where} has {size} bytes or more, over the limit of {self._most}"
            )

    def _note(self, response: BaseHTTPResponse) -> None:
        tag = response.headers.get("ETag", "")
        validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
        if response.status == 206 and not validator:
            return
        text = json.dumps({"key": self._track.key, "validator": validator})
        try:
            self._state.write_text(text, encoding="utf-8")
        except OSError as error:
            raise write_error(self._state, error) from error

    def _checked(self) -> Fetched:
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1")}
        sha256, size = hashlib.sha256(), 0
        try:
            with self._part.open("rb") as file:
                while block := file.read(1 << 20):
                    size += len(block)
                    for known in (*hashes.values(), sha256):
                        known.update(block)
        except OSError as error:
            raise write_error(self._part, error) from error
        if self._track.bytes not in (None, size):
            return self._again(f"{self._where} came with {size} bytes, not {self._track.bytes}")
        if size == 0:
            return self._again(f"{self._where} is empty")
        for name, promised in (("md5", self._track.md5), ("sha1", self._track.sha1)):
            found = hashes[name].hexdigest()
            if promised and found != promised.casefold():
                return self._again(
                    f"{self._where} has the {name} {found}, but {shown(promised)} was promised"
                )
        return Fetched(size, sha256.hexdigest())

    @property
    def _where(self) -> str:
        return shown(self._track.download_url.partition("?")[0])
