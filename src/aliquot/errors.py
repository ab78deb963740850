"""The errors aliquot raises on purpose. Each message names what failed and ends with the cure."""


class AliquotError(Exception):
    """Base of every error that a user's input, file or settings can cause."""


class InputError(AliquotError):
    """A recording cannot be read, or is not one that can be restored."""


class OutputError(AliquotError):
    """A result cannot be written where it was asked for."""


class ConfigError(AliquotError):
    """A settings file, an override or an option has a value that cannot be used."""


class ModelError(AliquotError):
    """A model is unknown, damaged, or does not fit the graph contract."""
