"""Where connections may not go, whoever asks for it."""

import socket
from collections.abc import Callable

import pytest
from fakes.web import Answer
from world import MakeWorld, World

from aliquot.collect.client import Client, Reach
from aliquot.collect.limits import Bucket, Limit, QuotaError, Throttle
from aliquot.collect.network import (
    ForbiddenAddressError,
    Network,
    NetworkError,
    check_url,
    is_public,
)
from aliquot.collect.sources import find, names

HOSTS = ("archive.org", "*.archive.org")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1",
        "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::",
        "2001:db8::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "", "localhost", "0x7f.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["207.241.224.2", "2607:f8b0::1", "64:ff9b::cff1:e002"])
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://archive.org/a", "file:///etc/passwd", "ftp://archive.org/a", "//archive.org/a",
        "archive.org/a", "https://archive.org.evil.org/", "https://evil-archive.org/",
        "https://evil.org/archive.org", "https://archive.org@evil.org/",
        "https://me:pw@archive.org/", "https://archive.org:8443/", "https://archive.org:x/",
        "https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://localhost/",
        "https://archive.org./", "https://.archive.org/", "https:///a", "https://", "",
        "https://archive.org\\@evil.org/", "https://archive.org/a b", "https://archive.org/\r\nX:y",
        "https://archive.org/\u00e9", "https://\u0430rchive.org/",
        "https://archive.org/" + "a" * 4_100,
        "data:audio/flac;base64,AAAA", "javascript:alert(1)", "gopher://archive.org/",
    ],
)  # fmt: skip
def test_an_address_that_is_never_contacted(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        check_url(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://archive.org/download/a/b%20c.flac", "https://ia8.us.archive.org/x?y=z",
        "HTTPS://ARCHIVE.ORG/", "https://archive.org:443/a",
    ],
)  # fmt: skip
def test_an_address_that_may_be_contacted(url: str) -> None:
    assert (check_url(url, HOSTS).hostname or "").endswith("archive.org")


def to(url: str) -> Answer:
    return Answer(302, headers={"Location": url})


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "http://ia800100.us.archive.org/1.flac", "https://127.0.0.1/1.flac",
        "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://10.0.0.1/",
        "https://evil.example.org/1.flac", "https://archive.org:22/", "//evil.example.org/1.flac",
        "https://u:p@archive.org/", "ftp://archive.org/1.flac", "https://localhost/",
    ],
)  # fmt: skip
def test_a_redirect_that_leads_astray_is_not_followed(target: str, world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.apps["evil.example.org"] = lambda request: place.fake.file(request)
    place.web.fail("/download/", *[to(target)] * 5)
    place.collect()
    assert place.states == ["failed"]
    assert "refused" in place.reasons
    assert [request.host for request in place.web.requests] == ["archive.org"] * 4
    assert place.rows == ()


def inner(place: World, *addresses: str) -> Callable[[str], list[str]]:
    return lambda host: list(addresses)


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.7"],
        ["207.241.224.2", "127.0.0.1"],
        ["207.241.224.2", "fd00::1"],
        ["::ffff:10.0.0.1"],
    ],
)
def test_a_redirect_to_an_allowed_name_with_any_private_address_is_refused(
    addresses: list[str], world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", *[to("https://ia9.us.archive.org/1.flac")] * 5)
    source = place.source(resolve=lambda host: addresses)
    place.collect(source=source)
    assert place.states == ["failed"]
    assert "which is not a public address" in place.reasons


def test_the_checked_address_is_the_one_that_is_connected_to(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", *[to("https://ia9.us.archive.org/1.flac")] * 5)
    asked: list[str] = []
    reached: list[tuple[str, int]] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return ["207.241.224.2"] if len(asked) % 2 else ["127.0.0.1"]

    class Socket(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if address[0] != "127.0.0.1" or address[1] != place.web.port:
                reached.append((address[0], address[1]))
                raise ConnectionRefusedError(111, "refused")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Socket)
    place.collect(source=place.source(resolve=rebinding))
    assert place.states == ["failed"]
    assert set(reached) == {("207.241.224.2", 443)}
    assert set(asked) == {"ia9.us.archive.org"}


def test_the_next_address_is_tried_when_one_does_not_answer(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", to("https://ia9.us.archive.org/1.flac"))
    reached: list[str] = []

    class Socket(socket.socket):
        def connect(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if address[1] == 443:
                reached.append(address[0])
                raise ConnectionRefusedError(111, "refused")
            super().connect(address)

    monkeypatch.setattr(socket, "socket", Socket)
    place.collect(source=place.source(resolve=lambda _: ["207.241.224.2", "207.241.224.3"]))
    assert reached == ["207.241.224.2", "207.241.224.3"]
    assert place.states == ["kept"]  # the second try was sent where it should be


def test_a_name_that_nobody_knows_is_an_error(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", *[to("https://ia9.us.archive.org/1.flac")] * 5)
    place.collect()
    assert place.states == ["failed"]
    assert "cannot be reached" in place.reasons


def test_a_certificate_of_somebody_else_is_refused(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", *[to("https://dn1.ca.archive.org/1.flac")] * 5)
    source = place.source(
        pinned=dict.fromkeys(("archive.org", "dn1.ca.archive.org"), ("127.0.0.1", place.web.port))
    )
    place.collect(source=source)
    assert place.states == ["failed"]
    assert "CERTIFICATE_VERIFY_FAILED" in place.reasons


def test_a_certificate_of_an_unknown_authority_is_refused(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        place.collect(source=place.source(ca_file=None))
    assert place.web.requests == []


def test_redirects_without_end_are_given_up(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", *[to("/download/netlabel-1/1.flac")] * 20)
    place.collect()
    assert place.states == ["failed"]
    assert "over 5 redirects" in place.reasons
    assert len(place.web.asked("/download/")) == 6


def test_a_redirect_to_nowhere_is_an_error(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.fail("/download/", Answer(302))
    place.collect()
    assert place.states == ["failed"]
    assert "answered 302" in place.reasons


def test_a_key_does_not_follow_a_redirect_to_another_host(world: MakeWorld) -> None:
    place = world("freesound", 1)
    place.web.fail("apiv2/search", to("https://cdn.freesound.org/search"))
    with pytest.raises(NetworkError):
        place.collect()
    first, second = place.web.requests[:2]
    assert "authorization" in first.headers
    assert "authorization" not in second.headers


@pytest.mark.parametrize("name", names())
def test_every_request_says_who_asks(name: str, world: MakeWorld) -> None:
    place = world(name, 1)
    place.collect()
    agents = {request.headers["user-agent"] for request in place.web.requests}
    assert len(agents) == 1
    assert agents.pop().endswith(" (+me@example.org)")


@pytest.mark.parametrize("name", names())
def test_keys_are_never_in_a_message_or_a_file(name: str, world: MakeWorld) -> None:
    place = world(name, 2)
    place.web.fail(place.fake.files, *[Answer(404)] * 2)
    place.collect()
    kept = " ".join(
        path.read_text("latin-1")
        for path in place.folder.rglob("*")
        if path.suffix in {".csv", ".md", ".jsonl"}
    )
    for key in place.fake.environment.values():
        assert key not in kept + place.reasons


@pytest.mark.parametrize("name", names())
def test_the_hosts_of_a_source_are_few_and_named(name: str) -> None:
    reach = find(name).about.reach
    assert not any("*" in host for host in reach.api)
    for host in reach.files:
        assert host.removeprefix("*.").count(".") >= 1
        assert "*" not in host.removeprefix("*.")


def test_proxies_of_the_environment_are_not_used(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    place = world("openverse", 1)
    place.collect()
    assert place.states == ["kept"]


def test_by_default_a_host_of_ones_own_machine_is_refused() -> None:
    reach = Reach(("localhost",), (), (Limit(9, 1.0),))
    with pytest.raises(ForbiddenAddressError, match="which is not a public address"):
        Client(reach, Network(sleep=lambda _: None)).json("https://localhost/")


class Ticks:
    def __init__(self) -> None:
        self.time, self.waits = 0.0, []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


def test_a_bucket_never_gives_more_than_its_limit_in_any_span() -> None:
    ticks = Ticks()
    throttle = Throttle((Limit(5, 10.0), Limit(8, 100.0)), lambda: ticks.time, ticks.wait, 1e9)
    taken = []
    for number in range(40):
        throttle.take("x.org")
        taken.append(ticks.time)
        ticks.time += 0.1 * (number % 7)
    for start in taken:
        assert sum(start <= t < start + 10 for t in taken) <= 5
        assert sum(start <= t < start + 100 for t in taken) <= 8


def test_a_full_bucket_costs_no_wait_and_an_empty_one_the_rest_of_the_span() -> None:
    ticks = Ticks()
    bucket = Bucket(Limit(2, 10.0), lambda: ticks.time)
    assert bucket.wait_seconds() == 0
    bucket.take()
    ticks.time = 4.0
    bucket.take()
    assert bucket.wait_seconds() == 6.0
    ticks.time = 10.0
    assert bucket.wait_seconds() == 0


def test_a_wait_beyond_all_patience_is_an_error() -> None:
    ticks = Ticks()
    throttle = Throttle((Limit(1, 3_600.0),), lambda: ticks.time, ticks.wait, 600.0)
    throttle.take("x.org")
    with pytest.raises(QuotaError, match=r"x.org allows 1 requests in 1 h.*in 1\.0 h"):
        throttle.take("x.org")
    assert ticks.waits == []
