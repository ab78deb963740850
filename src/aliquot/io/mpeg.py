"""Find MPEG audio frames, so that a library never has to search noise for them."""

from typing import BinaryIO

SEARCH_BYTES = 65_536
KBPS_V1 = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
KBPS_V2 = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES_V1 = (44_100, 48_000, 32_000)
RATE_SHIFT = {3: 0, 2: 1, 0: 2}
"""Version bits (1, 2, 2.5) to the halvings of :data:`RATES_V1`."""


def frame_bytes(header: bytes) -> int:
    """Length of the MPEG audio frame that begins with these four bytes; 0 if none does.

    >>> frame_bytes(bytes.fromhex("fffb9064"))  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz
    417
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, bitrate_index = header[2] >> 2 & 3, header[2] >> 4
    padding = header[2] >> 1 & 1
    if version not in RATE_SHIFT or layer not in KBPS_V1 or rate_index not in range(3):
        return 0
    if bitrate_index not in range(1, 15):
        return 0
    halvings = RATE_SHIFT[version]
    rate = RATES_V1[rate_index] >> halvings
    kbps = (KBPS_V2 if halvings else KBPS_V1)[layer][bitrate_index - 1]
    if layer == 1:
        return (12_000 * kbps // rate + padding) * 4
    per_frame = 72_000 if layer == 3 and halvings else 144_000
    return per_frame * kbps // rate + padding


def looks_like_mpeg(file: BinaryIO, start: int) -> bool:
    """Whether three frames follow one another near ``start``, or two and then the end."""
    file.seek(start)
    data = file.read(SEARCH_BYTES)
    at = data.find(b"\xff")
    while at >= 0:
        if _frames_from(data, at):
            return True
        at = data.find(b"\xff", at + 1)
    return False


def _frames_from(data: bytes, at: int) -> bool:
    found = 0
    while found < 3:
        size = frame_bytes(data[at : at + 4])
        if size == 0:
            break
        found += 1
        at += size
    return found >= 3 or (found == 2 and at >= len(data))
