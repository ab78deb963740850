"""One recording, read from end to end in this process: what it is and what is wrong with it.

For a stranger's file use :func:`aliquot.collect.examine.examine`, which does this in a process of
its own.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aliquot.audio import Waveform
from aliquot.collect.chroma import meter_for
from aliquot.collect.edges import edge_finding
from aliquot.collect.findings import Finding, Limits
from aliquot.collect.fingerprint import EMPTY, SPECTRAL_HASH, Fingerprint, FingerprintIndex, Scheme
from aliquot.collect.levels import LevelMeter, Levels
from aliquot.dsp.bandwidth import Bandwidth, BandwidthMeter
from aliquot.dsp.reach import Reach, ReachMeter
from aliquot.errors import InputError
from aliquot.io.formats import SoundInfo
from aliquot.io.names import shown
from aliquot.io.reading import CUT_OFF, Reader
from aliquot.io.sound import open_reader
from aliquot.io.tags import read_restored_mark

ABRUPT_DB = 6.0
"""A recording whose last 50 ms lie no further under half of its moments than this does not end."""

_CODECS = {"MPEG_LAYER_III": "mp3", "MPEG_LAYER_II": "mp2", "MPEG_LAYER_I": "mp1"}


@dataclass(frozen=True, slots=True)
class Examination:
    """What is known of a recording once it was read from end to end.

    Attributes:
        seconds: Length that could be read.
        sample_rate: In Hz; 0 if the file could not be opened.
        channels: Number; 0 if the file could not be opened.
        codec: ``flac``, ``mp3``, ``vorbis``, ``pcm_16`` and so on; empty if unknown.
        bandwidth_hz: Highest frequency with content; None if it could not be read to its end.
        bandwidth_typical_hz: Half of the loud moments reach it; None likewise.
        sha256: Of the file, in hexadecimal; empty if it could not be read.
        fingerprint: To find the same music in other files.
        problems: What is wrong with it, in no order.
    """

    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    codec: str = ""
    bandwidth_hz: float | None = None
    bandwidth_typical_hz: float | None = None
    sha256: str = ""
    fingerprint: Fingerprint = EMPTY
    problems: tuple[Finding, ...] = ()


def measure(path: Path, limits: Limits, scheme: Scheme = SPECTRAL_HASH) -> Examination:
    """Read a recording from end to end; memory does not grow with its length.

    Args:
        path: The file.
        limits: From where on something is a finding.
        scheme: How the fingerprint is made.

    Returns:
        What was found. A file that cannot be read is a finding too, ``unreadable``, beside what was
        known until then.
    """
    found = Examination()
    with suppress(OSError):  # what is wrong with the file, opening it says better
        found = replace(found, sha256=sha256_of(path))
    try:
        with open_reader(path) as reader:
            info = reader.info
            found = replace(
                found,
                sample_rate=info.sample_rate,
                channels=info.channels,
                codec=codec_name(info),
            )
            with closing(_Meters(info, scheme)) as meters:
                with _breaking_off(meters) as broken:
                    for block in reader.blocks():
                        meters.update(block)
                found = replace(found, seconds=meters.seconds)
                if broken:
                    return replace(found, problems=tuple(broken))
                return _concluded(found, meters, reader, path, limits)
    except (InputError, OSError) as error:
        return replace(found, problems=(Finding("unreadable", _reason(error)),))


class _Meters:
    """All that is measured in one pass."""

    def __init__(self, info: SoundInfo, scheme: Scheme) -> None:
        self._rate = info.sample_rate
        self._samples = 0
        self.reach = ReachMeter(info.sample_rate)
        self.bandwidth = BandwidthMeter(info.sample_rate)
        self.levels = LevelMeter(info.sample_rate, info.channels)
        self.fingerprint = meter_for(scheme, info.sample_rate)

    def update(self, block: Waveform) -> None:
        self._samples += block.shape[1]
        for meter in (self.reach, self.bandwidth, self.levels, self.fingerprint):
            meter.update(block)

    def close(self) -> None:
        self.fingerprint.close()

    @property
    def seconds(self) -> float:
        return self._samples / self._rate


@contextmanager
def _breaking_off(meters: _Meters) -> Iterator[list[Finding]]:
    """Collects the findings of a recording whose decoder gives up on the way."""
    findings: list[Finding] = []
    try:
        yield findings
    except InputError as error:
        if meters.seconds > 0:
            detail = f"breaks off after {meters.seconds:.2f} s"
            findings.append(Finding("truncated", detail))
        findings.append(Finding("unreadable", _reason(error)))


def _concluded(
    found: Examination, meters: _Meters, reader: Reader, path: Path, limits: Limits
) -> Examination:
    reach, bandwidth = meters.reach.result(), meters.bandwidth.result()
    levels, fingerprint = meters.levels.result(), meters.fingerprint.result()
    problems = [*_complaints(reader), *_useless(reach, path, limits)]
    if not any(finding.kind == "silent" for finding in problems):
        problems += _sounding(levels, fingerprint, limits)
        edge = edge_finding(bandwidth, reader.info, reach.seconds, path.stat().st_size)
        problems += [edge] if edge is not None else []
        problems += _changes(bandwidth)
        problems += _unknown(fingerprint, reach)
    return replace(
        found,
        bandwidth_hz=round(reach.highest_hz),
        bandwidth_typical_hz=round(reach.typical_hz),
        fingerprint=fingerprint,
        problems=tuple(problems),
    )


def _complaints(reader: Reader) -> Iterator[Finding]:
    for text in reader.warnings:
        kind = "truncated" if text.endswith(CUT_OFF) else "damaged"
        yield Finding(kind, text.removesuffix(CUT_OFF).rstrip("; ").replace("; ", ", "))


def _useless(reach: Reach, path: Path, limits: Limits) -> Iterator[Finding]:
    if read_restored_mark(path):
        yield Finding("restored", "was restored by aliquot")
    if reach.seconds < limits.least_seconds:
        yield Finding("short", f"lasts {reach.seconds:.2f} s, under {limits.least_seconds:g} s")
    if reach.loudest_db < limits.silence_db:
        yield Finding(
            "silent",
            f"is nearly silent, its loudest moment lies at {reach.loudest_db:.0f} dB of full "
            f"scale, under {limits.silence_db:.0f}",
        )


def _sounding(levels: Levels, fingerprint: Fingerprint, limits: Limits) -> Iterator[Finding]:
    if levels.clipped_share >= limits.clipped_share:
        share = f"{levels.clipped_share:.2%} of its samples lie on flat peaks"
        yield Finding("clipped", f"{share} at {levels.peak:.3f} of full scale")
    if levels.dead_channel is not None:
        side = ("left", "right")[levels.dead_channel]
        yield Finding("mono-as-stereo", f"its {side} channel is silent")
    elif levels.difference_db is not None and levels.difference_db < limits.mono_db:
        same = "are equal" if levels.difference_db <= -200 else "differ by "
        figure = "" if levels.difference_db <= -200 else f"{levels.difference_db:.0f} dB only"
        yield Finding("mono-as-stereo", f"its channels {same}{figure}")
    usual_db = fingerprint.usual_db(limits.silence_db)
    if usual_db is not None and levels.end_db > usual_db - ABRUPT_DB:
        yield Finding("abrupt", f"ends at {levels.end_db:.0f} dB, as loud as it mostly is")


def _changes(bandwidth: Bandwidth) -> Iterator[Finding]:
    """Parts that end lower than others: material of several origins in one file."""
    parts = bandwidth.segments
    if len(parts) < 2:
        return
    lowest = min(parts, key=lambda part: part.cutoff_hz)
    times = f"from {lowest.start_seconds:.0f} to {lowest.end_seconds:.0f} s"
    highest = max(part.cutoff_hz for part in parts)
    detail = f"ends at {lowest.cutoff_hz / 1000:.1f} kHz {times}, elsewhere up to "
    yield Finding("changing", f"{detail}{highest / 1000:.1f} kHz")


def _unknown(fingerprint: Fingerprint, reach: Reach) -> Iterator[Finding]:
    if not fingerprint.words.size and reach.seconds >= FingerprintIndex.LEAST_SECONDS:
        yield Finding(
            "no-fingerprint",
            f"{fingerprint.scheme.name} gave none, so its duplicates are not found",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{shown(str(error.filename or ''))}: {error.strerror or error}"
    return str(error).replace("; ", ", ")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def codec_name(info: SoundInfo) -> str:
    """How the samples are stored, in a word: ``flac``, ``mp3``, ``vorbis``, ``pcm_16``."""
    if info.container == "FLAC":
        return "flac"
    return _CODECS.get(info.subtype, info.subtype.lower())
