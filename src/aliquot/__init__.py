"""aliquot restores the missing high band of music.

The public names are loaded when they are first used, so importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aliquot.api import FileOptions, load_enhancer, restore, restore_file
    from aliquot.audio import Audio
    from aliquot.dsp.bandwidth import BandwidthMeter
    from aliquot.errors import AliquotError
    from aliquot.pipeline import Restorer
    from aliquot.verdict import inspect

__version__ = "0.1.0"

__all__ = [
    "AliquotError",
    "Audio",
    "BandwidthMeter",
    "FileOptions",
    "Restorer",
    "inspect",
    "load_enhancer",
    "restore",
    "restore_file",
]

_HOMES = {
    "AliquotError": "aliquot.errors",
    "Audio": "aliquot.audio",
    "BandwidthMeter": "aliquot.dsp.bandwidth",
    "FileOptions": "aliquot.api",
    "Restorer": "aliquot.pipeline",
    "inspect": "aliquot.verdict",
    "load_enhancer": "aliquot.api",
    "restore": "aliquot.api",
    "restore_file": "aliquot.api",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'aliquot' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return [*__all__, "__version__"]
