"""The one FLAC that libsndfile does not write: a file without samples."""

import struct

LAST_BLOCK = 0x80
BLOCK_FRAMES = 4_096
MD5_OF_NOTHING = bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")


def empty(sample_rate: int, channels: int, bits: int) -> bytes:
    """A valid FLAC file of 0 frames: the mark and a STREAMINFO block.

    >>> empty(44_100, 2, 16)[:4], len(empty(44_100, 2, 16))
    (b'fLaC', 42)
    """
    shape = sample_rate << 44 | (channels - 1) << 41 | (bits - 1) << 36
    info = struct.pack(">HH6xQ", BLOCK_FRAMES, BLOCK_FRAMES, shape) + MD5_OF_NOTHING
    return b"fLaC" + bytes([LAST_BLOCK, 0, 0, len(info)]) + info
