"""One recording becomes one row of the manifest: read from end to end, measured, labelled."""

from collections.abc import Callable
from pathlib import Path

from aliquot.collect.layouts import Labeller
from aliquot.collect.manifest import Row
from aliquot.dsp.reach import ReachMeter
from aliquot.errors import InputError
from aliquot.io.formats import SoundInfo
from aliquot.io.sound import open_reader
from aliquot.io.tags import read_restored_mark

LEAST_SECONDS = 2.0
LEAST_DB = -60.0
"""Training passes over crops under this level, so it would pass over the whole recording."""

_CODECS = {"MPEG_LAYER_III": "mp3", "MPEG_LAYER_II": "mp2", "MPEG_LAYER_I": "mp1"}


def measure(
    path: Path, name: str, sha256: str, label: Labeller, stopped: Callable[[], bool]
) -> Row:
    """Read a recording from end to end and say what a manifest says of it.

    Args:
        path: The file.
        name: As the manifest names it.
        sha256: Of the file.
        label: Who made it; see :func:`aliquot.collect.layouts.labels_for`.
        stopped: Asked at every block whether to give up, so that an interruption is quick.

    Raises:
        InputError: If it cannot be read, or is of no use for training; says why.
    """
    if read_restored_mark(path):
        raise UselessError("was restored by aliquot; its treble is no truth to learn from")
    with open_reader(path) as reader:
        info = reader.info
        meter = ReachMeter(info.sample_rate)
        for block in reader.blocks():
            if stopped():
                raise UselessError("was not measured to its end")
            meter.update(block)
    reach = meter.result()
    if reach.seconds < LEAST_SECONDS:
        raise UselessError(f"lasts {reach.seconds:.2f} s, under {LEAST_SECONDS:g} s")
    if reach.loudest_db < LEAST_DB:
        raise UselessError(
            f"is nearly silent: its loudest moment lies at {reach.loudest_db:.0f} dB of full "
            f"scale, under {LEAST_DB:.0f}"
        )
    labels = label(path)
    texts = {
        key: " ".join(getattr(labels, key).split()) if labels else ""
        for key in ("artist", "title", "genre", "licence", "source")
    }
    return Row(
        file=name,
        seconds=reach.seconds,
        sample_rate=info.sample_rate,
        channels=info.channels,
        codec=codec_name(info),
        bandwidth_hz=round(reach.highest_hz),
        bandwidth_typical_hz=round(reach.typical_hz),
        sha256=sha256,
        notes="; ".join(reader.warnings),
        **texts,
    )


class UselessError(InputError):
    """A recording that can be read but teaches nothing."""


def codec_name(info: SoundInfo) -> str:
    """How the samples are stored, in a word: ``flac``, ``mp3``, ``vorbis``, ``pcm_16``."""
    if info.container == "FLAC":
        return "flac"
    return _CODECS.get(info.subtype, info.subtype.lower())
