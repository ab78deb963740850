"""Make files that are broken in known ways: ``python tests/broken/malformed.py FOLDER``.

``REFUSED`` holds those that must be refused with an InputError, ``READ`` those that must be read,
each with the number of frames that come out and a word of the warning (empty if there is none).
"""

import io
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100
FRAMES = 44_100
NOISE = np.random.default_rng(11).standard_normal((FRAMES, 2)) * 0.1


def encoded(kind: str, subtype: str | None = None, frames: int = FRAMES, rate: int = RATE) -> bytes:
    """A whole file of noise."""
    buffer = io.BytesIO()
    soundfile.write(buffer, NOISE[:frames], rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk; ``size`` may lie."""
    length = len(body) if size is None else size
    return name + struct.pack("<I", length) + body + b"\0" * (len(body) % 2)


def wave_format(tag: int = 1, channels: int = 2, rate: int = RATE, bits: int = 16) -> bytes:
    """The body of a ``fmt `` chunk."""
    align = channels * bits // 8
    return struct.pack(
        "<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits
    )


def riff(*chunks: bytes, form: bytes = b"WAVE") -> bytes:
    """A RIFF file of chunks."""
    body = form + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


SOUND = chunk(b"data", bytes(4_000))
PCM = chunk(b"fmt ", wave_format())


def extensible(tag: int, tail: str = "000000001000800000aa00389b71") -> bytes:
    """A ``fmt `` chunk with a subformat GUID."""
    guid = struct.pack("<H", tag) + bytes.fromhex(tail)
    return chunk(b"fmt ", wave_format(0xFFFE) + struct.pack("<HHI", 22, 16, 3) + guid)


def ima_adpcm() -> bytes:
    """The crafted kind: block align and samples per block disagree."""
    body = struct.pack("<HHIIHHHH", 0x11, 1, RATE, RATE, 4, 4, 2, 0xFFFF)
    return riff(chunk(b"fmt ", body), chunk(b"fact", struct.pack("<I", 1 << 31)), SOUND)


def flac_with_length(total: int) -> bytes:
    """A FLAC whose header declares ``total`` frames."""
    data = bytearray(encoded("FLAC"))
    word = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    data[18:26] = word.to_bytes(8, "big")
    return bytes(data)


def with_byte(data: bytes, at: int, change: int) -> bytes:
    """The same file with the bits ``change`` of one byte turned over."""
    altered = bytearray(data)
    altered[at] ^= change
    return bytes(altered)


def random_bytes() -> bytes:
    return np.random.default_rng(3).bytes(60_000)


def aifc(coding: bytes) -> bytes:
    """An AIFF-C file that says it is coded so."""
    rate = bytes.fromhex("400eac44000000000000")
    common = struct.pack(">hIh", 2, 500, 16) + rate + coding + b"\0\0"
    body = b"AIFC" + b"FVER" + struct.pack(">II", 4, 0xA2805140)
    body += b"COMM" + struct.pack(">I", len(common)) + common
    body += b"SSND" + struct.pack(">I", 2_008) + bytes(2_008)
    return b"FORM" + struct.pack(">I", len(body)) + body


def caf(coding: bytes) -> bytes:
    """A CAF file that says it is coded so."""
    head = b"caff" + struct.pack(">HH", 1, 0)
    description = struct.pack(">d4sIIIII", RATE, coding, 0, 4, 1, 2, 16)
    return (
        head
        + b"desc"
        + struct.pack(">q", 32)
        + description
        + b"data"
        + struct.pack(">q", 404)
        + bytes(404)
    )


def w64_with_tag(tag: int) -> bytes:
    data = bytearray(encoded("W64", "PCM_16"))
    at = data.index(b"fmt ") + 24
    data[at : at + 2] = struct.pack("<H", tag)
    return bytes(data)


def not_finite() -> bytes:
    samples = NOISE.astype("<f4")
    samples[10, 0], samples[20, 1], samples[30, 0] = np.nan, np.inf, -np.inf
    samples[40, 1] = 1e38
    return riff(chunk(b"fmt ", wave_format(3, bits=32)), chunk(b"data", samples.tobytes()))


Maker = Callable[[], bytes]

REFUSED: dict[str, Maker] = {
    "empty.wav": lambda: b"",
    "empty.mp3": lambda: b"",
    "four-bytes.wav": lambda: b"RIFF",
    "text.wav": lambda: b"Dear listener,\nthis is a letter.\n" * 50,
    "text.flac": lambda: b"fLaC, they said, and then nothing but words." * 50,
    "text.mp3": lambda: b"no music here\n" * 400,
    "picture.flac": lambda: b"\x89PNG\r\n\x1a\n" + random_bytes(),
    "random.wav": random_bytes,
    "random.mp3": random_bytes,
    "random.ogg": random_bytes,
    "random.m4a": random_bytes,
    "zeros.mp3": lambda: bytes(50_000),
    "playlist.m4a": lambda: b"#EXTM3U\nfile:///etc/passwd\n",
    "concat.m4a": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "rate-1.wav": lambda: riff(chunk(b"fmt ", wave_format(rate=1)), SOUND),
    "rate-3999.wav": lambda: riff(chunk(b"fmt ", wave_format(rate=3_999)), SOUND),
    "rate-1e9.wav": lambda: riff(chunk(b"fmt ", wave_format(rate=1_000_000_000)), SOUND),
    "rate-768001.wav": lambda: riff(chunk(b"fmt ", wave_format(rate=768_001)), SOUND),
    "channels-0.wav": lambda: riff(chunk(b"fmt ", wave_format(channels=0)), SOUND),
    "channels-9.wav": lambda: riff(chunk(b"fmt ", wave_format(channels=9)), SOUND),
    "channels-255.wav": lambda: riff(chunk(b"fmt ", wave_format(channels=255)), SOUND),
    "channels-1024.wav": lambda: riff(chunk(b"fmt ", wave_format(channels=1_024)), SOUND),
    "channels-65535.wav": lambda: riff(chunk(b"fmt ", wave_format(channels=65_535)), SOUND),
    "bits-0.wav": lambda: riff(chunk(b"fmt ", wave_format(bits=0)), SOUND),
    "tag-ms-adpcm.wav": lambda: riff(chunk(b"fmt ", wave_format(2)), SOUND),
    "tag-ima-adpcm.wav": ima_adpcm,
    "tag-gsm.wav": lambda: riff(chunk(b"fmt ", wave_format(0x31)), SOUND),
    "tag-mp3.wav": lambda: riff(chunk(b"fmt ", wave_format(0x55)), SOUND),
    "tag-0.wav": lambda: riff(chunk(b"fmt ", wave_format(0)), SOUND),
    "extensible-adpcm.wav": lambda: riff(extensible(0x11), SOUND),
    "extensible-unknown.wav": lambda: riff(extensible(1, "ff" * 14), SOUND),
    "extensible-short.wav": lambda: riff(chunk(b"fmt ", wave_format(0xFFFE)), SOUND),
    "format-short.wav": lambda: riff(chunk(b"fmt ", b"\x01\0\x02\0"), SOUND),
    "format-missing.wav": lambda: riff(SOUND),
    "format-after-data.wav": lambda: riff(SOUND, PCM),
    "format-behind-a-lie.wav": lambda: riff(chunk(b"LIST", b"INFO", 0x7FFFFFFF), PCM, SOUND),
    "two-datas.wav": lambda: riff(PCM, SOUND, SOUND),
    "many-chunks.wav": lambda: riff(*[chunk(b"junk", b"")] * 2_000, PCM, SOUND),
    "adpcm.w64": lambda: w64_with_tag(0x11),
    "cut-head.w64": lambda: encoded("W64", "PCM_16")[:50],
    "ima.aifc": lambda: aifc(b"ima4"),
    "no-common.aiff": lambda: b"FORM" + struct.pack(">I", 100) + b"AIFF" + bytes(96),
    "ima.caf": lambda: caf(b"ima4"),
    "aac.caf": lambda: caf(b"aac "),
    "cut-head.caf": lambda: encoded("CAF", "PCM_16")[:30],
    "cut-head.flac": lambda: encoded("FLAC")[:20],
    "only-head.flac": lambda: encoded("FLAC")[:42],
    "half.flac": lambda: (d := encoded("FLAC"))[: len(d) // 2],
    "one-bit.flac": lambda: with_byte(d := encoded("FLAC"), len(d) // 2, 1),
    "only-tag.mp3": lambda: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10),
    "tag-of-256-MB.mp3": lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + encoded("MP3"),
    "first-page.ogg": lambda: encoded("OGG", "VORBIS")[:58],
    "cut-head.opus": lambda: encoded("OGG", "OPUS", rate=48_000)[:40],
    "broken-head.ogg": lambda: with_byte(encoded("OGG", "VORBIS"), 26, 0xFF),
    "broken.mkv": lambda: b"\x1aE\xdf\xa3" + random_bytes(),
    "broken.wma": lambda: bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + random_bytes(),
    "broken.ape": lambda: b"MAC \x96\x0f" + random_bytes(),
    "broken.wv": lambda: b"wvpk" + random_bytes(),
    "broken.m4a": lambda: b"\0\0\0\x20ftypM4A " + random_bytes(),
    "broken.avi": lambda: riff(random_bytes(), form=b"AVI "),
}  # fmt: skip

READ: dict[str, tuple[Maker, int, str]] = {
    "no-sound.wav": (lambda: riff(PCM, chunk(b"data", b"")), 0, "no sound"),
    "length-unknown.wav": (lambda: riff(PCM, chunk(b"data", bytes(8_000), 0xFFFFFFFF)), 2_000, ""),
    "length-almost.wav": (lambda: riff(PCM, chunk(b"data", bytes(8_000), 0xFFFFFFF0)), 2_000, ""),
    "half.wav": (lambda: encoded("WAV", "PCM_16")[: 44 + 4 * 10_000], 10_000, "cut off"),
    "odd-chunk.wav": (lambda: riff(chunk(b"junk", b"abc"), PCM, SOUND), 1_000, ""),
    "extensible.wav": (lambda: riff(extensible(1), SOUND), 1_000, ""),
    "not-finite.wav": (not_finite, FRAMES, "no usable numbers"),
    "length-2-to-36.flac": (lambda: flac_with_length((1 << 36) - 1), FRAMES, "cut off"),
    "length-0.flac": (lambda: flac_with_length(0), FRAMES, ""),
    "tagged.flac": (lambda: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + encoded("FLAC"), FRAMES, ""),
    "plain.aifc": (lambda: aifc(b"NONE"), 500, ""),
    "plain.caf": (lambda: caf(b"lpcm"), 100, ""),
    "tagged.mp3": (lambda: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + encoded("MP3"), FRAMES, ""),
}  # fmt: skip


def make_all(folder: Path) -> None:
    """Write every file."""
    for name, maker in REFUSED.items():
        (folder / name).write_bytes(maker())
    for name, (maker, _, _) in READ.items():
        (folder / name).write_bytes(maker())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    make_all(target)
