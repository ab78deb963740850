import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen import aiff, apev2, flac, id3, mp3, mp4, oggopus, oggvorbis, wave

from aliquot.io.formats import CONTAINERS
from aliquot.io.sound import OutputFormat, open_reader, open_writer
from aliquot.io.tagmaps import Picture, Tags
from aliquot.io.tags import carry_tags, read_restored_mark, read_tags

NOTE = "restored by aliquot 0.1.0, model aliquot-1, from 8000 Hz"
COVER = b"\xff\xd8\xff\xe0" + np.random.default_rng(1).bytes(20_000)
BACK = b"\x89PNG\r\n\x1a\n" + np.random.default_rng(2).bytes(3_000)
FIELDS = {
    "title": ["Où sont les neiges — 雪 🎹"],
    "artist": ["First Artist", "Second Artist"],
    "album": ["Album"],
    "albumartist": ["Various"],
    "composer": ["J. S. Bach"],
    "date": ["1959-03-02"],
    "genre": ["Jazz", "Cool Jazz"],
    "tracknumber": ["3"],
    "tracktotal": ["12"],
    "discnumber": ["1"],
    "disctotal": ["2"],
    "comment": ["from vinyl"],
    "lyrics": ["first line\nsecond line"],
    "isrc": ["USRC17607839"],
    "bpm": ["120"],
    "label": ["A Label"],
    "musicbrainz_albumid": ["0f1d2b3c"],
    "replaygain_track_gain": ["-6.50 dB"],
    "replaygain_track_peak": ["0.988"],
    "replaygain_album_gain": ["-7.25 dB"],
    "my own field": ["kept", "twice"],
}
OPENERS: dict[str, Any] = {
    "FLAC": flac.FLAC,
    "OGG": oggvorbis.OggVorbis,
    "OPUS": oggopus.OggOpus,
    "MP3": mp3.MP3,
    "WAV": wave.WAVE,
    "AIFF": aiff.AIFF,
}
ID3_FAMILY = {"MP3", "WAV", "AIFF"}


def sound(path: Path, container: str) -> Path:
    kind = CONTAINERS[container]
    form = OutputFormat(container, None if kind.lossy_subtype else "16", None, kind.extension)
    rate = 48_000 if container == "OPUS" else 44_100
    noise = np.random.default_rng(0).standard_normal((2, 5_000)).astype(np.float32) * 0.1
    with open_writer(path, form, rate, 2) as out:
        out.write(noise)
    return path


def samples(path: Path) -> np.ndarray:
    with open_reader(path) as reader:
        return np.concatenate(list(reader.blocks()), axis=1)


def picture(data: bytes, mime: str, kind: int, description: str) -> flac.Picture:
    block = flac.Picture()
    block.data, block.mime, block.type, block.desc = data, mime, kind, description
    block.width, block.height, block.depth = 300, 200, 24
    return block


def tag_vorbis(file: Any) -> None:
    for name, values in FIELDS.items():
        file[name.upper()] = values
    if isinstance(file, oggopus.OggOpus):
        for name in [key for key in FIELDS if key.startswith("replaygain")]:
            del file[name]
        file["R128_TRACK_GAIN"], file["R128_ALBUM_GAIN"] = "-2944", "-3136"
    file["ENCODER"] = "an older one"
    front, back = picture(COVER, "image/jpeg", 3, "front"), picture(BACK, "image/png", 4, "back")
    if isinstance(file, flac.FLAC):
        file.add_picture(front)
        file.add_picture(back)
    else:
        file["METADATA_BLOCK_PICTURE"] = [
            base64.b64encode(block.write()).decode() for block in (front, back)
        ]


ID3_TEXTS = {
    "TIT2": "title", "TPE1": "artist", "TALB": "album", "TPE2": "albumartist", "TCOM": "composer",
    "TDRC": "date", "TCON": "genre", "TSRC": "isrc", "TBPM": "bpm", "TPUB": "label",
}  # fmt: skip


def tag_id3(file: Any) -> None:
    if file.tags is None:
        file.add_tags()
    tags = file.tags
    for frame, name in ID3_TEXTS.items():
        tags.add(id3.Frames[frame](encoding=3, text=FIELDS[name]))
    tags.add(id3.TRCK(encoding=3, text=["3/12"]))
    tags.add(id3.TPOS(encoding=3, text=["1/2"]))
    tags.add(id3.COMM(encoding=3, lang="eng", desc="", text=FIELDS["comment"]))
    tags.add(id3.USLT(encoding=3, lang="eng", desc="", text=FIELDS["lyrics"][0]))
    for name in FIELDS:
        if name.startswith(("replaygain", "musicbrainz", "my own")):
            tags.add(id3.TXXX(encoding=3, desc=name.upper(), text=FIELDS[name]))
    tags.add(id3.APIC(encoding=3, mime="image/jpeg", type=3, desc="front", data=COVER))
    tags.add(id3.APIC(encoding=3, mime="image/png", type=4, desc="back", data=BACK))
    tags.add(id3.POPM(email="a@b.c", rating=196, count=5))
    tags.add(id3.TSSE(encoding=3, text=["an older one"]))
    tags.add(id3.COMM(encoding=3, lang="eng", desc="iTunSMPB", text=[" 00000000 00000210"]))


def tagged(path: Path, container: str) -> Path:
    sound(path, container)
    file = OPENERS[container](path)
    (tag_id3 if container in ID3_FAMILY else tag_vorbis)(file)
    file.save()
    return path


def first_text(tags: Any, frame: str) -> list[str]:
    return [str(text) for text in tags[frame].text]


def check_vorbis(file: Any) -> None:
    """The witness looks with its own eyes, not through the code under test."""
    for name, values in FIELDS.items():
        if name == "comment":
            values = [*values, NOTE]
        if name.startswith("replaygain") and isinstance(file, oggopus.OggOpus):
            assert name not in file
            continue
        assert file[name] == values, name
    if isinstance(file, oggopus.OggOpus):
        assert (file["R128_TRACK_GAIN"], file["R128_ALBUM_GAIN"]) == (["-2944"], ["-3136"])
    assert "an older one" not in file.get("ENCODER", [])
    blocks = (
        file.pictures
        if isinstance(file, flac.FLAC)
        else [flac.Picture(base64.b64decode(text)) for text in file["METADATA_BLOCK_PICTURE"]]
    )
    assert [(b.data, b.mime, b.type, b.desc) for b in blocks] == [
        (COVER, "image/jpeg", 3, "front"),
        (BACK, "image/png", 4, "back"),
    ]


def check_id3(file: Any) -> None:
    tags = file.tags
    for frame, name in ID3_TEXTS.items():
        assert first_text(tags, frame) == FIELDS[name], name
    assert first_text(tags, "TRCK") == ["3/12"]
    assert first_text(tags, "TPOS") == ["1/2"]
    assert sorted(str(frame) for frame in tags.getall("COMM")) == ["from vinyl", NOTE]
    assert [frame.text for frame in tags.getall("USLT")] == FIELDS["lyrics"]
    own = {frame.desc.lower(): frame.text for frame in tags.getall("TXXX")}
    for name, values in FIELDS.items():
        if name.startswith(("replaygain", "musicbrainz", "my own")):
            assert own[name] == values
    covers = {frame.type: (frame.data, frame.mime, frame.desc) for frame in tags.getall("APIC")}
    assert covers == {3: (COVER, "image/jpeg", "front"), 4: (BACK, "image/png", "back")}
    assert "TSSE" not in tags


@pytest.mark.parametrize("target", OPENERS)
@pytest.mark.parametrize("source", OPENERS)
def test_every_field_and_cover_arrives(tmp_path: Path, source: str, target: str) -> None:
    origin = tagged(tmp_path / f"in{CONTAINERS[source].extension}", source)
    result = sound(tmp_path / "out.part", target)
    before = samples(result)
    assert carry_tags(origin, result, target, NOTE) == []
    np.testing.assert_array_equal(samples(result), before)
    if source == "OPUS":  # has no peaks to give
        opened = OPENERS[target](result)
        if target in ID3_FAMILY:
            opened.tags.add(id3.TXXX(desc="REPLAYGAIN_TRACK_PEAK", text=["0.988"]))
        elif target != "OPUS":
            opened["replaygain_track_peak"] = "0.988"
        opened.save()
    (check_id3 if target in ID3_FAMILY else check_vorbis)(OPENERS[target](result))
    assert read_restored_mark(result) == NOTE


@pytest.mark.parametrize("container", sorted(ID3_FAMILY))
def test_frames_without_a_name_elsewhere_survive_among_their_own(
    tmp_path: Path, container: str
) -> None:
    origin = tagged(tmp_path / f"in{CONTAINERS[container].extension}", container)
    result = sound(tmp_path / "out.part", container)
    carry_tags(origin, result, container, NOTE)
    rating = OPENERS[container](result).tags["POPM:a@b.c"]
    assert (rating.rating, rating.count) == (196, 5)


def test_restoring_again_leaves_one_mark(tmp_path: Path) -> None:
    for container in ("FLAC", "MP3", "WAV", "OGG"):
        first, second = sound(tmp_path / f"1{container}", container), tmp_path / f"2{container}"
        carry_tags(first, first, container, "restored by aliquot 0.0.1")
        sound(second, container)
        carry_tags(first, second, container, NOTE)
        assert read_restored_mark(second) == NOTE
        assert str(OPENERS[container](second).tags.pprint()).count("restored by aliquot") == 1


def test_without_keeping_only_the_mark_is_written(tmp_path: Path) -> None:
    origin = tagged(tmp_path / "in.flac", "FLAC")
    result = sound(tmp_path / "out.flac", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE, keep=False) == []
    assert dict(flac.FLAC(result).tags) == {"comment": [NOTE]}
    assert flac.FLAC(result).pictures == []


def test_other_files_carry_no_mark(tmp_path: Path) -> None:
    assert read_restored_mark(tagged(tmp_path / "a.flac", "FLAC")) is None
    assert read_restored_mark(sound(tmp_path / "b.wav", "WAV")) is None
    (tmp_path / "c.mp3").write_bytes(b"text")
    assert read_restored_mark(tmp_path / "c.mp3") is None
    assert read_restored_mark(tmp_path / "absent.mp3") is None


def test_a_note_that_would_not_be_recognised_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must begin with 'restored by aliquot'"):
        carry_tags(tmp_path / "a", tmp_path / "b", "FLAC", "made by somebody")


def encode(tmp_path: Path, name: str, *options: str) -> Path:
    sound(tmp_path / "plain.wav", "WAV")
    command = ["ffmpeg", "-v", "error", "-y", "-i", tmp_path / "plain.wav", *options]
    subprocess.run([*command, tmp_path / name], check=True)
    return tmp_path / name


@pytest.mark.ffmpeg
def test_mp4_atoms_become_vorbis_comments(tmp_path: Path) -> None:
    origin = encode(tmp_path, "a.m4a", "-c:a", "alac")
    file = mp4.MP4(origin)
    file["\xa9nam"], file["\xa9ART"], file["aART"] = ["Title"], ["One", "Two"], ["Various"]
    file["trkn"], file["disk"], file["tmpo"], file["cpil"] = [(3, 12)], [(1, 0)], [120], True
    file["\xa9day"], file["\xa9lyr"], file["\xa9too"] = ["1999"], ["la la"], ["an older one"]
    file["----:com.apple.iTunes:replaygain_track_gain"] = [mp4.MP4FreeForm(b"-6.50 dB")]
    file["----:com.apple.iTunes:iTunSMPB"] = [mp4.MP4FreeForm(b" 00000000 00000840")]
    file["covr"] = [
        mp4.MP4Cover(COVER, mp4.MP4Cover.FORMAT_JPEG),
        mp4.MP4Cover(BACK, mp4.MP4Cover.FORMAT_PNG),
    ]
    file.save()
    result = sound(tmp_path / "out.part", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE) == []
    assert {name: flac.FLAC(result)[name] for name in dict(flac.FLAC(result).tags)} == {
        "title": ["Title"], "artist": ["One", "Two"], "albumartist": ["Various"],
        "tracknumber": ["3"], "tracktotal": ["12"], "discnumber": ["1"], "bpm": ["120"],
        "compilation": ["1"], "date": ["1999"], "lyrics": ["la la"],
        "replaygain_track_gain": ["-6.50 dB"], "comment": [NOTE],
    }  # fmt: skip
    assert [(p.data, p.mime) for p in flac.FLAC(result).pictures] == [
        (COVER, "image/jpeg"),
        (BACK, "image/png"),
    ]


@pytest.mark.ffmpeg
def test_ape_tags_become_vorbis_comments(tmp_path: Path) -> None:
    origin = encode(tmp_path, "a.wv")
    file = apev2.APEv2File(origin)
    if file.tags is None:
        file.add_tags()
    file["Title"], file["Artist"], file["Year"] = "Title", ["One", "Two"], "1999"
    file["Track"], file["Album Artist"] = "3/12", "Various"
    file["Cover Art (Front)"] = apev2.APEValue(b"front.jpg\0" + COVER, apev2.BINARY)
    file.save()
    result = sound(tmp_path / "out.part", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE) == []
    opened = flac.FLAC(result)
    assert opened["artist"] == ["One", "Two"]
    assert (opened["date"], opened["albumartist"]) == (["1999"], ["Various"])
    assert (opened["tracknumber"], opened["tracktotal"]) == (["3"], ["12"])
    assert [(p.data, p.mime, p.type) for p in opened.pictures] == [(COVER, "image/jpeg", 3)]


@pytest.mark.ffmpeg
def test_asf_tags_become_vorbis_comments(tmp_path: Path) -> None:
    options = ["-metadata", "title=Title", "-metadata", "artist=One", "-metadata", "album=Album"]
    origin = encode(tmp_path, "a.wma", *options)
    file = mutagen.File(origin)
    file["WM/AlbumArtist"] = "Various"
    body = b"\x03" + len(COVER).to_bytes(4, "little")
    body += "image/jpeg\0front\0".encode("utf-16-le") + COVER
    file["WM/Picture"] = [mutagen.asf.ASFByteArrayAttribute(body)]
    file.save()
    result = sound(tmp_path / "out.part", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE) == []
    opened = flac.FLAC(result)
    assert (opened["title"], opened["artist"], opened["album"]) == (["Title"], ["One"], ["Album"])
    assert opened["albumartist"] == ["Various"]
    assert [(p.data, p.mime, p.type, p.desc) for p in opened.pictures] == [
        (COVER, "image/jpeg", 3, "front")
    ]


@pytest.mark.ffmpeg
def test_tags_of_a_film_are_found_by_ffprobe(tmp_path: Path) -> None:
    options = ["-metadata", "title=Title", "-metadata", "artist=One", "-c:a", "flac"]
    origin = encode(tmp_path, "a.mkv", *options)
    result = sound(tmp_path / "out.part", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE) == []
    assert dict(flac.FLAC(result).tags) == {
        "title": ["Title"],
        "artist": ["One"],
        "comment": [NOTE],
    }


def test_the_texts_of_a_plain_wav_arrive_and_stay_readable_there(tmp_path: Path) -> None:
    origin = tmp_path / "in.wav"
    with soundfile.SoundFile(origin, "w", 44_100, 2, "PCM_16") as file:
        file.title, file.artist, file.date = "Ein Stück", "One", "1999"
        file.write(np.zeros((100, 2)))
    for container in ("WAV", "FLAC"):
        result = sound(tmp_path / f"out{container}", container)
        before = samples(result)
        assert carry_tags(origin, result, container, NOTE) == []
        np.testing.assert_array_equal(samples(result), before)
        assert read_restored_mark(result) == NOTE
    assert flac.FLAC(tmp_path / "outFLAC")["title"] == ["Ein Stück"]
    assert first_text(wave.WAVE(tmp_path / "outWAV").tags, "TIT2") == ["Ein Stück"]
    with soundfile.SoundFile(tmp_path / "outWAV") as file:
        assert (file.title, file.artist, file.comment) == ("Ein Stück", "One", NOTE)


def test_gains_that_mp3_programs_put_in_an_ape_tag_are_kept(tmp_path: Path) -> None:
    origin = tagged(tmp_path / "in.mp3", "MP3")
    file = mp3.MP3(origin)
    file.tags.delall("TXXX:REPLAYGAIN_TRACK_GAIN")
    file.save()
    tag = apev2.APEv2()
    tag["REPLAYGAIN_TRACK_GAIN"], tag["Title"] = "+1.25 dB", "not this one"
    tag.save(origin)
    for container in ("MP3", "FLAC"):
        result = sound(tmp_path / f"out{container}", container)
        assert carry_tags(origin, result, container, NOTE) == []
        tags = read_tags(result, mutagen.File(result)).fields
        assert tags["replaygain_track_gain"] == ["+1.25 dB"]
        assert tags["title"] == FIELDS["title"]


@pytest.mark.parametrize("version", [2, 3])
def test_older_id3_is_understood(tmp_path: Path, version: int) -> None:
    origin = sound(tmp_path / "in.mp3", "MP3")
    body = origin.read_bytes()
    if version == 2:
        text = b"TT2" + (6).to_bytes(3, "big") + b"\0Title"
        frames = text + b"TYE" + (5).to_bytes(3, "big") + b"\x001999"
    else:
        text = b"TIT2" + (6).to_bytes(4, "big") + b"\0\0" + b"\0Title"
        frames = text + b"TYER" + (5).to_bytes(4, "big") + b"\0\0" + b"\x001999"
    head = b"ID3" + bytes([version, 0, 0, 0, 0, 0, len(frames)])
    origin.write_bytes(head + frames + body)
    result = sound(tmp_path / "out.part", "FLAC")
    assert carry_tags(origin, result, "FLAC", NOTE) == []
    assert flac.FLAC(result)["title"] == ["Title"]
    assert flac.FLAC(result)["date"] == ["1999"]


def test_a_cover_of_five_megabytes_arrives(tmp_path: Path) -> None:
    large = b"\xff\xd8" + bytes(5_000_000)
    origin = sound(tmp_path / "in.flac", "FLAC")
    file = flac.FLAC(origin)
    file.add_picture(picture(large, "image/jpeg", 3, ""))
    file.save()
    for container in OPENERS:
        result = sound(tmp_path / f"out{container}", container)
        assert carry_tags(origin, result, container, NOTE) == []
        assert read_tags(result, OPENERS[container](result)).pictures[0].data == large
        with open_reader(result) as reader:
            assert sum(block.shape[1] for block in reader.blocks()) == 5_000


def test_a_cue_sheet_stays_while_the_rate_does(tmp_path: Path) -> None:
    origin = sound(tmp_path / "in.flac", "FLAC")
    file = flac.FLAC(origin)
    sheet = flac.CueSheet(None)
    sheet.media_catalog_number, sheet.tracks = b"1234567890123", [flac.CueSheetTrack(170, 0)]
    file.cuesheet = sheet
    file.metadata_blocks.append(sheet)
    file.save()
    result = sound(tmp_path / "out.flac", "FLAC")
    carry_tags(origin, result, "FLAC", NOTE)
    assert flac.FLAC(result).cuesheet.media_catalog_number == b"1234567890123"


@pytest.mark.parametrize("container", ["CAF", "W64", "RF64"])
def test_a_container_without_tags_says_so(tmp_path: Path, container: str) -> None:
    origin = tagged(tmp_path / "in.flac", "FLAC")
    result = sound(tmp_path / "out.part", container)
    before = result.read_bytes()
    (warning,) = carry_tags(origin, result, container, NOTE)
    assert container in warning
    assert "choose flac" in warning
    assert result.read_bytes() == before


def test_broken_tags_are_a_warning_and_no_loss_of_sound(tmp_path: Path) -> None:
    origin = tagged(tmp_path / "in.ogg", "OGG")
    file = oggvorbis.OggVorbis(origin)
    file["METADATA_BLOCK_PICTURE"] = ["AAAA"]
    file.save()
    result = sound(tmp_path / "out.part", "FLAC")
    before = samples(result)
    (warning,) = carry_tags(origin, result, "FLAC", NOTE)
    assert "cover" in warning
    np.testing.assert_array_equal(samples(result), before)
    assert flac.FLAC(result)["title"] == FIELDS["title"]
    assert read_restored_mark(result) == NOTE


def test_unreadable_tags_are_a_warning_and_the_mark_is_still_set(tmp_path: Path) -> None:
    (tmp_path / "in.flac").write_bytes(b"fLaC" + b"\x04\0\0\x08" + b"\xff" * 8)
    result = sound(tmp_path / "out.part", "FLAC")
    (warning,) = carry_tags(tmp_path / "in.flac", result, "FLAC", NOTE)
    assert warning.startswith("tags could not be read (")
    assert read_restored_mark(result) == NOTE


def test_without_mutagen_sound_still_works_with_a_warning(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "sys.modules['mutagen'] = None\n"
        "from aliquot.io import tags\n"
        "from aliquot.io.sound import open_reader\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "print(tags.carry_tags(path, path, 'WAV', 'restored by aliquot'))\n"
        "print(tags.read_restored_mark(path), open_reader(path).info.frames)\n"
    )
    path = sound(tmp_path / "a.wav", "WAV")
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert "pip install mutagen" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[1] == "None 5000"


def test_fields_that_describe_the_old_encoding_are_left_behind() -> None:
    tags = Tags()
    for name in ("ENCODER", "Software", "iTunSMPB", "TLEN", "encoded by"):
        tags.add(name, "x")
    tags.add("empty", "")
    assert tags.fields == {}
    tags.merge(Tags({"title": ["a"]}, [Picture(b"p")]))
    tags.merge(Tags({"title": ["b"]}, [Picture(b"q")]))
    assert (tags.fields, [p.data for p in tags.pictures]) == ({"title": ["a"]}, [b"p"])


def test_only_one_file_imports_mutagen() -> None:
    root = Path(__file__).parents[2] / "src" / "aliquot"
    users = [p.name for p in root.rglob("*.py") if "import mutagen" in p.read_text("utf-8")]
    assert users == ["tags.py"]
