"""Blocks of samples out of a decoder, with what is wrong in them set right and counted."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.errors import InputError
from aliquot.io import ogg, riff
from aliquot.io.formats import (
    BITS_OF_SUBTYPE,
    LOSSY_SUBTYPES,
    MAX_CHANNELS,
    MAX_RATE,
    MIN_RATE,
    SoundInfo,
)
from aliquot.io.names import shown
from aliquot.io.sndfile import open_stream

LARGEST = 1e10
"""Beyond this (200 dB over full scale) a float is taken for damage: 1e38 squared is infinite."""
PIECE_FRAMES = 1 << 18
"""Frames asked of a decoder at once, at most."""
CUT_OFF = "it may be cut off"
"""Ends every complaint about a recording of which less is there than it declares."""
UNKNOWN_FRAMES = 1 << 61
"""From here on a declared length stands for an unknown one."""


class Decoder(Protocol):
    """One open recording, read from front to back."""

    info: SoundInfo

    def read(self, frames: int) -> NDArray[np.float32]:
        """Up to ``frames`` frames ``(frames, channels)``; fewer only at the end, then none."""

    def skip(self, frames: int, *, exact: bool = True) -> int:
        """Pass over frames; the number passed, smaller only at the end.

        What follows is what reading through would have given, unless ``exact`` is false: then a
        decoder may jump, and the first samples of a lossy stream may be others.
        """

    def complaints(self, frames: int) -> list[str]:
        """What is wrong with a file that ended after ``frames`` frames."""

    def close(self) -> None:
        """Let go of the file and of any process."""


class Reader:
    """A recording as blocks. Use it in a ``with`` statement and iterate it once.

    Attributes:
        info: What the recording declares.
        nonfinite: Samples so far that were no usable number and were replaced by 0.
        warnings: What was found wrong; complete when the last block has been read.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.info = decoder.info
        self.nonfinite = 0
        self.warnings: list[str] = []
        self._decoder = decoder
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and of any process. May be called again."""
        self._decoder.close()

    def blocks(
        self,
        block_frames: int = 65_536,
        start_seconds: float = 0.0,
        duration_seconds: float | None = None,
        *,
        exact: bool = True,
    ) -> Iterator[Waveform]:
        """The samples, a block at a time; memory does not depend on what the header declares.

        Args:
            block_frames: Frames of each block but the last.
            start_seconds: Where to begin.
            duration_seconds: How much to read; None reads to the end.
            exact: False lets a lossy stream be jumped into instead of decoded up to the start.

        Yields:
            ``(channels, frames)`` float32, never empty, finite.

        Raises:
            InputError: If the file turns out to be damaged.
            ValueError: If this reader has been iterated before; open another.
        """
        if self._started:
            raise ValueError("a Reader is read once; open the file again")
        self._started = True
        rate = self.info.sample_rate
        first = round(start_seconds * rate)
        left = None if duration_seconds is None else round(duration_seconds * rate)
        done = self._decoder.skip(first, exact=exact) if first > 0 else 0
        while left is None or left > 0:
            wanted = block_frames if left is None else min(block_frames, left)
            block = self._read(wanted)
            if len(block):
                done += len(block)
                left = None if left is None else left - len(block)
                yield self._clean(np.ascontiguousarray(block.T))
            if len(block) < wanted:
                self._at_end(done)
                return

    def _read(self, frames: int) -> NDArray[np.float32]:
        """One block, in pieces: a buffer is sized from what came, not from what was asked for."""
        pieces = [self._decoder.read(min(frames, PIECE_FRAMES))]
        held = len(pieces[0])
        while held < frames and len(pieces[-1]) == PIECE_FRAMES:
            pieces.append(self._decoder.read(min(frames - held, PIECE_FRAMES)))
            held += len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _clean(self, block: Waveform) -> Waveform:
        with np.errstate(invalid="ignore"):
            usable = np.abs(block) <= LARGEST  # false for NaN too
        bad = block.size - int(np.count_nonzero(usable))
        if bad:
            if not self.nonfinite:
                self.warnings.append(
                    "holds samples that are no usable numbers (NaN or infinite); they became 0"
                )
            self.nonfinite += bad
            block[~usable] = 0.0
        return block

    def _at_end(self, frames: int) -> None:
        if frames == 0 and self.info.frames:
            raise InputError(
                f"{shown(self.info.path)} declares {self.info.frames} frames but none could be "
                "read; copy or download it again"
            )
        if frames == 0:
            self.warnings.append("holds no sound (0 frames)")
        self.warnings.extend(self._decoder.complaints(frames))


def check_limits(path: Path, sample_rate: int, channels: int) -> None:
    """Refuse what cannot be a recording for us, before any buffer is sized.

    Raises:
        InputError: If the declared rate or channel count is out of range.
    """
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise InputError(
            f"{shown(path)} declares a sample rate of {sample_rate} Hz, outside {MIN_RATE} to "
            f"{MAX_RATE} Hz; resample it, or mend its header"
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(
            f"{shown(path)} declares {channels} channels, outside 1 to {MAX_CHANNELS}; "
            "mix it down or split it first"
        )


class LibraryDecoder:
    """A recording that libsndfile reads; see :class:`Decoder`."""

    def __init__(self, path: Path, container: str) -> None:
        """Open a file whose header was checked.

        Raises:
            InputError: If the library cannot open it or it is outside the limits.
        """
        self._path = path
        try:
            self._file: Any = open_stream(path)
        except (soundfile.SoundFileError, OSError) as error:
            raise InputError(
                f"{shown(path)} cannot be read as {container} ({_reason(error)}); "
                "copy or download it again"
            ) from error
        try:
            check_limits(path, self._file.samplerate, self._file.channels)
            self.info = self._describe(container)
        except InputError:
            self.close()
            raise
        order = ogg.TO_WAVE_ORDER.get(self.info.channels)
        centre_second = self.info.container in {"OGG", "OPUS"}
        self._order = list(order) if order and centre_second else None

    def _describe(self, container: str) -> SoundInfo:
        subtype = str(self._file.subtype)
        bits = BITS_OF_SUBTYPE.get(subtype)
        if bits is None and subtype not in LOSSY_SUBTYPES:
            raise InputError(
                f"{shown(self._path)} holds {subtype} sound, which is not read; convert it first: "
                "ffmpeg -i IN -c:a pcm_s24le OUT.wav"
            )
        if subtype == "OPUS":
            container = "OPUS"
        elif container == "WAV" and self._file.format == "RF64":
            container = "RF64"
        frames = int(self._file.frames)
        return SoundInfo(
            path=self._path,
            sample_rate=int(self._file.samplerate),
            channels=int(self._file.channels),
            frames=frames if 0 <= frames < UNKNOWN_FRAMES else None,
            container=container,
            subtype=subtype,
            lossless=bits is not None,
            bits=bits,
        )

    def read(self, frames: int) -> NDArray[np.float32]:
        """See :meth:`Decoder.read`."""
        try:
            block: NDArray[np.float32] = self._file.read(frames, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise InputError(
                f"{shown(self._path)} is damaged or cut off ({_reason(error)}); "
                "copy or download it again"
            ) from error
        return block if self._order is None else block[:, self._order]

    def skip(self, frames: int, *, exact: bool = True) -> int:
        """See :meth:`Decoder.skip`. Lossy streams are decoded through: seeking alters samples."""
        if (self.info.lossless or not exact) and self.info.frames is not None:
            target = min(frames, self.info.frames)
            try:
                return int(self._file.seek(target))
            except soundfile.SoundFileError as error:
                raise InputError(
                    f"{shown(self._path)} cannot be read from frame {target} on "
                    f"({_reason(error)}); copy it again or start earlier"
                ) from error
        done = 0
        while done < frames:
            count = len(self.read(min(65_536, frames - done)))
            if not count:
                break
            done += count
        return done

    def complaints(self, frames: int) -> list[str]:
        """See :meth:`Decoder.complaints`."""
        found = []
        info = self.info
        if info.frames is not None and frames != info.frames:
            found.append(f"declares {info.frames} frames but {frames} could be read; {CUT_OFF}")
        if info.container in {"OGG", "OPUS"} and not ogg.ends_properly(self._path):
            found.append(f"has no end-of-stream page; {CUT_OFF}")
        if info.container == "WAV" and (missing := riff.missing_bytes(self._path)):
            found.append(f"lacks {missing} bytes of the sound it declares; {CUT_OFF}")
        return found

    def close(self) -> None:
        """See :meth:`Decoder.close`."""
        self._file.close()


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
