"""Round trips through lossy codecs: what a recording loses as MP3, AAC, Vorbis or Opus.

MP3, Vorbis and Opus are coded by libsndfile, AAC by the ``ffmpeg`` program. All four come back in
step with the input: libsndfile strips the codecs' delay where the file tells it, and AAC travels in
an MP4 file, whose edit list names the 1024 priming samples (a bare ADTS stream would come back that
much late).
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from aliquot.audio import Waveform
from aliquot.errors import ConfigError, InputError

CODECS = ("mp3", "aac", "vorbis", "opus")

_OPUS_RATE = 48_000
_MP3_DELAY = 576 + 529
"""Samples by which LAME's encoder and the decoder are late. The decoder takes them off where the
first frame says so; below 64 kbps or so that frame has no room for it, and the end is not trimmed
either."""
_WRITE_FRAMES = 65_536
"""libsndfile's Vorbis encoder crashes on writes of millions of frames."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Which settings a codec takes, and how libsndfile's compression level spells them."""

    lowest: float
    highest: float
    unit: str

    def level(self, setting: float) -> float:
        """Map ``highest`` to level 0 and ``lowest`` to level 1, which LAME itself refuses."""
        return min(0.999, (self.highest - setting) / (self.highest - self.lowest))


_MPEG1 = _Scale(32, 320, "kbps")
_MPEG2 = _Scale(8, 160, "kbps")
_VORBIS = _Scale(0, 10, "quality")
_OPUS = _Scale(6, 256, "kbps a channel")
_AAC = _Scale(16, 512, "kbps")
_SCALES = {"mp3": _MPEG1, "aac": _AAC, "vorbis": _VORBIS, "opus": _OPUS}


def named(name: str) -> tuple[str, float]:
    """Codec and bit rate or quality of a name.

    Raises:
        ConfigError: If it is none, or the codec has no such setting.

    >>> named("mp3-128"), named("vorbis-q2")
    (('mp3', 128.0), ('vorbis', 2.0))
    """
    match = re.fullmatch(r"(mp3|aac|opus)-(\d+)|(vorbis)-q(\d+)", name)
    if match is None:
        raise ConfigError(
            f"unknown codec {name!r}; write mp3-KBPS, aac-KBPS, opus-KBPS or vorbis-qQUALITY"
        )
    codec, setting = (word for word in match.groups() if word is not None)
    _level(_SCALES[codec], codec, float(setting))
    return codec, float(setting)


def round_trip(samples: Waveform, sample_rate: int, codec: str, kbps_or_quality: float) -> Waveform:
    """Encode and decode; the result has the input's length and is in step with it to the sample.

    Args:
        samples: ``(channels, samples)``, one or two channels.
        sample_rate: In Hz. Opus runs at 48 kHz: other rates are resampled there and back.
        codec: One of :data:`CODECS`.
        kbps_or_quality: Bit rate of all channels together in kbit/s; for Vorbis the quality, 0-10.

    Returns:
        ``(channels, samples)``, the same shape as ``samples``.

    Raises:
        ConfigError: If the codec or its setting does not exist, or ``ffmpeg`` is missing for AAC.
        InputError: If there are more than two channels, or the encoder refuses the rate.
    """
    if codec not in CODECS:
        raise ConfigError(f"codec: got {codec!r}; use one of {', '.join(CODECS)}")
    channels, length = samples.shape
    if channels > 2:
        raise InputError(f"{codec} takes one or two channels, got {channels}; code them in pairs")
    if length == 0:
        return samples.copy()
    with tempfile.TemporaryDirectory(prefix="aliquot-codec-") as folder:
        if codec == "aac":
            decoded = _through_ffmpeg(samples, sample_rate, kbps_or_quality, Path(folder))
        else:
            decoded = _through_libsndfile(
                samples, sample_rate, codec, kbps_or_quality, Path(folder)
            )
    result = np.zeros_like(samples)
    kept = min(length, decoded.shape[1])
    result[:, :kept] = decoded[:, :kept]
    return result


def _level(scale: _Scale, codec: str, setting: float) -> float:
    if not scale.lowest <= setting <= scale.highest:
        raise ConfigError(
            f"{codec} {scale.unit}: got {setting:g}; use {scale.lowest:g} to {scale.highest:g}"
        )
    return scale.level(setting)


def _through_libsndfile(
    samples: Waveform, sample_rate: int, codec: str, setting: float, folder: Path
) -> Waveform:
    if codec == "opus" and sample_rate != _OPUS_RATE:
        up = soxr.resample(samples.T, sample_rate, _OPUS_RATE).T
        coded = _through_libsndfile(up, _OPUS_RATE, codec, setting, folder)
        down = soxr.resample(coded.T, _OPUS_RATE, sample_rate).T
        return np.ascontiguousarray(down, np.float32)
    channels = samples.shape[0]
    options: dict[str, Any]
    if codec == "mp3":
        scale = _MPEG1 if sample_rate >= 32_000 else _MPEG2
        options = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    elif codec == "vorbis":
        scale = _VORBIS
        options = {"format": "OGG", "subtype": "VORBIS"}
    else:
        scale, setting = _OPUS, setting / channels
        options = {"format": "OGG", "subtype": "OPUS"}
    options["compression_level"] = _level(scale, codec, setting)
    path = folder / f"coded.{codec}"
    try:
        with soundfile.SoundFile(path, "w", sample_rate, channels, **options) as file:
            for start in range(0, samples.shape[1], _WRITE_FRAMES):
                file.write(samples[:, start : start + _WRITE_FRAMES].T)
        decoded, _ = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{codec} cannot code {sample_rate} Hz at {setting:g} {scale.unit} ({error}); "
            "resample to 44100 or 48000 Hz"
        ) from error
    if codec == "mp3" and len(decoded) > samples.shape[1]:
        decoded = decoded[_MP3_DELAY:]
    return np.ascontiguousarray(decoded.T)


def _through_ffmpeg(samples: Waveform, sample_rate: int, kbps: float, folder: Path) -> Waveform:
    program = shutil.which("ffmpeg")
    if program is None:
        raise ConfigError("aac needs the ffmpeg program, which is not on the path; install ffmpeg")
    _level(_AAC, "aac", kbps)
    raw = ["-f", "f32le", "-ar", str(sample_rate), "-ac", str(samples.shape[0])]
    path = str(folder / "coded.m4a")
    quiet = [program, "-nostdin", "-v", "error"]
    pcm = np.ascontiguousarray(samples.T, "<f4").tobytes()
    bits = f"{round(kbps * 1000)}"
    _run([*quiet, *raw, "-i", "pipe:0", "-c:a", "aac", "-b:a", bits, path], pcm)
    decoded = _run([*quiet, "-i", path, *raw, "pipe:1"], b"")
    return np.frombuffer(decoded, "<f4").reshape(-1, samples.shape[0]).T


def _run(command: list[str], data: bytes) -> bytes:
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(
            f"ffmpeg could not code the sound as AAC ({said[-1] if said else done.returncode}); "
            "use 1 or 2 channels at 8000 to 96000 Hz"
        )
    return done.stdout
