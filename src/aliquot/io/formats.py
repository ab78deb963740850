"""The one place where formats are known: what is read, what is written, and the default of each.

Limits come from measurements of libsndfile 1.2.2, see the tests of this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aliquot.errors import ConfigError
from aliquot.io.names import shown

MIN_RATE, MAX_RATE = 4_000, 768_000
"""Sample rates that are read, in Hz."""
MAX_CHANNELS = 8

BITS_OF_SUBTYPE = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "ULAW": 16, "ALAW": 16,
}  # fmt: skip
"""Subtypes that lose nothing. A-law and mu-law count as the 16 bits they expand to: they are
coarse steps, not a codec that cuts the treble."""
FLOAT_SUBTYPES = frozenset({"FLOAT", "DOUBLE"})
LOSSY_SUBTYPES = frozenset({"MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "VORBIS", "OPUS"})


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What a recording says of itself before it is decoded.

    Attributes:
        path: Where it lies.
        sample_rate: In Hz.
        channels: 1 to 8.
        frames: Declared length in frames, which may lie; None if nothing is declared.
        container: ``WAV``, ``RF64``, ``W64``, ``AIFF``, ``CAF``, ``FLAC``, ``MP3``, ``OGG``,
            ``OPUS``, or through ffmpeg ``M4A``, ``WMA``, ``APE``, ``WAVPACK``, ``VIDEO``,
            ``OTHER``.
        subtype: ``PCM_16``, ``FLOAT``, ``VORBIS``, ``AAC`` and so on, in capitals.
        lossless: Whether the samples come back as they were stored.
        bits: Bits of a stored sample; None for lossy codecs.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    container: str
    subtype: str
    lossless: bool
    bits: int | None

    @property
    def is_float(self) -> bool:
        """Whether samples are stored as floating-point numbers."""
        return self.subtype in FLOAT_SUBTYPES


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """How a result is stored.

    Attributes:
        container: A key of :data:`CONTAINERS`.
        bits: ``"16"``, ``"24"`` or ``"32f"``; None in a lossy container.
        bitrate_kbps: Of a lossy container; None otherwise. Vorbis takes it as its nominal rate.
        extension: With the dot.
    """

    container: str
    bits: str | None
    bitrate_kbps: int | None
    extension: str

    @property
    def is_float(self) -> bool:
        """Whether samples beyond full scale survive."""
        return self.bits == "32f"


@dataclass(frozen=True, slots=True)
class Container:
    """What one container can hold; empty ``rates`` means any rate in ``rate_range``."""

    extension: str
    sndfile_format: str
    bits: tuple[str, ...] = ()
    max_channels: int = MAX_CHANNELS
    rate_range: tuple[int, int] = (MIN_RATE, MAX_RATE)
    rates: tuple[int, ...] = ()
    lossy_subtype: str = ""


MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
PCM = ("16", "24", "32f")

CONTAINERS = {
    "WAV": Container(".wav", "WAV", PCM),
    "RF64": Container(".wav", "RF64", PCM),
    "W64": Container(".w64", "W64", PCM),
    "AIFF": Container(".aiff", "AIFF", PCM),
    "CAF": Container(".caf", "CAF", PCM),
    "FLAC": Container(".flac", "FLAC", ("16", "24"), rate_range=(MIN_RATE, 655_350)),
    "MP3": Container(
        ".mp3", "MP3", max_channels=2, rates=MP3_RATES, lossy_subtype="MPEG_LAYER_III"
    ),
    # Above 200 kHz libvorbis refuses to set up and libsndfile 1.2.2 then crashes the process.
    "OGG": Container(".ogg", "OGG", rate_range=(MIN_RATE, 192_000), lossy_subtype="VORBIS"),
    "OPUS": Container(".opus", "OGG", rates=OPUS_RATES, lossy_subtype="OPUS"),
}
"""Everything that can be written, by name."""

OTHER_NAMES = {"AIF": "AIFF", "AIFC": "AIFF", "VORBIS": "OGG", "OGA": "OGG", "WAVE": "WAV"}


def container_named(name: str) -> str:
    """The container that a format name or a file extension means.

    Args:
        name: ``flac``, ``.flac``, ``FLAC``, ``aif`` and so on.

    Raises:
        ConfigError: If nothing of that name can be written.

    >>> container_named(".aif")
    'AIFF'
    """
    key = name.strip().lstrip(".").upper()
    key = OTHER_NAMES.get(key, key)
    if key not in CONTAINERS:
        legal = ", ".join(sorted(name.lower() for name in CONTAINERS))
        raise ConfigError(f"format {name!r} cannot be written; choose one of {legal}")
    return key


def container_of(path: Path, asked: str | None) -> str:
    """The container of a result with a name of its own, which must be what the name says.

    Args:
        path: The result.
        asked: The container asked for, if any.

    Raises:
        ConfigError: If the name says none, none that can be written, or another.

    >>> container_of(Path("a.flac"), None)
    'FLAC'
    """
    if not path.suffix:
        raise ConfigError(f"{shown(path)}: a file whose name says no format; give it another name")
    named = container_named(path.suffix)
    if asked is None or asked == named:
        return named
    if CONTAINERS[container_named(asked)].extension != path.suffix.lower():
        raise ConfigError(f"{shown(path)}: the name says {named}, the format {asked}; change one")
    return asked


def output_format(
    info: SoundInfo, *, container: str | None, bits: str | None, bitrate_kbps: int | None
) -> OutputFormat:
    """The format of a result: what was asked for, completed by defaults.

    By default a lossless recording keeps its container and depth: float stays ``32f``, 8 bits
    become 16, and 32-bit integers become 24 because samples travel as float32, which holds 24.
    A lossy recording becomes FLAC at 24 bits: an encoder would cut off again what was restored,
    and a decoded stream lies on no 16-bit grid, so 24 bits keep it as it was decoded. What has
    no writer (APE, WMA, WavPack, ALAC, video) becomes FLAC too.

    Args:
        info: The recording to be restored.
        container: A format name or extension, or None.
        bits: ``"16"``, ``"24"``, ``"32f"`` or None.
        bitrate_kbps: Total kbit/s of a lossy container, or None for its highest useful one.

    Raises:
        ConfigError: If the container cannot hold what is asked; names what it can.
    """
    if container is not None:
        chosen = container_named(container)
    else:
        chosen = info.container if info.lossless and info.container in CONTAINERS else "FLAC"
    kind = CONTAINERS[chosen]
    if kind.lossy_subtype:
        _refuse_bits(chosen, bits)
        bits = None
    else:
        _refuse_bitrate(chosen, bitrate_kbps)
        bits = _depth(info, chosen, kind, bits)
    return OutputFormat(chosen, bits, bitrate_kbps, kind.extension)


def _refuse_bits(chosen: str, bits: str | None) -> None:
    if bits is not None:
        raise ConfigError(
            f"{chosen} has no bit depth, so bits {bits!r} cannot be set; give a bitrate instead"
        )


def _refuse_bitrate(chosen: str, bitrate_kbps: int | None) -> None:
    if bitrate_kbps is not None:
        raise ConfigError(
            f"{chosen} is lossless, so a bitrate of {bitrate_kbps} kbit/s cannot be set; "
            "give bits, or choose mp3, ogg or opus"
        )


def _depth(info: SoundInfo, chosen: str, kind: Container, bits: str | None) -> str:
    if bits is not None:
        if bits not in kind.bits:
            raise ConfigError(
                f"{chosen} cannot hold {bits!r} bits; choose one of {', '.join(kind.bits)}"
            )
        return bits
    if not info.lossless:
        return "24"
    if info.is_float:
        return "32f" if "32f" in kind.bits else "24"
    return "16" if (info.bits or 24) <= 16 else "24"


def legal_bitrates(container: str, sample_rate: int, channels: int) -> Sequence[int]:
    """Total bitrates in kbit/s that give back the right number of samples, ascending.

    MP3 goes no lower than measured to be safe: below, the encoder picks another sample rate.
    """
    if container == "MP3":
        if sample_rate >= 32_000:
            return (64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        return (64, 80, 96, 112, 128, 144, 160) if sample_rate >= 16_000 else (32, 40, 48, 56, 64)
    if container == "OPUS":
        return range(12 * channels, 256 * channels + 1)
    if container == "OGG":
        return range(32 * channels, 250 * channels + 1)
    return ()


def default_bitrate(container: str, sample_rate: int, channels: int) -> int:
    """The bitrate of a lossy container when none is asked for, in kbit/s: high, not wasteful."""
    if container == "MP3":
        return legal_bitrates(container, sample_rate, channels)[-1]
    return 128 * channels


def check_cell(fmt: OutputFormat, sample_rate: int, channels: int) -> None:
    """Refuse, before any work, what the container cannot hold.

    Args:
        fmt: From :func:`output_format`.
        sample_rate: Of the result, in Hz.
        channels: Of the result.

    Raises:
        ConfigError: Names the legal rates, channel counts or bitrates.
    """
    kind = CONTAINERS[fmt.container]
    low, high = kind.rate_range
    if kind.rates and sample_rate not in kind.rates:
        legal = ", ".join(map(str, kind.rates))
        raise ConfigError(
            f"{fmt.container} cannot hold {sample_rate} Hz; choose one of the rates {legal}"
        )
    if not low <= sample_rate <= high:
        raise ConfigError(
            f"{fmt.container} cannot hold {sample_rate} Hz; choose a rate from {low} to {high} Hz"
        )
    if not 1 <= channels <= kind.max_channels:
        raise ConfigError(
            f"{fmt.container} cannot hold {channels} channels, only 1 to {kind.max_channels}; "
            "choose flac or wav"
        )
    bitrates = legal_bitrates(fmt.container, sample_rate, channels)
    if fmt.bitrate_kbps is not None and fmt.bitrate_kbps not in bitrates:
        legal = (
            f"{bitrates.start} to {bitrates.stop - 1}"
            if isinstance(bitrates, range)
            else "one of " + ", ".join(map(str, bitrates))
        )
        raise ConfigError(
            f"{fmt.container} at {sample_rate} Hz with {channels} channels cannot be written at "
            f"{fmt.bitrate_kbps} kbit/s; choose {legal}"
        )


def nearest_rate(container: str, sample_rate: int) -> int:
    """The rate at which a container can hold sound of this rate: the next higher, or the highest.

    >>> nearest_rate("OPUS", 44_100), nearest_rate("MP3", 96_000), nearest_rate("WAV", 44_100)
    (48000, 48000, 44100)
    """
    kind = CONTAINERS[container]
    if kind.rates:
        return min((rate for rate in kind.rates if rate >= sample_rate), default=kind.rates[-1])
    low, high = kind.rate_range
    return min(max(sample_rate, low), high)
