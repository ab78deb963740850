"""What every source of music can do, and what has to be known of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aliquot.collect.client import Client, Reach
from aliquot.collect.network import NetworkError
from aliquot.collect.track import Track, one_line
from aliquot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Key:
    """A key to a source; it comes from the environment and is never stored or shown.

    Attributes:
        variable: Of the environment.
        where: Page on which one gets it.
        needed: Whether the source does not work without.
    """

    variable: str
    where: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class About:
    """The facts of a source.

    Attributes:
        name: As in the manifest and on the command line.
        title: For people.
        docs: Where its interface is described.
        gives: What one gets from it, in a few words.
        reach: Hosts and limits.
        keys: What it asks for.
        contact: Whether its operators insist on an address at which to reach the user.
        off: Why nothing is taken from it unless the user insists; empty for most.
    """

    name: str
    title: str
    docs: str
    gives: str
    reach: Reach
    keys: tuple[Key, ...] = ()
    contact: bool = False
    off: str = ""


class Source(ABC):
    """A place that music can be searched in and fetched from.

    Args:
        client: For the hosts of this source.
        keys: Variable -> key; those it needs are there.
    """

    about: ClassVar[About]

    def __init__(self, client: Client, keys: Mapping[str, str]) -> None:
        self.client = client
        self._keys = keys

    @abstractmethod
    def search(self, query: str) -> Iterator[Track]:
        """Recordings that match, in an order that does not change from one time to the next.

        Recordings that must not be taken are among them, with what speaks against them, so that
        nothing is left out silently.

        Raises:
            NetworkError: If the source cannot be asked; what came before is good.
        """

    @abstractmethod
    def again(self, track: Track) -> Track | None:
        """What the source says of it now: the address may have expired, the licence changed.

        Returns:
            None if the source no longer has it.

        Raises:
            NetworkError: If the source cannot be asked.
        """

    def file_headers(self) -> Mapping[str, str]:
        """What is sent along when a file is fetched."""
        return {}


def find_keys(about: About, environment: Mapping[str, str]) -> dict[str, str]:
    """Those keys of a source that the environment holds.

    Raises:
        ConfigError: If one it needs is missing, or is none; names the variable and the page.
    """
    found: dict[str, str] = {}
    for key in about.keys:
        text = environment.get(key.variable, "").strip()
        if text and not (text.isascii() and text.isprintable() and " " not in text):
            raise ConfigError(f"{key.variable} holds characters that no key has; set it again")
        if text:
            found[key.variable] = text
        elif key.needed:
            raise ConfigError(
                f"{about.title} needs a key: set the environment variable {key.variable}; "
                f"get one at {key.where}"
            )
    return found


def field(record: Mapping[str, Any], *path: str) -> str:
    """The text at a place in an answer, on one line; empty if it is missing or something else."""
    value: object = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return one_line(value)


def number(value: object) -> float | None:
    """A positive number, given as such or as text; None for anything else.

    >>> number("12.5"), number(0), number("1:02"), number(True), number("nan")
    (12.5, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < 1e12 else None


def whole(value: object) -> int | None:
    """A positive whole number, or None."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def records(answer: Mapping[str, Any], name: str, title: str) -> list[dict[str, Any]]:
    """The list of objects that an answer must hold.

    Raises:
        NetworkError: If it holds something else: the interface has changed.
    """
    found = answer.get(name)
    if not isinstance(found, list):
        raise NetworkError(f"{title} answered without {name!r}; its interface may have changed")
    return [entry for entry in found if isinstance(entry, dict)]


def extension_of(name: str) -> str:
    """The ending of a file name or address, in small letters, without the dot.

    >>> extension_of("https://x.org/a.b/Song.FLAC?x=1.y")
    'flac'
    """
    last = name.partition("?")[0].rpartition("/")[2]
    return last.rpartition(".")[2].casefold() if "." in last else ""
