"""Settings are data: TOML into frozen dataclasses. An unknown key is an error, not silence."""

import dataclasses
import difflib
import tomllib
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from aliquot.errors import ConfigError

T = TypeVar("T")


def load(kind: type[T], path: Path, overrides: Sequence[str] = ()) -> T:
    """Build settings from a TOML file and overrides.

    Args:
        kind: A dataclass whose fields may be dataclasses in turn.
        path: The TOML file.
        overrides: ``section.key=value`` with the value in TOML syntax; the last one wins.

    Raises:
        ConfigError: If the file cannot be read, or a key or value cannot be used.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read settings {path}: {error.strerror or error}; check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    for override in overrides:
        lay_over(table, parse_override(override))
    return build(kind, table)


def parse_override(text: str) -> dict[str, Any]:
    """Read one ``section.key=value``; bare words are taken as strings."""
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"override {text!r} has no '='; write section.key=value")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        try:
            return tomllib.loads(f'{key}="{quoted}"')
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"override {text!r} is not section.key=value: {error}") from error


def lay_over(table: dict[str, Any], patch: dict[str, Any]) -> None:
    """Lay a patch over a table, in place, section by section."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            lay_over(table[key], value)
        else:
            table[key] = value


def build(kind: type[T], table: dict[str, Any], where: str = "") -> T:
    """Turn a table into a dataclass, checking keys and types on the way.

    Raises:
        ConfigError: Naming the key, with the nearest known one.
    """
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(hints)}"
            raise ConfigError(f"unknown key {where + key!r}; {cure}")
    values = {key: _value(hints[key], value, where + key) for key, value in table.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"[{where.rstrip('.') or 'top level'}] {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where!r} must be a section, got {value!r}")
        return build(hint, value, where + ".")
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        return _value(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where!r} must be a list, got {value!r}")
        return tuple(_value(get_args(hint)[0], item, where) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (
        not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)
    ):
        raise ConfigError(f"{where!r} must be of type {hint.__name__}, got {value!r}")
    return value
