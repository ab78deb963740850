"""Every source, against a server that answers as its documentation says."""

import csv
import hashlib

import pytest
from fakes.catalogue import Stub
from fakes.sources import KINDS
from fakes.web import Limited
from world import MakeWorld, blind, inspected

from aliquot.collect.manifest import read_list
from aliquot.collect.sources import find, names

ALL = [kind.name for kind in KINDS]


def test_each_source_has_a_fake() -> None:
    assert sorted(ALL) == list(names())


@pytest.mark.parametrize("name", names())
def test_a_source_says_what_has_to_be_known_of_it(name: str) -> None:
    about = find(name).about
    assert about.name == name
    assert about.docs.startswith("https://")
    assert about.gives
    assert about.reach.limits
    assert all(limit.requests > 0 and limit.seconds > 0 for limit in about.reach.limits)
    assert all(key.where.startswith("https://") and key.variable.isupper() for key in about.keys)


@pytest.mark.parametrize("name", ALL)
def test_all_that_matches_is_fetched_and_listed(name: str, world: MakeWorld) -> None:
    place = world(name, 4)
    summary = place.collect(examine=inspected)
    assert place.states == ["kept"] * 4
    assert len(place.rows) == len(summary.rows) == 4
    for row in place.rows:
        song = place.fake.song(int(row.title.removeprefix("Song ")))
        assert song is not None
        data = (place.folder / row.file).read_bytes()
        assert data == song.data
        assert row.sha256 == hashlib.sha256(data).hexdigest()
        assert (row.artist, row.collected) == (song.by, "2026-11-23")
        assert row.source.startswith("https://")
        assert row.licence_url.startswith("http")
        assert row.seconds == pytest.approx(3.0, abs=0.1)
        assert row.bandwidth_hz is not None
        assert row.bandwidth_hz > 12_000
    credits_text = (place.folder / "ATTRIBUTION.md").read_text()
    assert all(f"Song {n}" in credits_text for n in range(1, 5))
    assert len(read_list(place.folder / "held-out.txt")) >= 1
    with (place.folder / "rejected.csv").open() as file:
        assert list(csv.DictReader(file)) == []


@pytest.mark.parametrize("name", ALL)
def test_a_second_run_fetches_nothing_and_changes_nothing(name: str, world: MakeWorld) -> None:
    place = world(name, 3)
    place.collect()
    before = (place.folder / "manifest.csv").read_bytes()
    fetched = len(place.web.asked(place.fake.files))
    place.collect()
    assert len(place.web.asked(place.fake.files)) == fetched
    assert (place.folder / "manifest.csv").read_bytes() == before
    assert not any(step.fresh for step in place.steps)


@pytest.mark.parametrize("name", ALL)
def test_enough_is_enough(name: str, world: MakeWorld) -> None:
    place = world(name, 5)
    place.collect(hours=5 / 3600)
    assert len(place.rows) == 2


@pytest.mark.parametrize("name", ALL)
def test_all_pages_are_read_within_the_limits_of_the_source(name: str, world: MakeWorld) -> None:
    """More recordings than it lists at once, asked for no faster than it allows."""
    place = world(name)
    place.fake.songs = [Stub(number) for number in range(1, 106)]
    limited = Limited(place.fake.answer, place.fake.limits, place.web.clock.now)
    place.web.apps[place.fake.api] = limited
    place.collect(examine=blind)
    assert [step.track.title for step in place.steps] == [f"Song {n}" for n in range(1, 106)]
    assert place.states == ["kept"] * 105
    assert limited.refused == []


@pytest.mark.parametrize("name", ["freesound", "itunes", "deezer"])
def test_previews_are_marked_as_such(name: str, world: MakeWorld) -> None:
    place = world(name, 2)
    place.collect()
    assert {row.notes for row in place.rows} == {"preview"}
