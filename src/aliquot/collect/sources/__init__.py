"""Where music comes from: one file for each source, found by its name, nothing to register.

A module here holds a class ``SOURCE``. How to add one: ``docs/guide/sources.md``.
"""

import pkgutil
from importlib import import_module

from aliquot.collect.source import Source
from aliquot.errors import ConfigError


def names() -> tuple[str, ...]:
    """All sources, as one writes them on the command line.

    >>> names()
    ('deezer', 'freesound', 'internet-archive', 'itunes', 'jamendo', 'openverse', 'wikimedia')
    """
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def find(name: str) -> type[Source]:
    """The source of a name.

    Raises:
        ConfigError: If there is none; the message lists those there are.
    """
    if name not in names():
        raise ConfigError(f"no source is called {name!r}; there are {', '.join(names())}")
    module = import_module(f"aliquot.collect.sources.{name.replace('-', '_')}")
    source: type[Source] = module.SOURCE
    return source
