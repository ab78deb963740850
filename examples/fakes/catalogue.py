"""The music that all fake sources have: each song is known by a number and says what it is."""

import hashlib
import io
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile
import synthesise

RATE = 44_100
SECONDS = 3.0
ARTISTS = ("Ada Öl", "Bo/..", "Cy & Co", "Dee")


@dataclass(frozen=True)
class Song:
    """One recording; the licence is written as Creative Commons abbreviates it."""

    number: int
    licence: str = "by"
    artist: str = ""
    kind: str = "flac"

    @property
    def title(self) -> str:
        return f"Song {self.number}"

    @property
    def by(self) -> str:
        return self.artist or ARTISTS[self.number % len(ARTISTS)]

    @property
    def data(self) -> bytes:
        return sound(self.number, self.kind)

    @property
    def md5(self) -> str:
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()

    @property
    def licence_url(self) -> str:
        """As the interfaces give it; an empty licence gives an empty address."""
        return {
            "": "",
            "cc0": "http://creativecommons.org/publicdomain/zero/1.0/",
            "pdm": "https://creativecommons.org/publicdomain/mark/1.0/",
            "sampling+": "https://creativecommons.org/licenses/sampling+/1.0/",
            "own": "https://example.org/my-own-terms",
        }.get(self.licence, f"http://creativecommons.org/licenses/{self.licence}/4.0/")


class Stub(Song):
    """A recording of a few bytes, for tests with very many of them."""

    @property
    def data(self) -> bytes:
        return b"fLaC %06d " % self.number * 8


@cache
def music() -> np.ndarray:
    return synthesise.pop(SECONDS, RATE)


@cache
def sound(number: int, kind: str = "flac") -> bytes:
    """Three seconds of full-band music, no two numbers alike."""
    file = io.BytesIO()
    samples = (0.4 + 0.01 * (number % 50)) * music().T
    samples = np.roll(samples, 997 * number, axis=0)
    form = {"ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}.get(
        kind, ("FLAC", "PCM_16")
    )
    soundfile.write(file, samples, RATE, format=form[0], subtype=form[1])
    return file.getvalue()


def songs(count: int, licence: str = "by", kind: str = "flac") -> list[Song]:
    """Songs 1, 2, 3, …"""
    return [Song(number, licence, kind=kind) for number in range(1, count + 1)]
