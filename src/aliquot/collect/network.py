"""Where connections may go: https, hosts on the list, public addresses, and nowhere else.

A name is resolved once, *all* its addresses are checked, and the connection is made to a checked
address, so that a name server which answers differently the second time changes nothing.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from aliquot.errors import InputError
from aliquot.io.names import shown

LONGEST_URL = 4_096

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NetworkError(InputError):
    """A source could not be asked, or a file could not be fetched."""


class ForbiddenAddressError(NetworkError):
    """An address that is never contacted, whoever asks for it."""


def system_resolver(host: str) -> list[str]:
    """All addresses of a host, as the system knows them.

    Raises:
        OSError: If it has none.
    """
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Network:
    """How hosts are reached; the defaults are the ones of every collection.

    Attributes:
        resolve: Host name -> addresses, as text.
        pinned: Host name -> address and port that stand for it whatever the resolver says. Of
            these hosts alone the address is not checked; it takes a program to set it.
        ca_file: Certificates to trust instead of the system's.
        now: Seconds on a clock that never goes back.
        sleep: Waits for some seconds.
    """

    resolve: Callable[[str], list[str]] = system_resolver
    pinned: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    ca_file: Path | None = None
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def addresses(self, host: str) -> list[tuple[str, int]]:
        """Addresses and ports at which a host may be reached.

        Raises:
            ForbiddenAddressError: If any of its addresses is not public.
            OSError: If the name is not known.
        """
        if host in self.pinned:
            return [self.pinned[host]]
        found = self.resolve(host)
        for address in found:
            if not is_public(address):
                raise ForbiddenAddressError(
                    f"{host} leads to {shown(address)}, which is not a public address; "
                    "check the name server of this network"
                )
        if not found:
            raise OSError(f"{host} has no address")
        return [(address, 443) for address in found]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if parsed.teredo is not None:
            return False
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def check_url(url: str, hosts: Iterable[str]) -> SplitResult:
    """Take an address apart if it may be contacted.

    Args:
        url: From a source or a redirect, so it may hold anything.
        hosts: Allowed names; ``*.name`` allows what lies below a name.

    Raises:
        ForbiddenAddressError: Saying what is wrong with it.
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        raise ForbiddenAddressError(f"{shown(url[:80])!r} is no address; it is not contacted")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForbiddenAddressError(f"{shown(url)!r} is no address ({error})") from error
    host = (parts.hostname or "").lower()
    if parts.scheme != "https":
        raise ForbiddenAddressError(f"{shown(url)} does not begin with https://; it is refused")
    if port not in (None, 443) or parts.username is not None or set(url) & set(' \\"<>'):
        raise ForbiddenAddressError(f"{shown(url)} has a port, a user or odd characters; refused")
    if not allowed(host, hosts):
        raise ForbiddenAddressError(
            f"{shown(url)} lies on {host or 'no host'}, which is not a host of this source; refused"
        )
    return parts


def allowed(host: str, hosts: Iterable[str]) -> bool:
    """Whether a host name is on a list.

    >>> allowed("ia8.us.archive.org", ["*.archive.org"])
    True
    >>> allowed("evil-archive.org", ["archive.org", "*.archive.org"])
    False
    """
    return any(
        host.endswith(name[1:]) and len(host) >= len(name)
        if name.startswith("*.")
        else host == name
        for name in hosts
    )
