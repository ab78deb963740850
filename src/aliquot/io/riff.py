"""The WAV family, byte by byte: which codings are read, what is missing, and RF64 made plain."""

import struct
from pathlib import Path
from typing import BinaryIO

from aliquot.errors import InputError
from aliquot.io.names import shown

MAX_CHUNKS = 1_000
"""Chunks walked before a file counts as malformed."""
WAV_TAGS = frozenset({1, 3, 6, 7})
"""PCM, float, A-law, mu-law."""
EXTENSIBLE = 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format tag in a WAVE subformat GUID."""
UNKNOWN_SIZE = 0xFFFFFF00
"""Data sizes from here on mean that the writer could not know: a pipe."""


def check_wav(file: BinaryIO, path: Path) -> None:
    """Refuse every WAV coding but PCM, float, A-law and mu-law, and every WAV without one."""
    file.seek(12, 1)
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"fmt ":
            _check_wave_format(file.read(min(size, 40)), path)
            return
        if name == b"data":
            break
        file.seek(size + size % 2, 1)
    raise InputError(f"{shown(path)} has no WAV format chunk before its sound; copy it again")


def check_w64(file: BinaryIO, path: Path) -> None:
    """The same as :func:`check_wav` for Sony Wave64, whose chunks have GUIDs and 64-bit sizes."""
    file.seek(40, 1)
    for _ in range(MAX_CHUNKS):
        head = file.read(24)
        if len(head) < 24:
            break
        name, size = struct.unpack("<4s12xQ", head)
        if name == b"fmt ":
            _check_wave_format(file.read(min(size, 64) - 24), path)
            return
        if name == b"data" or not 24 <= size < 1 << 62:
            break
        file.seek(size - 24 + -size % 8, 1)
    raise InputError(f"{shown(path)} has no W64 format chunk before its sound; copy it again")


def _check_wave_format(chunk: bytes, path: Path) -> None:
    if len(chunk) < 16:
        raise InputError(f"{shown(path)} has a WAV format chunk cut short; copy it again")
    (tag,) = struct.unpack("<H", chunk[:2])
    if tag == EXTENSIBLE:
        known = len(chunk) >= 40 and chunk[26:40] == GUID_TAIL
        (inner,) = struct.unpack("<H", chunk[24:26]) if known else (EXTENSIBLE,)
        if inner in {1, 3}:
            return
        tag = inner
    elif tag in WAV_TAGS:
        return
    raise InputError(
        f"{shown(path)} holds sound coded as WAV format 0x{tag:04X}, which is not read; "
        "convert it first: ffmpeg -i IN.wav -c:a pcm_s24le OUT.wav"
    )


def missing_bytes(path: Path) -> int:
    """How many bytes of sound a plain WAV file declares but does not hold; 0 if complete."""
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(0)
        if file.read(4) != b"RIFF":
            return 0
        at = 12
        for _ in range(MAX_CHUNKS):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                break
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                return max(0, at + 8 + size - length) if size < UNKNOWN_SIZE else 0
            at += 8 + size + size % 2
    return 0


def append_info(path: Path, entries: dict[bytes, str]) -> None:
    """Add a LIST INFO chunk at the end of a plain WAV file, in place.

    Args:
        path: A ``RIFF`` file; any other is left alone.
        entries: Text by four-byte code, such as ``INAM``.
    """
    body = b"INFO"
    for code, text in entries.items():
        data = text.encode() + b"\0"
        body += struct.pack("<4sI", code, len(data)) + data + b"\0" * (len(data) % 2)
    with path.open("r+b") as file:
        if not entries or file.read(4) != b"RIFF":
            return
        end = file.seek(0, 2)
        file.write(b"\0" * (end % 2) + struct.pack("<4sI", b"LIST", len(body)) + body)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def make_plain(path: Path) -> None:
    """Turn an RF64 file that stayed small into an ordinary WAV, in place.

    Libraries write ``RF64`` with sizes in a ``ds64`` chunk; a file under 4 GiB needs neither, and
    as ``RIFF`` more programs read it. The ``ds64`` chunk becomes ``JUNK``, which readers skip.
    """
    with path.open("r+b") as file:
        head = file.read(20)
        if head[:4] != b"RF64" or head[12:16] != b"ds64":
            return
        riff_bytes, data_bytes = struct.unpack("<QQ", file.read(16))
        at = 20 + struct.unpack("<I", head[16:20])[0]
        for _ in range(MAX_CHUNKS):
            file.seek(at)
            name, size = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                break
            at += 8 + size + size % 2
        file.seek(at + 4)
        file.write(struct.pack("<I", data_bytes))
        file.seek(0)
        file.write(struct.pack("<4sI", b"RIFF", riff_bytes))
        file.seek(12)
        file.write(b"JUNK")
