"""Released models: what they are called, where they lie, and that their bytes are right."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from aliquot.errors import ModelError

MAX_BYTES = 500_000_000
"""A larger model file is refused before it is read."""


@dataclass(frozen=True, slots=True)
class Release:
    """One released model.

    Attributes:
        name: As users call it.
        file: Name below ``released/`` in the package.
        sha256: Of the file.
        bytes: Of the file.
        licence: Of the weights.
        card: Path of the model card in the repository.
        kind: ``spectral``.
        summary: One line.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    card: str
    kind: str
    summary: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return Path(str(files("aliquot") / "released" / self.file))


@cache
def _table() -> dict[str, dict[str, dict[str, object]]]:
    text = (files("aliquot") / "releases.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, dict[str, object]]] = tomllib.loads(text)
    return table


def releases() -> dict[str, Release]:
    """All releases by name, newest last."""
    return {
        name: Release(name=name, **row)  # type: ignore[arg-type]
        for name, row in _table().get("releases", {}).items()
    }


def aliases() -> dict[str, str]:
    """Other names of releases; ``default`` is what is used when nothing is asked for."""
    return {name: str(target) for name, target in _table()["aliases"].items()}


def find(name: str) -> Release:
    """The release of a name or alias.

    Raises:
        ModelError: If there is none; the message lists those there are.
    """
    known = releases()
    resolved = aliases().get(name, name)
    if resolved not in known:
        names = ", ".join([*known, *aliases()])
        raise ModelError(f"no model is called {name!r}; there are {names}, or give an .onnx file")
    return known[resolved]


def read(model: str | Path) -> tuple[bytes, str]:
    """The bytes of a release or of an ``.onnx`` file, and its name.

    Args:
        model: A release, an alias or a path that ends in ``.onnx``.

    Raises:
        ModelError: If it is unknown, unreadable, too large or not what was released.
    """
    if str(model).endswith(".onnx"):
        return _read_file(Path(model)), Path(model).stem
    release = find(str(model))
    content = _read_file(release.path)
    found = hashlib.sha256(content).hexdigest()
    if found != release.sha256:
        raise ModelError(
            f"{release.path} is not {release.name} (sha256 {found[:12]}…, expected "
            f"{release.sha256[:12]}…); install aliquot again"
        )
    return content, release.name


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(f"{path} has {size} bytes; models over {MAX_BYTES} are refused")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read the model {path}: {error.strerror or error}; check the path"
        ) from error
