"""Fake sources on real HTTPS, and collections made from them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fakes.catalogue import songs
from fakes.sources import HOSTS, KINDS, SOUND
from fakes.web import Authority, Web
from fakes.world import MakeWorld, World


@pytest.fixture(autouse=True)
def _no_power_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing here and takes half of the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(
        tmp_path_factory.mktemp("authority"),
        (*HOSTS, "evil.example.org", "api.example.org", "a.files.example.org"),
    )


@pytest.fixture
def world(authority: Authority, tmp_path: Path) -> Iterator[MakeWorld]:
    """Make a world of a source: its name, how many songs, and what they are licensed as."""
    kinds = {kind.name: kind for kind in KINDS}
    with ExitStack() as stack:

        def make(name: str = "internet-archive", count: int = 4, licence: str = "by") -> World:
            fake = kinds[name](songs(count, licence, SOUND.get(name, "flac")))
            web = stack.enter_context(Web(authority, fake.apps()))
            return World(fake, web, tmp_path / "set")

        yield make
