"""What is odd about one source alone, and must not slip through."""

from typing import Any

import pytest
from fakes.catalogue import Song
from world import MakeWorld, World

Facts = dict[str, Any]


def altered(place: World, method: str, **facts: object) -> None:
    """Let the fake say something else of its first song; a value of None is left out."""
    honest = getattr(place.fake, method)

    def answer(song: Song) -> Facts:
        found: Facts = honest(song)
        if song.number == 1:
            found = {name: value for name, value in (found | facts).items() if value is not None}
        return found

    setattr(place.fake, method, answer)


@pytest.mark.parametrize("allowed", [False, None, "no"])
def test_jamendo_is_obeyed_where_an_artist_allows_no_download(
    allowed: object, world: MakeWorld
) -> None:
    place = world("jamendo", 2)
    altered(place, "track", audiodownload_allowed=allowed)
    place.collect()
    assert place.states == ["refused", "kept"]
    assert "the artist does not allow it to be downloaded" in place.reasons
    assert place.web.asked("track/1$") == []


@pytest.mark.parametrize(
    ("name", "method", "facts", "says"),
    [
        ("jamendo", "track", {"audiodownload": ""}, "no address to download it from"),
        ("freesound", "sound", {"previews": {}}, "Freesound gives no preview of it"),
        ("deezer", "track", {"preview": ""}, "Deezer gives no preview of it"),
        ("openverse", "track", {"filetype": "xspf"}, "is a .xspf file, which is no sound"),
        ("openverse", "track", {"creator": None}, "asks for credit, but no artist is given"),
        ("jamendo", "track", {"artist_name": " "}, "asks for credit, but no artist is given"),
    ],
)
def test_what_cannot_be_had_or_credited_is_refused_with_the_reason(
    name: str, method: str, facts: Facts, says: str, world: MakeWorld
) -> None:
    place = world(name, 2)
    altered(place, method, **facts)
    place.collect()
    assert place.states == ["refused", "kept"]
    assert says in place.reasons


def metadata_of(place: World, number: int, item: Facts, file: Facts) -> None:
    """Let the fake Archive say something else of an item and of its FLAC file."""
    honest = place.fake.metadata  # type: ignore[attr-defined]

    def metadata(name: str) -> Facts:
        found: Facts = honest(name)
        if name == f"netlabel-{number}":
            found["metadata"] |= item
            flac = next(entry for entry in found["files"] if entry["name"].endswith(".flac"))
            flac |= file
        return found

    place.fake.metadata = metadata  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("item", "file"), [({"access-restricted-item": "true"}, {}), ({}, {"private": "true"})]
)
def test_the_archive_is_obeyed_where_not_everybody_may_fetch(
    item: Facts, file: Facts, world: MakeWorld
) -> None:
    place = world("internet-archive", 2)
    metadata_of(place, 1, item, file)
    place.collect()
    assert place.states == ["refused", "kept"]
    assert "does not let everybody fetch it" in place.reasons


@pytest.mark.parametrize(("original", "listed"), [("1.mp3", 0), ("1.wav", 1), ("1.shn", 1)])
def test_flac_that_the_archive_made_is_taken_only_if_made_of_lossless_sound(
    original: str, listed: int, world: MakeWorld
) -> None:
    place = world("internet-archive", 2)
    metadata_of(place, 1, {}, {"source": "derivative", "original": original})
    place.collect()
    assert place.states == ["kept"] * (1 + listed)


@pytest.mark.parametrize(
    "facts",
    [
        {"license": "by-nc"},
        {"license_version": "3.0"},
        {"license_url": "https://creativecommons.org/licenses/by-nd/4.0/"},
        {"license_url": None},
        {"license": None},
    ],
)
def test_openverse_is_believed_only_where_all_it_says_of_a_licence_agrees(
    facts: Facts, world: MakeWorld
) -> None:
    place = world("openverse", 2)
    altered(place, "track", **facts)
    place.collect()
    assert place.states == ["refused", "kept"]


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("LicenseShortName", "CC BY-NC 4.0"),
        ("LicenseShortName", "CC BY-SA 4.0"),
        ("LicenseUrl", "https://creativecommons.org/licenses/by-nc/4.0"),
        ("LicenseUrl", "https://example.org/terms"),
        ("LicenseShortName", "GFDL 1.2"),
    ],
)
def test_commons_is_believed_only_where_all_it_says_of_a_licence_agrees(
    fact: str, text: str, world: MakeWorld
) -> None:
    place = world("wikimedia", 2)
    honest = place.fake.page_of  # type: ignore[attr-defined]

    def page_of(song: Song) -> Facts:
        page: Facts = honest(song)
        if song.number == 1:
            facts = page["imageinfo"][0]["extmetadata"]
            facts[fact] = {"value": text}
            if text == "GFDL 1.2":
                facts["License"] = {"value": "gfdl"}
        return page

    place.fake.page_of = page_of  # type: ignore[attr-defined]
    place.collect()
    assert place.states == ["refused", "kept"]
