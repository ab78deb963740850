"""Methods of training by name."""

from aliquot.errors import ConfigError
from aliquot.training.methods import Method, SpectralMethod
from aliquot.training.settings import Settings
from aliquot.training.wavemethod import WaveMethod

METHODS: dict[str, type[Method]] = {
    "aliquot": SpectralMethod,
    "audiounet": WaveMethod,
    "hetherly": WaveMethod,
    "music-gan": WaveMethod,
}


def method_of(settings: Settings) -> Method:
    """The method that the settings name.

    Raises:
        ConfigError: If there is none of that name.
    """
    if settings.method not in METHODS:
        known = ", ".join(METHODS)
        raise ConfigError(f"unknown method {settings.method!r}; use one of {known}")
    return METHODS[settings.method](settings)  # type: ignore[call-arg]
