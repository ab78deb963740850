"""Steep ends of the sound that betray what a file went through before it was this file.

A codec and a converter of sample rates both end as filter banks do. What tells them apart is where
they end, the moments a codec empties below its edge, and how far up the file's own codec would go
at its own bit rate.
"""

import numpy as np

from aliquot.collect.findings import Finding
from aliquot.dsp.bandwidth import FULL_BAND_HZ, Bandwidth
from aliquot.io.formats import SoundInfo
from aliquot.verdict import STEEP_DB_PER_OCTAVE, SURE, judge

REACHES: dict[str, tuple[tuple[float, float], ...]] = {
    "MPEG_LAYER_III": (
        (48, 7_800), (64, 11_300), (96, 15_500), (128, 16_900), (160, 17_600), (192, 18_900),
        (256, 19_700), (320, 20_300),
    ),
    "VORBIS": ((64, 15_600), (96, 17_000), (128, 19_500), (200, 22_000)),
    "AAC": ((64, 12_700), (96, 16_500), (128, 17_500), (192, 19_900), (256, 22_000)),
    "OPUS": ((32, 20_400), (128, 20_400)),
}  # fmt: skip
"""How far up codecs keep noise and music at a bit rate: ``(kbit/s of two channels, Hz)``, measured
with ffmpeg 5.1.9 (LAME, libvorbis, aac, libopus)."""
_MONO_FACTOR = 1.5
"""Two channels cost less than twice as much as one: they share."""
MARGIN_HZ = 3_000.0
"""Another encoder, or another bar of music, ends lower than measured; hardly by so much. A cover
of 1 MB in four minutes of MP3 at 128 kbit/s raises what is expected by 0.8 kHz."""

CODEC_LOWEST_HZ = 15_000.0
"""A lossless file without emptied moments that ends steeply from here on went through a codec at a
middle bit rate. Converters end lower: at 11 kHz (22.05 kHz), 12 kHz (24 kHz). A rate of 32 kHz ends
here too, and is much rarer."""
CONVERTER_DB_PER_OCTAVE = 72.0
"""Cheap converters are less steep than codecs, and still steeper than anything that sounds."""
_LOSSY_LOWEST_HZ = 12_500.0
"""In a lossy file, what ends lower came at a rate of 24 kHz or less rather than from a codec."""
NEAR_NYQUIST = 0.9
"""From this share of Nyquist on a steep end is that of the file's own rate."""


def edge_finding(
    bandwidth: Bandwidth, info: SoundInfo, seconds: float, size: int
) -> Finding | None:
    """What the end of a recording's sound says of its past.

    Args:
        bandwidth: As measured over all of it.
        info: What the file says of itself.
        seconds: Its length.
        size: Of the file in bytes.

    Returns:
        A finding of kind ``transcoded`` or ``upsampled``; None if it ends as such a file may.
    """
    ends_hz, nyquist = bandwidth.cutoff_hz, info.sample_rate / 2
    slope = bandwidth.slope_db_per_octave
    if bandwidth.confidence < SURE or slope < CONVERTER_DB_PER_OCTAVE:
        return None
    if ends_hz >= NEAR_NYQUIST * nyquist:
        return None
    ends = f"ends steeply at {ends_hz / 1000:.1f} kHz"
    if not info.lossless:
        if ends_hz >= _lowest_native_hz(info, seconds, size):
            return None
        kbps = 8 * size / 1000 / max(seconds, 1e-3)
        kind = "transcoded" if ends_hz >= _LOSSY_LOWEST_HZ else "upsampled"
        return Finding(kind, f"{ends}, lower than {kbps:.0f} kbit/s of {info.subtype} do")
    if bandwidth.full_band and nyquist <= 24_000:
        return None
    verdict = judge(bandwidth, info)
    if verdict.codec is not None:
        emptied = f"and {bandwidth.holes:.1%} of the moments below are emptied"
        return Finding("transcoded", f"{ends} {emptied}, inside a lossless {info.container} file")
    if CODEC_LOWEST_HZ <= ends_hz < FULL_BAND_HZ and slope >= STEEP_DB_PER_OCTAVE:
        return Finding("transcoded", f"{ends}, inside a lossless {info.container} file")
    carries = f"{info.sample_rate} Hz could carry {nyquist / 1000:.1f} kHz"
    return Finding("upsampled", f"{ends} where {carries}")


def _lowest_native_hz(info: SoundInfo, seconds: float, size: int) -> float:
    """The lowest end that the file's own codec explains at its bit rate."""
    table = REACHES.get(info.subtype)
    if table is None or seconds <= 0:
        return 0.0
    stereo = _MONO_FACTOR if info.channels == 1 else 2 / info.channels
    kbps = 8 * size / 1000 / seconds * stereo
    expected_hz = float(np.interp(kbps, *np.array(table).T))
    return min(expected_hz, info.sample_rate / 2) - MARGIN_HZ
