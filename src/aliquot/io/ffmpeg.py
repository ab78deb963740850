"""Recordings that only ffmpeg reads, decoded in a process of its own.

The decoder of a hostile file may crash or hang; here that is one failed file. The process reads
local files only, is given a list of arguments (no shell), and is killed when the reader closes.
"""

import json
import shutil
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aliquot.errors import InputError
from aliquot.io.formats import SoundInfo
from aliquot.io.names import shown
from aliquot.io.reading import check_limits

PROBE_SECONDS = 60
"""After this long without an answer a file is given up."""
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ape,wv,aac,ac3,eac3,dts,tta,tak,"
    "mpc,mpc8,dsf,au"
)
"""Containers only: no playlists, no scripts, nothing that names other files."""
LOSSLESS = frozenset(
    {"ALAC", "FLAC", "APE", "WAVPACK", "WMALOSSLESS", "TTA", "TAK", "TRUEHD", "MLP"}
)
TOLERANCE_SECONDS = 0.25
"""How far a declared duration may be off before it is worth a warning."""


def find(program: str, path: Path) -> str:
    """Where ``ffmpeg`` or ``ffprobe`` lies.

    Raises:
        InputError: If it is not installed; says how to get it.
    """
    found = shutil.which(program)
    if found is None:
        raise InputError(
            f"{shown(path)} needs the program {program}, which is not on the path; install it "
            "(apt install ffmpeg, brew install ffmpeg, winget install ffmpeg) or convert the "
            "file to FLAC"
        )
    return found


def guarded(program: str) -> list[str]:
    """The program with the options that keep it away from anything but local files."""
    return [
        program,
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        DEMUXERS,
    ]


def probe(path: Path) -> dict[str, Any]:
    """The first sound stream of a file, as ffprobe describes it.

    Raises:
        InputError: If there is none or the file cannot be read.
    """
    command = [
        *guarded(find("ffprobe", path)),
        *("-select_streams", "a:0", "-of", "json"),
        *("-show_entries", "stream=codec_name,sample_fmt,sample_rate,channels,duration"),
        *("-show_entries", "stream=bits_per_raw_sample,bits_per_sample:format=duration"),
        f"file:{path.absolute()}",
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{shown(path)} could not be examined within {PROBE_SECONDS} s; copy it again"
        ) from error
    if done.returncode:
        raise InputError(
            f"{shown(path)} cannot be read by ffmpeg ({_last_line(done.stderr)}); "
            "copy or download it again"
        )
    answer = json.loads(done.stdout)
    streams = answer.get("streams") or []
    if not streams:
        raise InputError(f"{shown(path)} has no sound in it; give a file with a sound track")
    stream: dict[str, Any] = streams[0]
    stream.setdefault("duration", answer.get("format", {}).get("duration"))
    return stream


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return shown(lines[-1].strip()) if lines else "no reason given"


def describe(path: Path, container: str) -> SoundInfo:
    """What a file says of itself, through ffprobe.

    Args:
        path: The file.
        container: What its first bytes say, see :func:`aliquot.io.headers.identify`.

    Raises:
        InputError: If it cannot be read, has no sound, or is outside the limits.
    """
    stream = probe(path)
    try:
        rate, channels = int(stream["sample_rate"]), int(stream["channels"])
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{shown(path)} does not say its sample rate and channels; copy it again"
        ) from error
    check_limits(path, rate, channels)
    subtype = str(stream.get("codec_name", "unknown")).upper()
    floating = str(stream.get("sample_fmt", "")).startswith("flt")
    lossless = subtype in LOSSLESS or subtype.startswith("PCM_")
    if lossless and floating:
        subtype = "FLOAT"
    if subtype.startswith("WAVPACK") and not lossless:
        lossless = True
    bits = _number(stream.get("bits_per_raw_sample")) or _number(stream.get("bits_per_sample"))
    seconds = _number(stream.get("duration"))
    return SoundInfo(
        path=path,
        sample_rate=rate,
        channels=channels,
        frames=round(seconds * rate) if seconds else None,
        container=container,
        subtype=subtype,
        lossless=lossless,
        bits=(32 if floating else int(bits or 16)) if lossless else None,
    )


def _number(text: object) -> float:
    try:
        value = float(str(text))
    except ValueError:
        return 0.0
    return value if 0 < value < 1e12 else 0.0


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
        data = self._pipe().read(frames * frame_bytes)  # waits until all is there, or the end
        whole = len(data) - len(data) % frame_bytes
        if len(data) < frames * frame_bytes:
            self._finish()
        return (
            np.frombuffer(data[:whole], "<f4")
            .reshape(-1, self.info.channels)
            .astype(np.float32, copy=True)
        )

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
        return _last_line(b"".join(self._errors))

    def skip(self, frames: int) -> int:
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
                "it may be cut off"
            )
        if self._errors:
            found.append(f"is damaged in places; ffmpeg says: {self._reason()}")
        return found

    def close(self) -> None:
        """See :meth:`aliquot.io.reading.Decoder.close`."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._listener is not None:
            self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
