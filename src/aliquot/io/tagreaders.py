"""From what a tag library found to the one form; no library is needed to read this.

Every reader takes an object of mutagen's and adds what it holds to a :class:`Tags`.
"""

import base64
import struct
from collections.abc import Callable
from typing import Any

from aliquot.io.tagmaps import (
    APE_NAMES,
    ASF_NAMES,
    ID3_NUMBERS,
    ID3_PEOPLE,
    ID3_TEXT,
    MP4_NUMBERS,
    MP4_TEXT,
    Picture,
    Tags,
    add_number,
)

MP4_PNG = 14
APE_TEXT, APE_BINARY = 0, 1


def read_held(held: Any) -> Tags:
    """The tags that a file object of mutagen's holds, whatever their kind; none for None."""
    tags = Tags()
    bases = {base.__name__ for base in type(held).__mro__}
    for kind, reader in READERS.items():
        if kind in bases:
            reader(tags, held)
            break
    return tags


def picture_block(data: bytes) -> Picture:
    """A picture from a FLAC picture block, which Ogg files carry in base64."""
    texts = []
    (kind,) = struct.unpack(">I", data[:4])
    at = 4
    for _ in range(2):
        (size,) = struct.unpack(">I", data[at : at + 4])
        texts.append(data[at + 4 : at + 4 + size].decode("utf-8", "replace"))
        at += 4 + size
    width, height, depth, _, size = struct.unpack(">5I", data[at : at + 20])
    image = data[at + 20 : at + 20 + size]
    return Picture(image, texts[0], kind, texts[1], (width, height, depth))


def _read_vorbis(tags: Tags, held: Any) -> None:
    for name, value in held:
        key = name.lower()
        if key in {"metadata_block_picture", "coverart"}:
            try:
                data = base64.b64decode(value)
                legacy = key == "coverart"
                tags.pictures.append(Picture(data) if legacy else picture_block(data))
            except (ValueError, struct.error):
                tags.damage.append("a cover is damaged and was left out")
        elif key != "coverartmime":
            tags.add(key, value)


def _read_id3(tags: Tags, held: Any) -> None:
    for frame in held.values():
        name = frame.FrameID
        if name in ID3_NUMBERS:
            for text in frame.text:
                add_number(tags, ID3_NUMBERS[name], str(text))
        elif name == "TCON":
            tags.add("genre", *frame.genres)
        elif name in ID3_TEXT:
            tags.add(ID3_TEXT[name], *map(str, frame.text))
        elif name in ID3_OTHERS:
            ID3_OTHERS[name](tags, frame)


def _read_own_text(tags: Tags, frame: Any) -> None:
    tags.add(frame.desc, *map(str, frame.text))


def _read_comment(tags: Tags, frame: Any) -> None:
    if not frame.desc.lower().startswith("itun"):
        tags.add("comment", *map(str, frame.text))


def _read_lyrics(tags: Tags, frame: Any) -> None:
    tags.add("lyrics", frame.text)


def _read_people(tags: Tags, frame: Any) -> None:
    for role, person in frame.people:
        _add_person(tags, role, person)


def _read_identifier(tags: Tags, frame: Any) -> None:
    if "musicbrainz" in frame.owner:
        tags.add("musicbrainz_trackid", frame.data.decode("ascii", "replace"))


def _read_cover(tags: Tags, frame: Any) -> None:
    tags.pictures.append(Picture(frame.data, frame.mime, int(frame.type), frame.desc))


ID3_OTHERS: dict[str, Callable[[Tags, Any], None]] = {
    "TXXX": _read_own_text,
    "COMM": _read_comment,
    "USLT": _read_lyrics,
    "TIPL": _read_people,
    "TMCL": _read_people,
    "UFID": _read_identifier,
    "APIC": _read_cover,
}


def _add_person(tags: Tags, role: str, person: str) -> None:
    if role.lower() in ID3_PEOPLE:
        tags.add(ID3_PEOPLE[role.lower()], person)
    else:
        tags.add("performer", f"{person} ({role})" if role else person)


def _read_mp4(tags: Tags, held: Any) -> None:
    for name, values in held.items():
        if name in MP4_NUMBERS:
            for number, total in values:
                add_number(tags, MP4_NUMBERS[name], f"{number or ''}/{total or ''}")
        elif name == "covr":
            for cover in values:
                png = cover.imageformat == MP4_PNG
                tags.pictures.append(Picture(bytes(cover), "image/png" if png else "image/jpeg"))
        elif name.startswith("----:"):
            texts = [bytes(value).decode("utf-8", "replace") for value in values]
            tags.add(name.split(":", 2)[2], *texts)
        elif name in MP4_TEXT:
            listed = values if isinstance(values, list) else [str(int(values))]
            tags.add(MP4_TEXT[name], *map(str, listed))


def _read_ape(tags: Tags, held: Any) -> None:
    for name, value in held.items():
        key = APE_NAMES.get(name.lower(), name.lower())
        if value.kind == APE_BINARY:
            if key.startswith("cover art"):
                description, _, data = value.value.partition(b"\0")
                kind = 4 if "back" in key else 3
                text = description.decode("utf-8", "replace")
                tags.pictures.append(Picture(data, _image_type(data), kind, text))
        elif key in {"tracknumber", "discnumber"}:
            add_number(tags, (key, key.replace("number", "total")), str(value))
        elif value.kind == APE_TEXT:
            tags.add(key, *list(value))


def _read_asf(tags: Tags, held: Any) -> None:
    for name, value in held:
        key = ASF_NAMES.get(name.lower(), name.lower().removeprefix("wm/"))
        if name.lower() == "wm/picture":
            kind, size = struct.unpack("<BI", value.value[:5])
            mime, description, _ = (value.value[5:-size].decode("utf-16-le") + "\0\0").split(
                "\0", 2
            )
            tags.pictures.append(Picture(value.value[-size:], mime, kind, description))
        elif isinstance(value.value, bytes):
            continue
        elif key == "discnumber":
            add_number(tags, ("discnumber", "disctotal"), str(value))
        else:
            tags.add(key, str(value))


READERS: dict[str, Callable[[Tags, Any], None]] = {
    "VComment": _read_vorbis,
    "ID3": _read_id3,
    "MP4Tags": _read_mp4,
    "APEv2": _read_ape,
    "ASFTags": _read_asf,
}
"""By the name of mutagen's class, or of one it is built on."""


def _image_type(data: bytes) -> str:
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
