"""Real HTTPS on this machine: many hosts behind one port, with faults on demand."""

import gzip
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import trustme

from aliquot.collect.network import Network


@dataclass(frozen=True)
class Request:
    """What a client asked; ``path`` is decoded, ``raw`` is not."""

    method: str
    host: str
    path: str
    raw: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.raw}"


@dataclass(frozen=True)
class Answer:
    """What a server says; ``length`` may lie, ``cut`` ends the connection after so many bytes,
    ``pause`` seconds lie between the quarters of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None
    stream: Iterable[bytes] | None = None
    pause: float = 0.0


App = Callable[[Request], Answer]


def as_json(content: object, status: int = 200, **headers: str) -> Answer:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, json.dumps(content).encode(), kind | headers)


def packed(answer: Answer) -> Answer:
    return replace(
        answer,
        body=gzip.compress(answer.body),
        headers={**answer.headers, "Content-Encoding": "gzip"},
    )


def file_answer(request: Request, data: bytes, tag: str = '"1"', kind: str = "audio/x") -> Answer:
    """A file as RFC 9110 has it: validators, ranges, and the whole of it if it has changed."""
    headers = {"Content-Type": kind, "Accept-Ranges": "bytes", "ETag": tag}
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    unchanged = request.headers.get("if-range", tag) == tag
    if not wanted or not unchanged:
        return Answer(200, data, headers)
    start = int(wanted[1])
    if start >= len(data):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    return Answer(206, data[start:], headers)


class Limited:
    """An interface that answers 429 to whoever asks more often than it allows.

    Attributes:
        refused: Requests that came too soon.
    """

    def __init__(
        self, app: App, limits: Iterable[tuple[int, float]], now: Callable[[], float]
    ) -> None:
        self.refused: list[Request] = []
        self._app, self._limits, self._now = app, tuple(limits), now
        self._served: list[float] = []

    def __call__(self, request: Request) -> Answer:
        now = self._now()
        for most, seconds in self._limits:
            if sum(time > now - seconds + 1e-6 for time in self._served) >= most:
                self.refused.append(request)
                return Answer(429, headers={"Retry-After": str(round(seconds))})
        self._served.append(now)
        return self._app(request)


class Clock:
    """Time that passes only by sleeping; it remembers for how long."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Authority:
    """A certificate authority of our own, good for all hosts of a test run."""

    def __init__(self, folder: Path, hosts: Iterable[str]) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*hosts).configure_cert(self.context)


class Web:
    """All hosts of a test.

    Attributes:
        apps: Host -> what answers there.
        requests: All that were made, unless ``remember`` is False.
        clock: Of the client.
    """

    def __init__(self, authority: Authority, apps: dict[str, App]) -> None:
        self.apps = apps
        self.requests: list[Request] = []
        self.remember = True
        self.clock = Clock()
        self._ca_file = authority.ca_file
        self._faults: list[tuple[re.Pattern[str], list[Answer | App]]] = []
        web = self

        class Handler(_Handler):
            def reply(self, request: Request) -> Answer:
                return web.answer(request)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def finish_request(self, request: Any, client_address: Any) -> None:
                secure = authority.context.wrap_socket(request, server_side=True)
                try:
                    self.RequestHandlerClass(secure, client_address, self)
                finally:
                    secure.close()

            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that go away are no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def network(self, **other: Any) -> Network:
        """How a client reaches these hosts; every rule but the address of these stays on."""
        values: dict[str, Any] = {
            "pinned": dict.fromkeys(self.apps, ("127.0.0.1", self.port)),
            "ca_file": self._ca_file,
            "now": self.clock.now,
            "sleep": self.clock.sleep,
            "resolve": _no_names,
        }
        return Network(**values | other)

    def fail(self, pattern: str, *answers: Answer | App) -> None:
        """Answer the next requests whose address matches with these, in their order."""
        self._faults.append((re.compile(pattern), list(answers)))

    def answer(self, request: Request) -> Answer:
        if self.remember:
            self.requests.append(request)
        for pattern, answers in self._faults:
            if answers and pattern.search(request.url):
                found = answers.pop(0)
                return found if isinstance(found, Answer) else found(request)
        app = self.apps.get(request.host)
        return app(request) if app else Answer(421)

    def asked(self, pattern: str) -> list[Request]:
        """Requests whose address matches."""
        return [request for request in self.requests if re.search(pattern, request.url)]


def _no_names(host: str) -> list[str]:
    raise OSError(f"{host} is not a host of this test")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    wbufsize = 1 << 16
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement

    def reply(self, request: Request) -> Answer:
        raise NotImplementedError

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        form = dict(parse_qsl(self.rfile.read(size).decode())) if size else {}
        answer = self.reply(
            Request(
                self.command,
                (self.headers.get("Host") or "").partition(":")[0],
                unquote(parts.path),
                self.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.casefold(): text for name, text in self.headers.items()},
                form,
            )
        )
        self.send_response(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        if answer.stream is None:
            length = len(answer.body) if answer.length is None else answer.length
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._send(answer)

    do_POST = do_GET  # noqa: N815

    def _send(self, answer: Answer) -> None:
        if answer.stream is not None:
            for block in answer.stream:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
            self.wfile.write(b"0\r\n\r\n")
            return
        if answer.pause:
            size = len(answer.body) // 4 + 1
            for start in range(0, len(answer.body), size):
                self.wfile.write(answer.body[start : start + size])
                self.wfile.flush()
                time.sleep(answer.pause)
            return
        self.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])
        if answer.cut is not None or answer.length is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
