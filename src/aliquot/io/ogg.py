"""What libsndfile does not say of an Ogg file: whether it was cut off, and its channel order."""

from pathlib import Path

TAIL_BYTES = 1 << 17
"""More than the longest Ogg page (65 307 bytes)."""
PAGE_HEADER = 27
LAST_PAGE = 4
"""The flag of the page that ends a stream."""

TO_WAVE_ORDER = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}
"""For each channel of a WAV, its place in Vorbis and Opus: there the centre comes second."""


def ends_properly(path: Path) -> bool:
    """Whether the last page of an Ogg file carries the end-of-stream flag."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - TAIL_BYTES))
        tail = file.read()
    at = tail.rfind(b"OggS")
    return 0 <= at <= len(tail) - PAGE_HEADER and bool(tail[at + 5] & LAST_PAGE)
