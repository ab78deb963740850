"""Ask ffprobe what a file holds, without letting it near anything but that file."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from aliquot.errors import InputError
from aliquot.io.formats import SoundInfo
from aliquot.io.names import shown
from aliquot.io.reading import check_limits

PROBE_SECONDS = 60
"""After this long without an answer a file is given up."""
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ape,wv,aac,ac3,eac3,dts,tta,tak,"
    "mpc,mpc8,dsf,au,ogg"
)
"""Containers only: no playlists, no scripts, nothing that names other files."""
LOSSLESS = frozenset(
    {"ALAC", "FLAC", "APE", "WAVPACK", "WMALOSSLESS", "TTA", "TAK", "TRUEHD", "MLP"}
)
WITHOUT_LENGTH = frozenset({"aac", "ac3", "eac3", "dts"})
"""Bare streams, whose duration is guessed from their first frames."""


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
        *(
            "-show_entries",
            "stream=bits_per_raw_sample,bits_per_sample:format=duration,format_name",
        ),
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
            f"{shown(path)} cannot be read by ffmpeg ({last_line(done.stderr)}); "
            "copy or download it again"
        )
    answer = json.loads(done.stdout)
    streams = answer.get("streams") or []
    if not streams:
        raise InputError(f"{shown(path)} has no sound in it; give a file with a sound track")
    stream: dict[str, Any] = streams[0]
    whole = answer.get("format", {})
    stream.setdefault("duration", whole.get("duration"))
    if whole.get("format_name") in WITHOUT_LENGTH:
        del stream["duration"]
    return stream


def last_line(text: bytes) -> str:
    """The last line of what a program said, fit for a message."""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return shown(lines[-1].strip()) if lines else "no reason given"


def probe_tags(path: Path) -> dict[str, str]:
    """The tags of a file as ffprobe names them; empty if there are none or it cannot say."""
    program = shutil.which("ffprobe")
    if program is None:
        return {}
    command = [
        *guarded(program),
        *("-of", "json", "-show_entries", "format_tags"),
        f"file:{path.absolute()}",
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=True,
        )
        tags = json.loads(done.stdout).get("format", {}).get("tags", {})
    except (subprocess.SubprocessError, OSError, ValueError):
        return {}
    return {str(name).lower(): str(value) for name, value in tags.items()}


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
