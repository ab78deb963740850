"""How a format is asked of libsndfile, and how large its files become."""

from typing import Any

import numpy as np

from aliquot.io.formats import OutputFormat, default_bitrate

SAMPLE_BYTES = {"16": 2, "24": 3, "32f": 4}
LIBRARY_SUBTYPE = {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}
READ_TYPE = {"16": "int16", "24": "int32", "32f": "float32"}
VORBIS_STEREO_KBPS = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)
"""Nominal rates of Vorbis qualities 0 to 10."""


def projected_bytes(fmt: OutputFormat, sample_rate: int, channels: int, frames: int) -> int:
    """Size of a result: exact for plain samples, a cautious low estimate for codecs."""
    if fmt.bits is None:
        kbps = fmt.bitrate_kbps or default_bitrate(fmt.container, sample_rate, channels)
        return frames * kbps * 1000 // 8 // sample_rate // 2
    plain = frames * channels * SAMPLE_BYTES[fmt.bits]
    return plain // 2 if fmt.container == "FLAC" else plain


def codec_settings(fmt: OutputFormat, sample_rate: int, channels: int) -> dict[str, Any]:
    """The library's way of saying the bitrate: a compression level from 0 (best) to 1."""
    if fmt.bits is not None:
        return {}
    kbps = fmt.bitrate_kbps or default_bitrate(fmt.container, sample_rate, channels)
    if fmt.container == "MP3":
        low, high = (32, 320) if sample_rate >= 32_000 else (8, 160)
        if sample_rate < 16_000:
            high = 64
        return {"bitrate_mode": "CONSTANT", "compression_level": (high - kbps) / (high - low)}
    if fmt.container == "OPUS":
        return {"compression_level": 1 - (kbps / channels - 6) / 250}
    quality = float(np.interp(2 * kbps / channels, VORBIS_STEREO_KBPS, np.linspace(0, 1, 11)))
    return {"compression_level": 1 - quality}
