"""Requests to a source: within its limits, patient with a busy server, unmoved by a hostile one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin

from urllib3 import BaseHTTPResponse, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

import aliquot
from aliquot.collect.answers import (
    TransientError,
    UnreachableError,
    as_object,
    bare,
    judge,
    whole_body,
)
from aliquot.collect.limits import Limit, QuotaError, Throttle
from aliquot.collect.network import ForbiddenAddressError, Network, NetworkError, check_url
from aliquot.io.names import shown

TRIES = 5
PATIENCE_SECONDS = 600.0
"""Longest wait that a server or a limit may ask for; beyond it the run ends and goes on later."""
MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ELSEWHERE = Limit(4, 1.0)
"""For hosts that only hold files."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """What one source needs of the network.

    Attributes:
        api: Hosts to which the limits apply.
        files: Further hosts that hold its files; ``*.name`` for all below a name.
        limits: Each is kept.
        busy: Further HTTP statuses with which this source says "slower".
    """

    api: tuple[str, ...]
    files: tuple[str, ...]
    limits: tuple[Limit, ...]
    busy: frozenset[int] = frozenset()


class Client:
    """Talks to the hosts of one source and to no others.

    Args:
        reach: Hosts and limits.
        network: How hosts are reached.
        contact: An address at which the operators can reach the user, or empty.
        on_wait: Told of every wait: its seconds and what for.
    """

    def __init__(
        self,
        reach: Reach,
        network: Network | None = None,
        contact: str = "",
        on_wait: Callable[[float, str], None] | None = None,
    ) -> None:
        self.network = network or Network()
        self._reach = reach
        self._on_wait = on_wait or (lambda seconds, reason: None)
        self._agent = f"aliquot/{aliquot.__version__}" + (f" (+{contact})" if contact else "")
        self._pools: dict[str, HTTPSConnectionPool] = {}
        now = self.network.now
        self._api = Throttle(reach.limits, now, self._pause, PATIENCE_SECONDS)
        self._other = Throttle((_ELSEWHERE,), now, self._pause, PATIENCE_SECONDS)
        self.requests = 0

    def json(
        self,
        url: str,
        query: Mapping[str, str | int] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        check: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Ask for a JSON object.

        Args:
            url: Without its query.
            query: Names and values after the question mark.
            headers: Further ones, a key for instance.
            form: Sent as the body of a POST instead of a GET.
            check: Raises :class:`TransientError` for an answer that reports a passing error, or
                :class:`NetworkError` for another.

        Raises:
            NetworkError: If there is no usable answer after several tries.
        """
        address = f"{url}?{urlencode(query)}" if query else url

        def once() -> dict[str, Any]:
            with self.open(address, headers=headers, form=form) as response:
                answer = as_object(whole_body(response, url), url)
            if check is not None:
                check(answer)
            return answer

        return self.patiently(once, url)

    def patiently(self, once: Callable[[], T], url: str) -> T:
        """Do something until it works, with growing waits or those the server asks for.

        Args:
            once: Raises :class:`TransientError` if it may work later.
            url: For the message; without its query, which may hold a key.

        Raises:
            UnreachableError: After several tries.
            QuotaError: If the server asks for more patience than anybody has.
            NetworkError: Whatever else it raises.
        """
        retry = Retry(total=TRIES - 1, backoff_factor=1.0, backoff_max=60)
        while True:
            try:
                return once()
            except TransientError as error:
                try:
                    retry = retry.increment("GET", url, error=error)
                except MaxRetryError:
                    raise UnreachableError(
                        f"{error}; {TRIES} tries failed, run the same command again later"
                    ) from error
                wait = error.retry_after
                if wait is None:
                    wait = max(1.0, retry.get_backoff_time())
                if wait > PATIENCE_SECONDS:
                    raise QuotaError(
                        f"{error}; the server asks to wait {wait:.0f} s, run the same command "
                        "again then, it goes on from here"
                    ) from error
                self._pause(wait, str(error))

    @contextmanager
    def open(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Iterator[BaseHTTPResponse]:
        """Send one request and follow its redirects, each checked as if it were the first.

        Headers with keys go to the first host only.

        Yields:
            An answer of status 200 or 206 whose body has not been read.

        Raises:
            TransientError: If the server is busy or the connection broke.
            StatusError: If it refused.
            ForbiddenAddressError: If a redirect leads where it must not.
        """
        extra, first = dict(headers or {}), ""
        for _ in range(MOST_REDIRECTS + 1):
            parts = check_url(url, (*self._reach.api, *self._reach.files))
            host = (parts.hostname or "").lower()
            first = first or host
            if host != first:
                extra = {name: text for name, text in extra.items() if name != "Authorization"}
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            with _broken_connections(url):
                response = self._send(host, path, extra, form)
            try:
                target = response.headers.get("Location")
                if response.status not in _REDIRECTS or not target:
                    judge(response, url, self._reach.busy)
                    with _broken_connections(url):
                        yield response
                    return
            finally:
                response.close()
            url, form = urljoin(url, target), None
        raise NetworkError(f"{bare(url)}: over {MOST_REDIRECTS} redirects; try again later")

    def _send(
        self, host: str, path: str, extra: Mapping[str, str], form: Mapping[str, str] | None
    ) -> BaseHTTPResponse:
        (self._api if host in self._reach.api else self._other).take(host)
        self.requests += 1
        headers = {"Host": host, "User-Agent": self._agent, "Accept-Encoding": "gzip", **extra}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if host in self._pools:
            return self._ask(self._pools[host], path, headers, body)
        return self._connected(host, path, headers, body)

    def _connected(
        self, host: str, path: str, headers: Mapping[str, str], body: str | None
    ) -> BaseHTTPResponse:
        failure: Exception = OSError("no address")
        for address, port in self.network.addresses(host):
            pool = HTTPSConnectionPool(
                address,
                port,
                maxsize=1,
                cert_reqs="CERT_REQUIRED",
                ca_certs=str(self.network.ca_file) if self.network.ca_file else None,
                server_hostname=host,
                timeout=Timeout(connect=15.0, read=60.0),
            )
            try:
                response = self._ask(pool, path, headers, body)
            except HTTPError as error:
                failure = error
                pool.close()
                continue
            self._pools[host] = pool
            return response
        raise failure

    @staticmethod
    def _ask(
        pool: HTTPSConnectionPool, path: str, headers: Mapping[str, str], body: str | None
    ) -> BaseHTTPResponse:
        return pool.urlopen(
            "GET" if body is None else "POST",
            path,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )

    def _pause(self, seconds: float, reason: str = "its limits") -> None:
        self._on_wait(seconds, reason)
        self.network.sleep(seconds)

    def relax(self, limits: tuple[Limit, ...]) -> None:
        """Keep other limits from now on: those of a user who has shown a key."""
        self._api = Throttle(limits, self.network.now, self._pause, PATIENCE_SECONDS)

    def close(self) -> None:
        """End all connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()


@contextmanager
def _broken_connections(url: str) -> Iterator[None]:
    try:
        yield
    except (ForbiddenAddressError, TransientError):
        raise
    except (HTTPError, OSError) as error:
        reason = shown(" ".join(str(error).split())[:200])
        raise TransientError(
            f"{bare(url)} cannot be reached ({reason}), check the connection"
        ) from error
