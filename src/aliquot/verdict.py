"""What ails a recording: band-limited, codec-limited, or nothing at all."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aliquot.dsp.bandwidth import FULL_BAND_HZ, Bandwidth, BandwidthMeter
from aliquot.errors import ConfigError
from aliquot.io.formats import SoundInfo
from aliquot.io.sound import open_reader

UNKNOWN_CODEC = "unknown codec"

_CODECS = {"MPEG_LAYER_III": "MP3", "VORBIS": "Vorbis", "OPUS": "Opus", "AAC": "AAC"}
STEEP_DB_PER_OCTAVE = 96.0
"""Codecs end as filter banks do, far more steeply than tapes, radios and microphones."""
_CODEC_LOWEST_HZ = 10_000.0
"""Music encoders cut between here and 20 kHz; what ends lower mostly came to them like that."""
_HOLES = 0.005
"""Share of emptied moments below the cut-off that betrays a codec: sound recorded or filtered
has none, since reverberation and noise never fall 50 dB from one moment to the next."""
SURE = 0.5
LEAST_CONFIDENCE = 0.1
"""Below this nothing is added: a high band that does not belong there is worse than none."""
LOWEST_HZ = 2_500.0
"""What is found to end lower is left alone: it is dark by nature, or misread."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        kind: ``band-limited``, ``codec-limited`` or ``full-band``.
        codec: Of a codec-limited recording the codec, ``unknown codec`` if it is not named by the
            file itself; else None.
        bandwidth: The measurement behind it.
        reason: One sentence for people.
    """

    kind: str
    codec: str | None
    bandwidth: Bandwidth
    reason: str


def judge(bandwidth: Bandwidth, info: SoundInfo) -> Verdict:
    """Say what a measured bandwidth means for a file of this kind.

    Args:
        bandwidth: The measurement.
        info: What the file says of itself.

    Returns:
        The verdict.
    """
    ends = f"its sound ends at {bandwidth.cutoff_hz / 1000:.1f} kHz"
    if bandwidth.full_band:
        reach = "it is silent" if not bandwidth.confidence else _reach(bandwidth)
        return Verdict("full-band", None, bandwidth, f"{reach}; there is nothing to restore")
    doubt = "" if bandwidth.confidence >= SURE else ", which is uncertain: listen to the result"
    codec_like = (
        bandwidth.slope_db_per_octave >= STEEP_DB_PER_OCTAVE
        and bandwidth.cutoff_hz >= _CODEC_LOWEST_HZ
        and bandwidth.cutoff_hz < 0.97 * info.sample_rate / 2
    )
    if codec_like and not info.lossless:
        name = _CODECS.get(info.subtype, info.subtype)
        reason = f"{ends}, steeply, as {name} encoders make it{doubt}"
        return Verdict("codec-limited", name, bandwidth, reason)
    if codec_like and bandwidth.holes >= _HOLES:
        reason = (
            f"{ends}, steeply, and {bandwidth.holes:.1%} of the moments below are emptied: "
            f"a lossy codec was there before this {info.container} file{doubt}"
        )
        return Verdict("codec-limited", UNKNOWN_CODEC, bandwidth, reason)
    if bandwidth.cutoff_hz >= 0.9 * info.sample_rate / 2:
        reason = f"{ends}, where its sample rate of {info.sample_rate} Hz ends{doubt}"
    else:
        slope = f"{bandwidth.slope_db_per_octave:.0f} dB per octave"
        reason = f"{ends}, with a slope of {slope}{doubt}"
    return Verdict("band-limited", None, bandwidth, reason)


def _reach(bandwidth: Bandwidth) -> str:
    return (
        f"its sound reaches {bandwidth.cutoff_hz / 1000:.1f} kHz, which is "
        f"{FULL_BAND_HZ / 1000:.0f} kHz or more"
    )


def inspect(
    path: Path | str,
    max_seconds: float | None = None,
    threads: int = 2,
    *,
    start_seconds: float = 0.0,
) -> Verdict:
    """Measure a file.

    Args:
        path: Any file that can be read.
        max_seconds: Measure no more than this from the beginning; None measures all.
        threads: To measure with; the verdict is the same with any number.
        start_seconds: Where to begin; segments count from there.

    Returns:
        The verdict.

    Raises:
        InputError: If the file cannot be read.
        ConfigError: If there is no thread.
    """
    if threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    with open_reader(Path(path)) as reader, ThreadPoolExecutor(threads) as pool:
        meter = BandwidthMeter(reader.info.sample_rate, pool if threads > 1 else None)
        for block in reader.blocks(start_seconds=start_seconds, duration_seconds=max_seconds):
            meter.update(block)
        return judge(meter.result(), reader.info)


def restorable(bandwidth: Bandwidth) -> bool:
    """Whether a high band is to be added: an end was found, and it is no guess."""
    sure = bandwidth.confidence >= LEAST_CONFIDENCE and bandwidth.cutoff_hz >= LOWEST_HZ
    return sure and not bandwidth.full_band


def doubts(bandwidth: Bandwidth) -> tuple[str, ...]:
    """Why nothing was added although something may be missing."""
    if bandwidth.full_band and len(bandwidth.segments) > 1:
        lowest = min(part.cutoff_hz for part in bandwidth.segments)
        part = f"parts of it end at {lowest / 1000:.1f} kHz and were left as they are"
        return (f"{part}; restore them by --start and --duration",)
    if bandwidth.full_band or restorable(bandwidth):
        return ()
    if bandwidth.confidence >= LEAST_CONFIDENCE:
        ends = f"its sound seems to end at {bandwidth.cutoff_hz:.0f} Hz, below {LOWEST_HZ:.0f} Hz"
        return (f"{ends}, so nothing was added; give --cutoff if that is wrong",)
    unclear = f"where its own sound ends is unclear (confidence {bandwidth.confidence:.2f})"
    return (f"{unclear}, so nothing was added; give --cutoff to say it",)
