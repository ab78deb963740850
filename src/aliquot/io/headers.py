"""Look at the first bytes of a file before a library does.

libsndfile guesses formats and starts decoders that nobody here needs, some with a record of memory
faults, so only known containers with known codings ever reach it. Everything else is either
ffmpeg's, in its own process, or no recording.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aliquot.errors import InputError
from aliquot.io.mpeg import looks_like_mpeg
from aliquot.io.names import shown
from aliquot.io.riff import MAX_CHUNKS, check_w64, check_wav

HEAD_BYTES = 4_096

AIFC_CODINGS = frozenset(
    {b"NONE", b"twos", b"sowt", b"raw ", b"in24", b"in32", b"42ni", b"23ni"}
    | {b"fl32", b"FL32", b"fl64", b"FL64", b"ulaw", b"ULAW", b"alaw", b"ALAW"}
)
CAF_CODINGS = frozenset({b"lpcm", b"ulaw", b"alaw", b"alac"})

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
FFMPEG_MAGIC = (
    (0, ASF, "WMA"),
    (0, b"MAC ", "APE"),
    (0, b"wvpk", "WAVPACK"),
    (0, b"\x1aE\xdf\xa3", "VIDEO"),  # Matroska, WebM
    (0, b"FLV\x01", "VIDEO"),
    (0, b"\x00\x00\x01\xba", "VIDEO"),  # MPEG program stream
    (0, b"TTA1", "OTHER"),
    (0, b"tBaK", "OTHER"),
    (0, b"MPCK", "OTHER"),
    (0, b"MP+", "OTHER"),
    (0, b"DSD ", "OTHER"),
    (0, b".snd", "OTHER"),
    (0, b"\x0bw", "OTHER"),  # AC-3
)
TS_PACKET = 188


def identify(path: Path) -> str:
    """The container of a file, from its bytes alone.

    Args:
        path: A readable file.

    Returns:
        One of the names of :class:`aliquot.io.formats.SoundInfo`; ``OGG`` stands for every Ogg.

    Raises:
        InputError: If it is empty, no recording, or holds a coding that is not read.
    """
    with path.open("rb") as file:
        start = _after_id3(file)
        file.seek(start)
        head = file.read(HEAD_BYTES)
        if not head:
            what = "holds no sound after its tag" if start else "is empty (0 bytes)"
            raise InputError(f"{shown(path)} {what}; copy or download it again")
        container = _by_magic(head)
        check = CHECKS.get(container)
        if check is not None:
            file.seek(start)
            check(file, path)
        if not container and looks_like_mpeg(file, start):
            container = "MP3"
    if not container:
        raise InputError(
            f"{shown(path)} is not a recording that aliquot knows; give a WAV, FLAC, MP3, Ogg, "
            "Opus, AIFF or CAF file, or with ffmpeg M4A, WMA, APE, WavPack or video"
        )
    return container


def _after_id3(file: BinaryIO) -> int:
    """Where the sound begins behind an ID3v2 tag; 0 without one."""
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer


def _by_magic(head: bytes) -> str:
    if head[:4] == b"OggS":
        return _ogg_kind(head)
    fixed = {b"fLaC": "FLAC", b"caff": "CAF", b"riff": "W64"}.get(head[:4])
    if fixed:
        return fixed
    form = head[8:12]
    if head[:4] in {b"RIFF", b"RF64", b"BW64"}:
        return {b"WAVE": "WAV", b"AVI ": "VIDEO"}.get(form, "")
    if head[:4] == b"FORM":
        return "AIFF" if form in {b"AIFF", b"AIFC"} else ""
    if head[4:8] == b"ftyp":
        return "M4A" if form in {b"M4A ", b"M4B ", b"F4A "} else "VIDEO"
    for offset, magic, name in FFMPEG_MAGIC:
        if head.startswith(magic, offset):
            return name
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0:
        return "OTHER"  # AAC in ADTS frames
    if len(head) > 2 * TS_PACKET and all(head[i * TS_PACKET] == 0x47 for i in range(3)):
        return "VIDEO"  # MPEG transport stream
    return ""


def _ogg_kind(head: bytes) -> str:
    """Vorbis and Opus by their first packet; FLAC, Speex or video in Ogg are ffmpeg's."""
    payload = 27 + (head[26] if len(head) > 26 else 0)
    if head.startswith((b"\x01vorbis", b"OpusHead"), payload):
        return "OGG"
    return "VIDEO" if head.startswith(b"\x80theora", payload) else "OTHER"


def _check_aiff(file: BinaryIO, path: Path) -> None:
    form = file.read(12)[8:]
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack(">4sI", head)
        if name == b"COMM":
            coding = file.read(min(size, 22))[18:22] if form == b"AIFC" else b"NONE"
            _check_coding(coding, AIFC_CODINGS, path)
            return
        file.seek(size + size % 2, 1)
    raise InputError(f"{shown(path)} has no AIFF common chunk; copy it again")


def _check_caf(file: BinaryIO, path: Path) -> None:
    head = file.read(44)
    if len(head) < 44 or head[8:12] != b"desc":
        raise InputError(f"{shown(path)} has no CAF description chunk; copy it again")
    _check_coding(head[28:32], CAF_CODINGS, path)


def _check_coding(coding: bytes, legal: frozenset[bytes], path: Path) -> None:
    if coding not in legal:
        name = coding.decode("ascii", "backslashreplace")
        raise InputError(
            f"{shown(path)} holds sound coded as {name!r}, which is not read; "
            "convert it first: ffmpeg -i IN -c:a pcm_s24le OUT.wav"
        )


CHECKS: dict[str, Callable[[BinaryIO, Path], None]] = {
    "WAV": check_wav,
    "W64": check_w64,
    "AIFF": _check_aiff,
    "CAF": _check_caf,
}
