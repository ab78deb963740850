"""Fake sources on real HTTPS; a song, and what people do to it before it is collected."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synthesise
from fakes.catalogue import songs
from fakes.sources import HOSTS, KINDS, SOUND
from fakes.web import Authority, Web
from world import MakeWorld, World

from aliquot.audio import Waveform

RATE = 44_100
Convert = Callable[..., Path]


def with_air(samples: Waveform) -> Waveform:
    """The treble and the noise of a room, which synthetic clips lack and codecs take away."""
    noise = np.random.default_rng(7).standard_normal(samples.shape).astype(np.float32)
    return samples + np.float32(3e-3) * noise


@pytest.fixture(scope="session")
def song() -> Waveform:
    """Twelve seconds, full-band, stereo, with faded ends: ``(2, 529200)``."""
    joined = np.concatenate([synthesise.pop(6.0, RATE), synthesise.piano(6.0, RATE)], axis=1)
    fade = np.minimum(1.0, np.arange(joined.shape[1]) / RATE).astype(np.float32)
    return with_air(joined) * fade * fade[::-1]


@pytest.fixture(scope="session")
def other_songs() -> dict[str, Waveform]:
    """Songs that are not that one."""
    clips = {"strings": synthesise.strings(12.0, RATE), "drums": synthesise.drums(12.0, RATE)}
    return {name: with_air(samples) for name, samples in clips.items()}


@pytest.fixture(scope="session")
def song_file(tmp_path_factory: pytest.TempPathFactory, song: Waveform) -> Path:
    """The song as FLAC: copy it, never write there."""
    path = tmp_path_factory.mktemp("song") / "song.flac"
    soundfile.write(path, song.T, RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def convert() -> Convert:
    """Convert a file by ffmpeg; words go before the target."""

    def converted(source: Path, target: Path, *words: str) -> Path:
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *words, str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return target

    return converted


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
