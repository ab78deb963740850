"""Tags and covers: carried from a recording to its restored copy. The only user of mutagen.

Everything is read into one form, :class:`aliquot.io.tagmaps.Tags`, and written from it; ID3 goes
to ID3 frame by frame, so that nothing is lost between MP3, WAV and AIFF.
"""

# mypy: disable-error-code="no-untyped-call"

import base64
import contextlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from aliquot.io import ffprobe, riff
from aliquot.io.sndfile import open_stream
from aliquot.io.tagmaps import (
    ID3_NUMBERS,
    ID3_TEXT,
    INFO_CODES,
    MARK,
    PROBED_NAMES,
    STALE_FRAMES,
    Picture,
    Tags,
    gains_from_opus,
    gains_to_opus,
)
from aliquot.io.tagreaders import read_held

try:
    import mutagen
    from mutagen import aiff, apev2, flac, id3, mp3, oggopus, oggvorbis, wave
except ImportError:  # tags are a convenience: without the library, sound still works
    MISSING = True
else:
    MISSING = False

INSTALL = "tags were not carried over: mutagen is not installed; pip install mutagen"


def carry_tags(
    source: Path, target: Path, container: str, note: str, *, keep: bool = True
) -> list[str]:
    """Copy tags and covers to a finished file and mark it as ours.

    Args:
        source: The recording they come from.
        target: The result, complete but perhaps under a temporary name.
        container: The result's, a key of :data:`aliquot.io.formats.CONTAINERS`.
        note: The comment to add; begins with :data:`aliquot.io.tagmaps.MARK`.
        keep: If false, only the note is written.

    Returns:
        Warnings; sound is never lost for the sake of a tag.

    Raises:
        ValueError: If the note would not be recognised.
    """
    if not note.startswith(MARK):
        raise ValueError(f"the note must begin with {MARK!r}, got {note!r}")
    if MISSING:
        return [INSTALL]
    if container not in OPENERS:
        return [f"{container} files carry no tags here; choose flac, wav, aiff, mp3, ogg or opus"]
    found, tags = None, Tags()
    try:
        if keep:
            found = mutagen.File(source)
            tags = read_tags(source, found)
    except (mutagen.MutagenError, *DAMAGE) as error:
        found, tags = None, Tags(damage=[f"tags could not be read ({_reason(error)})"])
    comments = [c for c in tags.fields.get("comment", []) if not c.startswith(MARK)]
    tags.fields["comment"] = [*comments, note]
    try:
        _write(target, container, tags, found)
    except (mutagen.MutagenError, *DAMAGE) as error:
        tags.damage.append(f"tags were not carried over completely ({_reason(error)})")
    return tags.damage


def drop_tags(path: Path) -> list[str]:
    """Take tags and covers out of a file; its sound stays as it is.

    Returns:
        Warnings.
    """
    if MISSING:
        return [INSTALL]
    try:
        found = mutagen.File(path)
        if isinstance(found, flac.FLAC):
            found.clear_pictures()
            found.save()
        if found is not None:
            found.delete()
        if isinstance(found, mp3.MP3):
            with contextlib.suppress(apev2.error):
                apev2.APEv2(path).delete()
    except (mutagen.MutagenError, *DAMAGE) as error:
        return [f"tags could not be left behind ({_reason(error)})"]
    return []


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


DAMAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error, OSError)
"""What broken tags make a tag library raise, besides its own error."""


def read_restored_mark(path: Path) -> str | None:
    """The comment that says that aliquot made this file; None if it does not say so."""
    comments = read_fields(path).get("comment", [])
    return next((text for text in comments if text.startswith(MARK)), None)


def read_fields(path: Path) -> dict[str, list[str]]:
    """A file's tags by lower-case Vorbis name; none if they are damaged or mutagen is missing."""
    if MISSING:
        return {}
    try:
        return read_tags(path, mutagen.File(path)).fields
    except (mutagen.MutagenError, *DAMAGE):
        return {}


def read_tags(path: Path, found: Any) -> Tags:
    """Tags of any file in the one form.

    Args:
        path: The file.
        found: What ``mutagen.File`` makes of it, or None.
    """
    tags = read_held(getattr(found, "tags", None))
    for block in getattr(found, "pictures", []):
        size = (block.width, block.height, block.depth)
        tags.pictures.append(Picture(block.data, block.mime, int(block.type), block.desc, size))
    if isinstance(found, mp3.MP3):  # ReplayGain programs put an APE tag at its end
        with contextlib.suppress(apev2.error):
            tags.merge(read_held(apev2.APEv2(path)))
    if found is None or isinstance(found, wave.WAVE | aiff.AIFF):
        tags.merge(_read_strings(path))
    tags.fields = gains_from_opus(tags.fields)
    return tags


def _read_strings(path: Path) -> Tags:
    """The few texts that libsndfile (RIFF INFO, AIFF, CAF) or ffprobe (video) find."""
    tags = Tags()
    try:
        with open_stream(path) as file:
            texts = dict(file.copy_metadata())
    except (soundfile.SoundFileError, UnicodeDecodeError):
        texts = ffprobe.probe_tags(path)
    for name, text in texts.items():
        key = str(name).lower()
        tags.add(PROBED_NAMES.get(key, key), str(text))
    return tags


def _write(target: Path, container: str, tags: Tags, found: Any) -> None:
    if container == "WAV":
        codes = {INFO_CODES[n]: "; ".join(v) for n, v in tags.fields.items() if n in INFO_CODES}
        riff.append_info(target, codes)
    file = OPENERS[container](target)
    if file.tags is None:
        file.add_tags()
    if container in {"MP3", "WAV", "AIFF"}:
        _write_id3(file.tags, tags, getattr(found, "tags", None))
    else:
        _write_vorbis(file, container, tags)
        _copy_cuesheet(found, file)
    file.save()


def _write_vorbis(file: Any, container: str, tags: Tags) -> None:
    fields = gains_to_opus(tags.fields) if container == "OPUS" else tags.fields
    for name, values in fields.items():
        file.tags[name.upper()] = values
    for picture in tags.pictures:
        block = flac.Picture()
        block.data, block.mime, block.type = picture.data, picture.mime, picture.kind
        block.desc = picture.description
        block.width, block.height, block.depth = picture.size
        if container == "FLAC":
            file.add_picture(block)
        else:
            encoded = base64.b64encode(block.write()).decode("ascii")
            file.tags.append(("METADATA_BLOCK_PICTURE", encoded))


def _copy_cuesheet(found: Any, file: Any) -> None:
    """Keep the table of a whole disc in one FLAC file; it counts samples, so the rate must hold."""
    sheet = getattr(found, "cuesheet", None)
    if sheet is None or not isinstance(file, flac.FLAC):
        return
    if found.info.sample_rate == file.info.sample_rate:
        file.cuesheet = sheet
        file.metadata_blocks.append(sheet)


def _write_id3(held: Any, tags: Tags, source: Any) -> None:
    """Copy ID3 frames as they are, or make them from fields; then the comment that marks us."""
    own = tags.fields.get("comment", [])
    if isinstance(source, id3.ID3):
        for frame in source.values():
            marked = frame.FrameID == "COMM" and str(frame).startswith(MARK)
            gapless = "itun" in getattr(frame, "desc", "").lower()[:4]
            if frame.FrameID not in STALE_FRAMES and not marked and not gapless:
                held.add(frame)
        own = own[-1:]
        known = read_held(source)
        extra = {n: v for n, v in tags.fields.items() if n not in known.fields and n != "comment"}
        tags = Tags(extra, [] if known.pictures else tags.pictures)
    for name, values in tags.fields.items():
        if name != "comment":
            _add_frame(held, name, values, tags.fields)
    for number, text in enumerate(own):
        description = "aliquot" if text.startswith(MARK) else "" if number == 0 else f"{number + 1}"
        held.add(id3.COMM(encoding=3, lang="XXX", desc=description, text=[text]))
    for number, picture in enumerate(tags.pictures):
        description = picture.description or (f"{number + 1}" if number else "")
        held.add(
            id3.APIC(
                encoding=3,
                mime=picture.mime,
                type=picture.kind,
                desc=description,
                data=picture.data,
            )
        )


def _add_frame(held: Any, name: str, values: list[str], fields: dict[str, list[str]]) -> None:
    if name in NUMBER_FRAMES:
        frame, total = NUMBER_FRAMES[name]
        text = "/".join([values[0], *fields.get(total, [])[:1]])
        held.add(id3.Frames[frame](encoding=3, text=[text]))
    elif name in TOTALS and TOTALS[name] in fields:
        return
    elif name in TEXT_FRAMES:
        held.add(id3.Frames[TEXT_FRAMES[name]](encoding=3, text=values))
    elif name == "lyrics":
        held.add(id3.USLT(encoding=3, lang="XXX", desc="", text="\n\n".join(values)))
    else:
        held.add(id3.TXXX(encoding=3, desc=name.upper(), text=values))


TEXT_FRAMES = {name: frame for frame, name in ID3_TEXT.items()}
NUMBER_FRAMES = {names[0]: (frame, names[1]) for frame, names in ID3_NUMBERS.items()}
TOTALS = {names[1]: names[0] for names in ID3_NUMBERS.values()}
OPENERS: dict[str, Callable[[Path], Any]] = (
    {}
    if MISSING
    else {
        "FLAC": flac.FLAC,
        "OGG": oggvorbis.OggVorbis,
        "OPUS": oggopus.OggOpus,
        "MP3": mp3.MP3,
        "WAV": wave.WAVE,
        "AIFF": aiff.AIFF,
    }
)
