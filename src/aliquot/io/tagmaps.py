"""What each tag format calls a field, in the words of Vorbis comments: tables and arithmetic."""

from dataclasses import dataclass, field

MARK = "restored by aliquot"
"""Our comment tag begins so; by it our own output is recognised."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover or another picture.

    Attributes:
        data: The bytes of the image file.
        mime: ``image/jpeg`` and so on.
        kind: As in ID3 and FLAC: 3 is the front cover.
        description: Free text.
        size: Width, height and bits per pixel; zeros if unknown.
    """

    data: bytes
    mime: str = "image/jpeg"
    kind: int = 3
    description: str = ""
    size: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True)
class Tags:
    """Tags in one form.

    Attributes:
        fields: By lower-case Vorbis name, each with all its values.
        pictures: Covers and others.
        damage: What could not be understood and was left out.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def add(self, name: str, *values: str) -> None:
        """Append values to a field, but not empty, repeated, or no longer true ones."""
        name = name.lower()
        if name in STALE or name.startswith("itun"):
            return
        for value in values:
            held = self.fields.get(name, [])
            if value and value not in held:
                self.fields[name] = [*held, value]

    def merge(self, other: "Tags") -> None:
        """Take over fields and pictures that are missing here."""
        for name, values in other.fields.items():
            self.fields.setdefault(name, values)
        if not self.pictures:
            self.pictures = other.pictures


STALE = frozenset(
    {"encoder", "encoding", "encoder settings", "encoder_options", "encodersettings", "encoded by"}
    | {"software", "encodedby", "tlen", "length", "itunsmpb", "itunnorm", "itunpgap", "duration"}
    | {"major_brand", "minor_version", "compatible_brands", "isvbr", "wmfsdkversion"}
    | {"wmfsdkneeded", "deviceconformancetemplate", "wm/encodingtime"}
)
"""Fields that describe the old encoding and would be untrue of the new file."""

STALE_FRAMES = frozenset({"TSSE", "TLEN", "TSIZ", "TENC", "MLLT", "SEEK", "ASPI", "TDEN", "RVRB"})
"""The same, as ID3 frames."""

ID3_TEXT = {
    "TIT1": "grouping", "TIT2": "title", "TIT3": "subtitle", "TALB": "album", "TPE1": "artist",
    "TPE2": "albumartist", "TPE3": "conductor", "TPE4": "remixer", "TCOM": "composer",
    "TEXT": "lyricist", "TCON": "genre", "TDRC": "date", "TDOR": "originaldate", "TSRC": "isrc",
    "TBPM": "bpm", "TKEY": "initialkey", "TPUB": "label", "TCOP": "copyright", "TLAN": "language",
    "TMED": "media", "TMOO": "mood", "TCMP": "compilation", "TSST": "discsubtitle",
    "TSOA": "albumsort", "TSOP": "artistsort", "TSOT": "titlesort", "TSO2": "albumartistsort",
    "TSOC": "composersort", "TOAL": "originalalbum", "TOPE": "originalartist",
    "MVNM": "movementname", "GRP1": "itunesgrouping",
}  # fmt: skip
ID3_NUMBERS = {
    "TRCK": ("tracknumber", "tracktotal"),
    "TPOS": ("discnumber", "disctotal"),
    "MVIN": ("movement", "movementtotal"),
}
ID3_PEOPLE = {
    "producer": "producer", "engineer": "engineer", "arranger": "arranger", "mix": "mixer",
    "dj-mix": "djmixer",
}  # fmt: skip
MP4_TEXT = {
    "\xa9nam": "title", "\xa9ART": "artist", "\xa9alb": "album", "aART": "albumartist",
    "\xa9wrt": "composer", "\xa9day": "date", "\xa9gen": "genre", "\xa9cmt": "comment",
    "\xa9lyr": "lyrics", "\xa9grp": "grouping", "\xa9mvn": "movementname", "cprt": "copyright",
    "desc": "description", "soal": "albumsort", "soar": "artistsort", "sonm": "titlesort",
    "soaa": "albumartistsort", "soco": "composersort", "tmpo": "bpm", "cpil": "compilation",
}  # fmt: skip
MP4_NUMBERS = {"trkn": ("tracknumber", "tracktotal"), "disk": ("discnumber", "disctotal")}
APE_NAMES = {
    "track": "tracknumber", "disc": "discnumber", "year": "date", "album artist": "albumartist",
    "publisher": "label",
}  # fmt: skip
ASF_NAMES = {
    "author": "artist", "description": "comment", "wm/albumtitle": "album",
    "wm/albumartist": "albumartist", "wm/year": "date", "wm/tracknumber": "tracknumber",
    "wm/partofset": "discnumber", "wm/genre": "genre", "wm/composer": "composer",
    "wm/conductor": "conductor", "wm/lyrics": "lyrics", "wm/publisher": "label",
    "wm/isrc": "isrc", "wm/beatsperminute": "bpm", "wm/mood": "mood", "wm/writer": "lyricist",
    "wm/contentgroupdescription": "grouping", "wm/subtitle": "subtitle",
}  # fmt: skip
PROBED_NAMES = {"album_artist": "albumartist", "track": "tracknumber", "disc": "discnumber"}
INFO_CODES = {
    "title": b"INAM", "artist": b"IART", "album": b"IPRD", "date": b"ICRD", "genre": b"IGNR",
    "tracknumber": b"ITRK", "copyright": b"ICOP", "comment": b"ICMT",
}  # fmt: skip
"""The names in a LIST INFO chunk of a WAV file."""

R128_REFERENCE_DB = 5.0
"""ReplayGain aims 5 dB higher (-18 LUFS) than the R128 gains of Opus (-23 LUFS)."""


def add_number(tags: Tags, names: tuple[str, str], text: str) -> None:
    """Split ``3/12`` into a number and a total.

    >>> tags = Tags()
    >>> add_number(tags, ("tracknumber", "tracktotal"), "3/12")
    >>> tags.fields
    {'tracknumber': ['3'], 'tracktotal': ['12']}
    """
    number, _, total = text.partition("/")
    tags.add(names[0], number)
    tags.add(names[1], total)


def gains_to_opus(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """ReplayGain as Opus has it: whole numbers of 1/256 dB, and no peaks.

    >>> gains_to_opus({"replaygain_track_gain": ["-6.50 dB"], "title": ["a"]})
    {'title': ['a'], 'r128_track_gain': ['-2944']}
    """
    out = {name: list(v) for name, v in fields.items() if not name.startswith("replaygain_")}
    for scope in ("track", "album"):
        decibels = _decibels(fields.get(f"replaygain_{scope}_gain"))
        if decibels is not None:
            gain = round((decibels - R128_REFERENCE_DB) * 256)
            out.setdefault(f"r128_{scope}_gain", [str(min(max(gain, -32768), 32767))])
    return out


def gains_from_opus(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """The opposite of :func:`gains_to_opus`.

    >>> gains_from_opus({"r128_track_gain": ["-2944"]})
    {'replaygain_track_gain': ['-6.50 dB']}
    """
    out = {name: list(v) for name, v in fields.items() if not name.startswith("r128_")}
    for scope in ("track", "album"):
        steps = _decibels(fields.get(f"r128_{scope}_gain"))
        if steps is not None:
            decibels = steps / 256 + R128_REFERENCE_DB
            out.setdefault(f"replaygain_{scope}_gain", [f"{decibels:+.2f} dB".replace("+-", "-")])
    return out


def _decibels(values: list[str] | None) -> float | None:
    try:
        return float((values or [""])[0].lower().removesuffix("db").strip())
    except ValueError:
        return None
