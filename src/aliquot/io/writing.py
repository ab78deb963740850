"""Results on disk: encoded in small pieces, reread, and only then given their name."""

import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.dither import quantise16, quantise24
from aliquot.errors import AliquotError, OutputError
from aliquot.io import flac, ogg, riff
from aliquot.io.atomic import PendingFile, check_space, check_target, write_error
from aliquot.io.encoding import LIBRARY_SUBTYPE, READ_TYPE, codec_settings, projected_bytes
from aliquot.io.formats import CONTAINERS, OutputFormat, check_cell
from aliquot.io.names import library_name, shown
from aliquot.io.sndfile import open_stream

PIECE_FRAMES = 65_536
"""Frames of one write: one large write overflows the stack of the Vorbis encoder (a crash)."""
LARGE_BYTES = int(3.9 * 2**30)
"""From here on a WAV is written as RF64: past 4 GiB its sizes wrap round, without an error."""
Pieces = NDArray[np.int16] | NDArray[np.int32] | NDArray[np.float32]


def open_writer(  # noqa: PLR0913 each is a separate choice of the caller
    path: Path,
    fmt: OutputFormat,
    sample_rate: int,
    channels: int,
    *,
    expected_frames: int | None = None,
    overwrite: bool = False,
    finish: Callable[[Path], None] | None = None,
) -> "Writer":
    """Prepare to write a recording; nothing appears before the ``with`` block is entered.

    Args:
        path: The final name.
        fmt: From :func:`aliquot.io.formats.output_format`.
        sample_rate: In Hz.
        channels: 1 to 8.
        expected_frames: Length, as far as known; decides between WAV and RF64 and is checked
            against the free space.
        overwrite: Whether an existing file may be replaced.
        finish: Called with the temporary file once its samples are complete, to add tags.

    Raises:
        ConfigError: If the format cannot hold this rate or channel count.
        OutputError: If the target cannot be written or will not fit.
    """
    check_cell(fmt, sample_rate, channels)
    check_target(path, overwrite=overwrite)
    if expected_frames is not None:
        needed = projected_bytes(fmt, sample_rate, channels, expected_frames)
        check_space(path, needed)
        if fmt.container == "AIFF" and needed > LARGE_BYTES:
            raise _too_large(path)
    writer = Writer(PendingFile(path, overwrite=overwrite), fmt, sample_rate, channels)
    writer.expected_frames = expected_frames
    writer.finish = finish
    return writer


def _too_large(path: Path) -> OutputError:
    return OutputError(
        f"{shown(path)} would be larger than an AIFF file can be (4 GiB); choose caf, w64 or flac"
    )


class Writer:
    """A recording being written. Use it in a ``with`` statement; see :func:`open_writer`.

    Leaving the block closes the file, calls ``finish``, rereads every sample and renames. If the
    block is left by any exception, the temporary file is removed and the target is as it was.

    Attributes:
        frames: Frames encoded so far; up to one piece more is held.
        clipped: Samples encoded so far that lay beyond full scale and were clipped; 0 for
            ``32f`` and for codecs, which take them as they are.
    """

    def __init__(
        self, pending: PendingFile, fmt: OutputFormat, sample_rate: int, channels: int
    ) -> None:
        self.frames = 0
        self.clipped = 0
        self.expected_frames: int | None = None
        self.finish: Callable[[Path], None] | None = None
        self._pending = pending
        self._format = fmt
        self._rate = sample_rate
        self._channels = channels
        self._crc = 0
        self._piece = np.empty(
            (channels, min(PIECE_FRAMES, 2 * PIECE_FRAMES // channels)), np.float32
        )
        self._held = 0
        self._sndfile_format = CONTAINERS[fmt.container].sndfile_format
        self._file: Any = None
        order = ogg.TO_WAVE_ORDER.get(channels)
        centre_second = fmt.container in {"OGG", "OPUS"}
        self._order = np.argsort(order) if order and centre_second else None

    def __enter__(self) -> Self:
        if self._format.container == "WAV" and self._large(self.expected_frames):
            self._sndfile_format = "RF64"
        self._pending.create()
        try:
            self._file = self._open(self._pending.path)
        except BaseException:
            self._pending.discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._complete()
        except (soundfile.SoundFileError, OSError) as failure:
            raise write_error(self._pending.target, failure) from failure
        finally:
            self._close_quietly()
            self._pending.discard()

    def write(self, block: Waveform) -> None:
        """Add a block.

        Args:
            block: ``(channels, frames)`` float32, finite; full scale is 1.0.

        Raises:
            OutputError: If it cannot be written, for instance because the disk is full.
            ValueError: If the writer is not open, or the block has another number of channels.
        """
        if self._file is None:
            raise ValueError("the writer is not open; use it in a with statement")
        if block.ndim != 2 or block.shape[0] != self._channels:
            raise ValueError(f"blocks must be ({self._channels}, frames), got {block.shape}")
        start = 0
        while start < block.shape[1]:
            count = min(block.shape[1] - start, self._piece.shape[1] - self._held)
            self._piece[:, self._held : self._held + count] = block[:, start : start + count]
            self._held += count
            start += count
            if self._held == self._piece.shape[1]:
                self._flush()

    def _flush(self) -> None:
        """Encode what is held. Pieces are of one size, for Vorbis depends on the first one's."""
        piece = self._piece[:, : self._held]
        self._held = 0
        try:
            self._write_piece(piece)
        except (soundfile.SoundFileError, OSError) as error:
            raise write_error(self._pending.target, error) from error

    def _write_piece(self, piece: Waveform) -> None:
        if not np.isfinite(piece).all():
            raise OutputError(
                f"{shown(self._pending.target)}: the result holds NaN or infinite samples near "
                f"frame {self.frames}; this is a fault of the program, please report it"
            )
        data = self._stored(piece)
        self._make_room(self.frames + data.shape[0])
        self._file.write(data)
        self.frames += data.shape[0]
        if self._format.bits is not None:
            self._crc = zlib.crc32(data.data, self._crc)

    def _stored(self, piece: Waveform) -> Pieces:
        """The samples as the library takes them, ``(frames, channels)``."""
        bits = self._format.bits
        if bits in {"16", "24"}:
            self.clipped += int(np.count_nonzero(np.abs(piece) > 1.0))
        if bits == "16":
            return np.ascontiguousarray(quantise16(piece, self.frames).T)
        if bits == "24":
            return np.ascontiguousarray(quantise24(piece).T << 8)
        if self._order is not None:
            piece = piece[self._order]
        return np.ascontiguousarray(piece.T)

    def _large(self, frames: int | None) -> bool:
        if frames is None:
            return True
        return projected_bytes(self._format, self._rate, self._channels, frames) > LARGE_BYTES

    def _make_room(self, frames: int) -> None:
        """Move over to RF64 when a plain WAV grows past what was expected of it."""
        if self._sndfile_format == "AIFF" and self._large(frames):
            raise _too_large(self._pending.target)
        if self._sndfile_format != "WAV" or not self._large(frames):
            return
        self._file.close()
        self._sndfile_format = "RF64"
        small = PendingFile(self._pending.target)
        self._pending.path.replace(small.path)
        try:
            self._file = self._open(self._pending.path)
            read_type = READ_TYPE[self._format.bits or ""]
            with open_stream(small.path) as source:
                while len(piece := source.read(PIECE_FRAMES, dtype=read_type, always_2d=True)):
                    self._file.write(piece)
        finally:
            small.discard()

    def _open(self, path: Path) -> Any:
        subtype = CONTAINERS[self._format.container].lossy_subtype
        try:
            return soundfile.SoundFile(
                library_name(path),
                "w",
                samplerate=self._rate,
                channels=self._channels,
                subtype=subtype or LIBRARY_SUBTYPE[self._format.bits or ""],
                format=self._sndfile_format,
                **codec_settings(self._format, self._rate, self._channels),
            )
        except (soundfile.SoundFileError, OSError) as error:
            raise write_error(self._pending.target, error) from error

    def _complete(self) -> None:
        """Close, tag, verify and rename."""
        path = self._pending.path
        if self._held:
            self._flush()
        self._file.close()
        if self.frames == 0:
            self._complete_empty(path)
        if self._format.container == "WAV" and not self._large(self.frames):
            riff.make_plain(path)
        if self.finish is not None:
            self.finish(path)
        self._verify(path)
        self._pending.commit()

    def _complete_empty(self, path: Path) -> None:
        """Make a file without samples valid where the library writes none."""
        container = self._format.container
        if container == "FLAC":
            depth = 16 if self._format.bits == "16" else 24
            path.write_bytes(flac.empty(self._rate, self._channels, depth))
        elif container in {"MP3", "OPUS"}:
            raise OutputError(
                f"{shown(self._pending.target)} would hold no sound, which {container} cannot "
                "express; choose flac or wav"
            )

    def _verify(self, path: Path) -> None:
        """Reread every sample.

        Raises:
            OutputError: If their number, or a sample of a lossless file, is not what was written.
        """
        bits = self._format.bits
        frames = crc = 0
        with open_stream(path) as file:
            read_type = READ_TYPE.get(bits or "", "float32")
            while len(piece := file.read(PIECE_FRAMES, dtype=read_type, always_2d=True)):
                frames += len(piece)
                crc = zlib.crc32(piece, crc) if bits is not None else 0
        if frames != self.frames:
            what = f"{frames} of {self.frames} frames came back"
        elif bits is not None and crc != self._crc:
            what = "other samples came back"
        else:
            return
        raise OutputError(
            f"{shown(self._pending.target)} was not stored faithfully ({what} when reread); "
            "check the disk or choose another format"
        )

    def _close_quietly(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except (soundfile.SoundFileError, OSError, AliquotError):
                return
            finally:
                self._file = None
