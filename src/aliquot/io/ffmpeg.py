"""Recordings that only ffmpeg reads, decoded in a process of its own.

The decoder of a hostile file may crash or hang; here that is one failed file. The process reads
local files only, is given a list of arguments (no shell), and is killed when the reader closes.
"""

import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from aliquot.errors import InputError
from aliquot.io.ffprobe import describe, find, guarded, last_line
from aliquot.io.names import shown
from aliquot.io.reading import CUT_OFF

STALL_SECONDS = 120.0
"""A decoder that gives nothing for so long is ended."""
TOLERANCE_SECONDS = 0.25
"""How far a declared duration may be off before it is worth a warning."""


class FfmpegDecoder:
    """A recording decoded by ffmpeg; see :class:`aliquot.io.reading.Decoder`."""

    def __init__(self, path: Path, container: str) -> None:
        """Examine the file; decoding begins with the first read.

        Raises:
            InputError: As :func:`describe` and :func:`find`.
        """
        self.info = describe(path, container)
        self._path = path
        self._program = find("ffmpeg", path)
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: deque[bytes] = deque(maxlen=8)
        self._listener: threading.Thread | None = None

    def _start(self) -> IO[bytes]:
        info = self.info
        command = [
            *guarded(self._program),
            *(
                "-nostdin",
                "-i",
                f"file:{self._path.absolute()}",
                "-map",
                "0:a:0",
                "-vn",
                "-sn",
                "-dn",
            ),
            *("-ar", str(info.sample_rate), "-ac", str(info.channels)),
            *("-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self._pipe()

    def _pipe(self) -> IO[bytes]:
        if self._process is None:
            return self._start()
        if self._process.stdout is None:
            raise ValueError("the decoder's output is not a pipe")
        return self._process.stdout

    def _listen(self) -> None:
        if self._process is not None and self._process.stderr is not None:
            for line in self._process.stderr:
                if line.strip():
                    self._errors.append(line[:400])

    def read(self, frames: int) -> NDArray[np.float32]:
        """See :meth:`aliquot.io.reading.Decoder.read`."""
        frame_bytes = 4 * self.info.channels
        pipe = self._pipe()
        alarm = threading.Timer(STALL_SECONDS, self._give_up)
        alarm.start()
        try:
            data = pipe.read(frames * frame_bytes)  # waits until all is there, or the end
        finally:
            alarm.cancel()
        whole = len(data) - len(data) % frame_bytes
        if len(data) < frames * frame_bytes:
            self._finish()
        return (
            np.frombuffer(data[:whole], "<f4")
            .reshape(-1, self.info.channels)
            .astype(np.float32, copy=True)
        )

    def _give_up(self) -> None:
        self._errors.append(f"it gave nothing for {STALL_SECONDS:g} s".encode())
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _finish(self) -> None:
        """Collect the exit status at the end of the stream.

        Raises:
            InputError: If ffmpeg failed.
        """
        if self._process is None:
            return
        status = self._process.wait()
        if self._listener is not None:
            self._listener.join()
        if status:
            raise InputError(
                f"{shown(self._path)} is damaged: ffmpeg ended with status {status} "
                f"({self._reason()}); copy or download it again"
            )

    def _reason(self) -> str:
        return last_line(b"".join(self._errors))

    def skip(self, frames: int, *, exact: bool = True) -> int:
        """See :meth:`aliquot.io.reading.Decoder.skip`. Decodes through: exact in every format."""
        done = 0
        while done < frames:
            count = len(self.read(min(65_536, frames - done)))
            if not count:
                break
            done += count
        return done

    def complaints(self, frames: int) -> list[str]:
        """See :meth:`aliquot.io.reading.Decoder.complaints`."""
        found = []
        declared, rate = self.info.frames, self.info.sample_rate
        if declared is not None and frames + TOLERANCE_SECONDS * rate < declared:
            found.append(
                f"declares {declared / rate:.2f} s but {frames / rate:.2f} s could be read; "
                f"{CUT_OFF}"
            )
        if self._errors:
            found.append(f"is damaged in places; ffmpeg says: {self._reason()}")
        return found

    def close(self) -> None:
        """See :meth:`aliquot.io.reading.Decoder.close`."""
        if self._process is None:
            return
        self._kill()
        self._process.wait()
        if self._listener is not None:
            self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
