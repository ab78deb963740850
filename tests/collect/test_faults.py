"""What goes wrong between us and a source, and what becomes of it."""

import gzip
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from itertools import repeat

import pytest
from fakes.catalogue import Song, Stub
from fakes.sources import KINDS, Fake, Jamendo
from fakes.web import Answer, App, Request, as_json, file_answer, packed
from world import MakeWorld, World, blind

from aliquot.collect.answers import UnreachableError
from aliquot.collect.limits import QuotaError
from aliquot.collect.network import NetworkError

ALL = [kind.name for kind in KINDS]
HTML = {"Content-Type": "text/html"}
PAGE = b"<!doctype html><title>One moment please</title>"


def cut_short(world: World) -> App:
    def answer(request: Request) -> Answer:
        whole = packed(world.fake.answer(request))
        return replace(whole, body=whole.body[: len(whole.body) // 2])

    return answer


def broken_off(world: World) -> App:
    def answer(request: Request) -> Answer:
        whole = world.fake.answer(request)
        return replace(whole, cut=len(whole.body) // 2)

    return answer


PASSING: dict[str, Callable[[World], Answer | App]] = {
    "429 with Retry-After": lambda _: Answer(429, b"", {"Retry-After": "7"}),
    "503 with a date": lambda _: Answer(503, b"", {"Retry-After": formatdate(time.time() + 40)}),
    "503 without": lambda _: Answer(503),
    "500 with a page": lambda _: Answer(500, PAGE, HTML),
    "200 with a page": lambda _: Answer(200, PAGE, HTML),
    "200 with nothing": lambda _: Answer(200),
    "200 with a list": lambda _: as_json([1, 2]),
    "gzip cut short": cut_short,
    "gzip that is none": lambda _: Answer(200, b"{}", {"Content-Encoding": "gzip"}),
    "broken off": broken_off,
    "JSON too deep": lambda _: Answer(200, b"[" * 100_000),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("name", ALL)
def test_a_passing_fault_of_an_interface_is_waited_out(
    name: str, fault: str, world: MakeWorld
) -> None:
    place = world(name, 1)
    place.web.fail(f"^https://{place.fake.api}/", PASSING[fault](place))
    place.collect()
    assert place.states == ["kept"]
    slept = [seconds for seconds in place.web.clock.slept if seconds >= 1]
    if fault == "429 with Retry-After":
        assert slept[0] == 7.0
    if fault == "503 with a date":
        assert 30 < slept[0] <= 40
    assert slept


@pytest.mark.parametrize("name", ALL)
def test_a_source_that_stays_down_is_an_error_after_five_tries(name: str, world: MakeWorld) -> None:
    place = world(name, 1)
    place.web.fail(f"^https://{place.fake.api}/", *[Answer(503)] * 9)
    with pytest.raises(NetworkError, match="answered 503; 5 tries failed, run the same command"):
        place.collect()
    assert len(place.web.requests) == 5
    waits = [seconds for seconds in place.web.clock.slept if seconds >= 1]
    assert sorted(waits) == waits
    assert place.rows == ()


def test_a_server_that_asks_for_hours_ends_the_run_with_what_there_is(world: MakeWorld) -> None:
    place = world("internet-archive", 4)
    place.web.fail("cursor=3", Answer(429, b"", {"Retry-After": "7200"}))
    with pytest.raises(NetworkError, match="asks to wait 7200 s, run the same command again"):
        place.collect()
    assert len(place.rows) == 3
    place.collect()
    assert len(place.rows) == 4


@pytest.mark.parametrize("name", ALL)
def test_a_list_that_never_ends_is_refused(name: str, world: MakeWorld) -> None:
    place = world(name, 1)
    sent = 0

    def spaces() -> Iterator[bytes]:
        nonlocal sent
        for block in repeat(b" " * 1_000_000, 10_000):
            sent += len(block)
            yield block

    place.web.fail(f"^https://{place.fake.api}/", Answer(stream=spaces()))
    with pytest.raises(NetworkError, match="over 32000000 bytes; that is no list"):
        place.collect()
    assert sent < 100_000_000


def test_a_small_answer_that_unpacks_to_gigabytes_is_refused(world: MakeWorld) -> None:
    place = world("openverse", 1)
    bomb = gzip.compress(b" " * 100_000_000, 6)
    place.web.fail("/v1/audio/", Answer(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(NetworkError, match="over 32000000 bytes"):
        place.collect()


@pytest.mark.parametrize("status", [400, 401, 404])
@pytest.mark.parametrize("name", ALL)
def test_a_refusal_is_not_asked_for_again(name: str, status: int, world: MakeWorld) -> None:
    place = world(name, 1)
    place.web.fail(f"^https://{place.fake.api}/", *[Answer(status)] * 3)
    with pytest.raises(NetworkError, match=f"answered {status}; "):
        place.collect()
    assert len(place.web.requests) == 1


# Errors in the body of an answer with status 200.


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("jamendo", Jamendo.listed([], 6, "Rate limit exceeded")),
        ("jamendo", Jamendo.listed([], 1, "Unknown")),
        ("jamendo", Jamendo.listed([], total=1)),
        ("jamendo", as_json({"headers": None, "results": []})),
        ("deezer", as_json({"error": {"type": "Exception", "message": "Quota", "code": 4}})),
        ("deezer", as_json({"error": {"type": "Exception", "message": "Busy", "code": 700}})),
        ("wikimedia", as_json({"error": {"code": "maxlag", "info": "Waiting for a host"}})),
        ("wikimedia", as_json({"error": {"code": "ratelimited", "info": "Too many"}})),
        ("internet-archive", as_json({"error": "internal error, please try again"})),
        ("itunes", Answer(403, PAGE, HTML)),
    ],
)
def test_a_passing_error_in_the_body_is_waited_out(
    name: str, body: Answer, world: MakeWorld
) -> None:
    place = world(name, 2)
    place.web.fail(f"^https://{place.fake.api}/", body)
    place.collect()
    assert place.states == ["kept", "kept"]
    assert any(seconds >= 1 for seconds in place.web.clock.slept)


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("jamendo", Jamendo.listed([], 5, "No credential"), "check JAMENDO_CLIENT_ID, or get"),
        ("jamendo", Jamendo.listed([], 11, "Suspended"), "'Suspended'.*devportal.jamendo.com"),
        ("jamendo", Jamendo.listed([], 3, "Type"), "code 3.; its interface may have changed"),
        ("deezer", as_json({"error": {"message": "Wrong", "code": 500}}), "'Wrong' .code 500"),
        ("wikimedia", as_json({"error": {"code": "badvalue", "info": "No"}}), "says 'No'; change"),
        ("openverse", as_json({"detail": "?"}), "answered without 'results'"),
        ("freesound", as_json({"results": {}}), "answered without 'results'"),
        ("itunes", as_json({"errorMessage": "?"}), "answered without 'results'"),
        ("internet-archive", as_json({"total": 0}), "answered without 'items'"),
    ],
)
def test_a_lasting_error_in_the_body_ends_the_run(
    name: str, body: Answer, says: str, world: MakeWorld
) -> None:
    place = world(name, 1)
    place.web.fail(f"^https://{place.fake.api}/", body)
    with pytest.raises(NetworkError, match=says):
        place.collect()
    assert len(place.web.requests) == 1


def test_jamendo_with_nothing_again_and_again_has_nothing(world: MakeWorld) -> None:
    place = world("jamendo", 0)
    place.collect()
    assert place.states == []
    assert len(place.web.requests) == 5


def test_jamendo_with_an_empty_page_in_the_middle_is_broken_not_at_its_end(
    world: MakeWorld,
) -> None:
    place = world("jamendo", 205)
    place.fake.songs = [Song(n, "by-nd") for n in range(1, 201)] + place.fake.songs[:1]
    place.fake.songs[-1] = Song(900)
    place.fake.honest = False
    place.web.fail("offset=200", *[Jamendo.listed([], total=201)] * 5)
    with pytest.raises(NetworkError, match="empty list where there must be recordings; 5 tries"):
        place.collect()
    place.collect()
    assert len(place.rows) == 1


def test_jamendo_with_an_empty_answer_never_means_that_a_recording_is_gone(
    world: MakeWorld,
) -> None:
    place = world("jamendo", 2)
    place.web.fail(r"[?&]id=1(&|$)", *[Jamendo.listed([])] * 5)
    place.collect()
    assert place.states == ["failed", "kept"]
    assert "no longer" not in place.reasons
    place.collect()
    assert place.states == ["kept", "kept"]


@pytest.mark.parametrize("name", ["openverse", "freesound", "deezer", "internet-archive", "itunes"])
def test_a_recording_that_has_been_taken_down_is_refused(name: str, world: MakeWorld) -> None:
    place = world(name, 2)
    source = place.source()
    search = source.search

    def then_gone(query: str) -> Iterator[object]:
        found = list(search(query))
        place.fake.songs = place.fake.songs[1:]
        yield from found

    source.search = then_gone  # type: ignore[method-assign, assignment]
    place.collect(source=source)
    assert place.states == ["refused", "kept"]
    assert "its source no longer has it" in place.reasons


def test_a_preview_that_has_expired_is_asked_for_anew(world: MakeWorld) -> None:
    place = world("deezer", 1)

    def expired(request: Request) -> Answer:
        place.fake.oldest = 2  # type: ignore[attr-defined]
        return place.fake.file(request)

    place.web.fail("dzcdn", expired)
    place.collect()
    assert place.states == ["kept"]
    signs = [request.query["hdnea"] for request in place.web.asked("dzcdn")]
    assert signs == ["exp=2", "exp=3"]


def test_a_preview_that_expires_every_time_fails(world: MakeWorld) -> None:
    place = world("deezer", 1)
    place.fake.oldest = 99  # type: ignore[attr-defined]
    place.collect()
    assert place.states == ["failed"]
    assert "answered 403" in place.reasons


def test_openverse_stops_where_it_stops_answering(world: MakeWorld) -> None:
    place = world("openverse", 300, "by-sa")
    place.collect()
    assert len(place.steps) == 240
    assert len(place.web.asked("page=")) == 12


def test_openverse_with_a_key_uses_it_and_renews_it(world: MakeWorld) -> None:
    place = world("openverse", 2)
    secret = {"OPENVERSE_CLIENT_ID": "me", "OPENVERSE_CLIENT_SECRET": "s3cret"}
    place.fake.environment = secret
    source = place.source()
    place.collect(source=source)
    assert place.states == ["kept", "kept"]
    assert len(place.web.asked("auth_tokens")) == 1
    place.fake.token = "t0ken2"  # type: ignore[attr-defined]
    assert source.again(place.steps[0].track) is not None
    assert len(place.web.asked("auth_tokens")) == 2
    files = place.web.asked(place.fake.files)
    assert not any("authorization" in request.headers for request in files)


def test_openverse_with_a_wrong_key_says_so(world: MakeWorld) -> None:
    place = world("openverse", 1)
    place.fake.environment = {"OPENVERSE_CLIENT_ID": "me", "OPENVERSE_CLIENT_SECRET": "?"}
    with pytest.raises(NetworkError, match="auth_tokens/token/ answered 401; check the key"):
        place.collect()


def test_a_daily_limit_ends_the_run_and_says_when_to_go_on(world: MakeWorld) -> None:
    place = world("openverse")
    place.fake.songs = [Stub(number) for number in range(1, 221)]
    with pytest.raises(QuotaError, match=r"allows 200 requests in 24 h.*again in 2[34]\.\d h"):
        place.collect(examine=blind)
    assert len(place.web.asked(place.fake.api)) == 200
    assert place.web.clock.time >= 1_000 + 9 * 60  # 20 of them each minute
    assert len(place.rows) == 190  # one request for each list of 20, and one for each recording


# Files.


def other_bytes(world: World) -> App:
    def answer(request: Request) -> Answer:
        data = bytearray(world.fake.songs[0].data)
        data[-9] ^= 1
        return file_answer(request, bytes(data))

    return answer


def longer(world: World) -> App:
    return lambda request: file_answer(request, world.fake.songs[0].data + b"more")


def zipped(world: World) -> App:
    return lambda request: packed(file_answer(request, world.fake.songs[0].data))


FILE_FAULTS: dict[str, tuple[Callable[[World], Answer | App], str]] = {
    "429": (lambda _: Answer(429, b"", {"Retry-After": "3"}), "answered 429"),
    "503": (lambda _: Answer(503), "answered 503"),
    "another hash": (other_bytes, "but .* was promised, twice"),
    "another length": (longer, "bytes long instead of"),
    "empty": (lambda _: Answer(200, b"", {"Content-Type": "audio/flac"}), "0 bytes"),
    "a page": (lambda _: Answer(200, PAGE, HTML), "text/html instead of sound"),
    "JSON": (lambda _: as_json({"error": 1}), "application/json; charset=utf-8 instead of sound"),
    "part of it": (
        lambda _: Answer(206, b"xx", {"Content-Range": "bytes 5-6/7"}), "another part than",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_passing_fault_of_a_file_is_got_over(fault: str, world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.web.fail(place.fake.files, FILE_FAULTS[fault][0](place))
    place.collect()
    assert place.states == ["kept"]
    assert (place.folder / place.rows[0].file).read_bytes() == place.fake.songs[0].data


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_lasting_fault_of_a_file_keeps_it_out(fault: str, world: MakeWorld) -> None:
    place = world("internet-archive", 2)
    make, says = FILE_FAULTS[fault]
    place.web.fail("/1.flac", *[make(place)] * 12)
    place.collect()
    assert place.states == ["failed", "kept"]
    assert [row.title for row in place.rows] == ["Song 2"]
    assert re.search(says, place.steps[0].reason)
    assert place.steps[0].reason in (place.folder / "rejected.csv").read_text().replace('""', '"')
    assert not list(place.folder.glob("audio/*/*/1.flac"))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_file_that_is_refused_is_not_asked_for_again(status: int, world: MakeWorld) -> None:
    place = world("wikimedia", 2)
    place.web.fail("/1.flac", *[Answer(status)] * 3)
    place.collect()
    assert place.states == ["failed", "kept"]
    assert f"answered {status}" in place.reasons
    assert len(place.web.asked("/1.flac")) == 1


def test_a_file_packed_unasked_is_refused(world: MakeWorld) -> None:
    place = world("jamendo", 1)
    place.web.fail(place.fake.files, zipped(place))
    place.collect()
    assert place.states == ["failed"]
    assert "is packed (gzip) unasked" in place.reasons


def test_ten_gigabytes_that_are_announced_are_not_begun(world: MakeWorld) -> None:
    place = world("jamendo", 2)
    place.web.fail(
        "/track/1$", Answer(200, b"x", {"Content-Type": "audio/flac"}, length=10_000_000_000)
    )
    place.collect()
    assert place.states == ["useless", "kept"]
    assert "has 10000000000 bytes or more, over the limit of 1000000000" in place.reasons
    assert not list((place.folder / ".collect").glob("*.flac"))


def test_ten_gigabytes_that_are_not_announced_are_cut_off(world: MakeWorld) -> None:
    place = world("jamendo", 1)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for block in repeat(b"\0" * 100_000, 100_000):
            sent += len(block)
            yield block

    place.web.fail("/track/1$", Answer(stream=endless()))
    place.collect(most_bytes=3_000_000)
    assert place.states == ["useless"]
    assert sent < 30_000_000
    assert not list((place.folder / ".collect").glob("*.flac"))


def test_ten_gigabytes_that_the_source_lists_are_not_asked_for(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.collect(most_bytes=1_000)
    assert place.states == ["useless"]
    assert place.web.asked("ia8001") == []


def test_a_file_that_trickles_is_given_up(world: MakeWorld) -> None:
    place = world("jamendo", 1)
    place.web.fail("/track/1$", *[lambda _: Answer(stream=[b"x" * 1_000] * 100)] * 5)

    def hurried() -> float:
        place.web.clock.time += 10
        return place.web.clock.time

    place.collect(source=place.source(now=hurried))
    assert place.states == ["failed"]
    assert "bytes/s; 5 tries failed" in place.reasons


@pytest.mark.parametrize("name", ["internet-archive", "jamendo"])
def test_a_file_that_breaks_off_is_resumed_where_it_did(name: str, world: MakeWorld) -> None:
    place = world(name, 1)
    half = len(place.fake.songs[0].data) // 2

    def broken(request: Request) -> Answer:
        return replace(place.fake.file(request), cut=half)

    place.web.fail(f"^https://{place.fake.files}", broken)
    place.collect()
    assert place.states == ["kept"]
    asked = [request.headers.get("range") for request in place.web.asked(place.fake.files)]
    assert asked == [None, f"bytes={half}-"]
    assert (place.folder / place.rows[0].file).read_bytes() == place.fake.songs[0].data


def test_a_file_that_changed_meanwhile_is_begun_anew(world: MakeWorld) -> None:
    place = world("jamendo", 1)

    def broken(request: Request) -> Answer:
        answer = file_answer(request, b"older" * 50_000, '"0"')
        return replace(answer, cut=100_000)

    place.web.fail(place.fake.files, broken)
    place.collect()
    assert place.states == ["kept"]
    assert place.web.asked(place.fake.files)[1].headers["if-range"] == '"0"'
    assert (place.folder / place.rows[0].file).read_bytes() == place.fake.songs[0].data


def test_a_file_without_any_proof_of_sameness_is_begun_anew(world: MakeWorld) -> None:
    place = world("jamendo", 1)

    def broken(request: Request) -> Answer:
        answer = replace(place.fake.file(request), cut=100_000)
        return replace(answer, headers={"Content-Type": "audio/flac"})

    place.web.fail(place.fake.files, broken)
    place.collect()
    assert place.states == ["kept"]
    assert [r.headers.get("range") for r in place.web.asked(place.fake.files)] == [None, None]


def test_a_resumed_file_that_is_wrong_is_begun_anew(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    data = place.fake.songs[0].data

    def broken(request: Request) -> Answer:
        return replace(file_answer(request, b"\0" * len(data)), cut=100_000)

    place.web.fail(place.fake.files, broken)
    place.collect()
    assert place.states == ["kept"]
    assert len(place.web.asked(place.fake.files)) == 3


def test_a_range_that_cannot_be_had_is_begun_anew(world: MakeWorld) -> None:
    place = world("internet-archive", 1)

    def broken(request: Request) -> Answer:
        return replace(place.fake.file(request), cut=100_000)

    place.web.fail(place.fake.files, broken, Answer(416))
    place.collect()
    assert place.states == ["kept"]


def test_a_source_whose_files_cannot_be_reached_ends_the_run(world: MakeWorld) -> None:
    place = world("internet-archive", 9)
    place.web.fail(place.fake.files, *[Answer(503)] * 25)
    with pytest.raises(UnreachableError, match="5 recordings in a row could not be had"):
        place.collect()
    assert place.states == ["failed"] * 5
    place.collect()
    assert place.states == ["kept"] * 9


def test_what_failed_before_does_not_end_a_later_run_at_the_same_place(world: MakeWorld) -> None:
    place = world("internet-archive", 7)
    place.web.fail(r"/[1-5]\.flac", *[Answer(503)] * 50)
    with pytest.raises(UnreachableError):
        place.collect()
    place.collect()
    assert place.states == ["failed"] * 5 + ["kept"] * 2


def test_files_that_are_not_there_do_not_end_the_run(world: MakeWorld) -> None:
    place = world("internet-archive", 9)
    place.web.fail(r"/[1-8]\.flac", *[Answer(404)] * 8)
    place.collect()
    assert place.states == ["failed"] * 8 + ["kept"]


def test_a_key_that_is_no_longer_good_ends_the_run_soon(world: MakeWorld) -> None:
    place = world("freesound", 30)
    place.web.fail("/sounds/", *[as_json({"detail": "Invalid token."}, 401)] * 30)
    with pytest.raises(UnreachableError, match="answered 401; check the key"):
        place.collect()
    assert len(place.steps) == 5


def test_a_server_of_files_that_asks_for_hours_is_left_alone(world: MakeWorld) -> None:
    place = world("internet-archive", 4)
    place.web.fail("/2.flac", Answer(503, b"", {"Retry-After": "86400"}))
    with pytest.raises(QuotaError, match=r"asks to wait .* run the same command again"):
        place.collect()
    assert len(place.rows) == 1
    assert place.web.asked("/3.flac") == []


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "http://upload.wikimedia.org/1.flac", "https://127.0.0.1/1.flac",
        "https://evil.example.org/1.flac", "",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_contacted_is_refused_before_it_is(
    target: str, world: MakeWorld
) -> None:
    place = world("openverse", 7)
    place.fake.address = lambda song: target if song.number < 7 else Fake.address(place.fake, song)  # type: ignore[method-assign]
    place.collect()
    assert place.states == ["refused"] * 6 + ["kept"]
    assert {request.host for request in place.web.requests} == {place.fake.api, place.fake.files}


def test_nothing_is_left_in_the_workshop(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.collect()
    assert sorted(path.name for path in (place.folder / ".collect").iterdir()) == ["journal.jsonl"]


# Licences.


@pytest.mark.parametrize(
    ("licence", "says"),
    [
        ("", "no licence is given"),
        ("by-nc", "CC-BY-NC-4.0 forbids commercial use"),
        ("by-nc-sa", "forbids commercial use"),
        ("by-nd", "forbids derivatives"),
        ("by-nc-nd", "forbids derivatives"),
        ("by-sa", "--share-alike takes it"),
        ("sampling+", "is not known"),
        ("own", "'https://example.org/my-own-terms' is not known"),
    ],
)
@pytest.mark.parametrize("name", ["internet-archive", "jamendo", "openverse", "wikimedia"])
def test_what_may_not_be_trained_on_is_refused_with_the_reason(
    name: str, licence: str, says: str, world: MakeWorld
) -> None:
    place = world(name, 2, licence)
    place.fake.honest = False
    place.collect()
    assert place.states == ["refused", "refused"]
    if not (name == "wikimedia" and licence in ("", "own", "sampling+")):
        assert says in place.reasons
    assert place.rows == ()
    assert place.web.asked(f"^https://{place.fake.files}") == []


@pytest.mark.parametrize("new", ["by-nc", "", "by-sa", "cc0", "own"])
@pytest.mark.parametrize(
    "name", ["internet-archive", "jamendo", "openverse", "wikimedia", "freesound"]
)
def test_a_licence_that_changes_before_the_download_is_refused(
    name: str, new: str, world: MakeWorld
) -> None:
    place = world(name, 2)
    source = place.source()
    search = source.search

    def then_changed(query: str) -> Iterator[object]:
        found = list(search(query))
        place.fake.songs[0] = replace(place.fake.songs[0], licence=new)
        yield from found

    source.search = then_changed  # type: ignore[method-assign, assignment]
    place.collect(source=source)
    assert place.states == ["refused", "kept"]
    assert "its licence changed from CC-BY-4.0 to" in place.reasons
    assert [row.title for row in place.rows] == ["Song 2"]


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
def test_a_wrong_length_is_found_without_any_header_or_hash(
    change: Callable[[bytes], bytes], world: MakeWorld
) -> None:
    place = world("internet-archive", 1)
    metadata = place.fake.metadata  # type: ignore[attr-defined]

    def unhashed(item: str) -> dict[str, object]:
        about = metadata(item)
        for file in about["files"]:
            file.pop("md5", None), file.pop("sha1", None)
        return about

    place.fake.metadata = unhashed  # type: ignore[attr-defined]
    body = change(place.fake.songs[0].data)
    place.web.fail(place.fake.files, *[lambda _: Answer(stream=[body])] * 2)
    place.collect()
    assert place.states == ["failed"]
    assert f"came with {len(body)} bytes, not {len(place.fake.songs[0].data)}, twice" in (
        place.reasons
    )
    assert place.rows == ()
