import re
import resource
import shutil
from pathlib import Path

import malformed
import numpy as np
import pytest
import soundfile

from aliquot.errors import InputError
from aliquot.io.headers import identify
from aliquot.io.sound import open_reader

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")


def drain(path: Path) -> tuple[int, list[str], int]:
    """Frames, warnings and non-finite samples of a whole file; every block must be sound."""
    with open_reader(path) as reader:
        frames = 0
        for block in reader.blocks(10_000):
            assert block.dtype == np.float32
            assert block.shape[0] == reader.info.channels
            assert 0 < block.shape[1] <= 10_000
            assert np.isfinite(block).all()
            frames += block.shape[1]
        return frames, reader.warnings, reader.nonfinite


@needs_ffmpeg
@pytest.mark.parametrize("name", malformed.REFUSED)
def test_a_broken_file_is_refused_by_name_with_a_cure(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(malformed.REFUSED[name]())
    with pytest.raises(InputError) as caught:
        drain(path)
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert re.search(r"; \w+", message)  # what to do comes after the semicolon
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", malformed.READ)
def test_an_odd_file_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    maker, expected, warning = malformed.READ[name]
    path = tmp_path / name
    path.write_bytes(maker())
    frames, warnings, _ = drain(path)
    assert frames == expected
    assert [warning in text for text in warnings] == ([True] if warning else [])


def test_a_lying_header_costs_no_memory(tmp_path: Path) -> None:
    """68 thousand million frames are declared: 1 TiB if a buffer were sized from them."""
    path = tmp_path / "lie.flac"
    path.write_bytes(malformed.flac_with_length((1 << 36) - 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert drain(path)[0] == malformed.FRAMES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_asking_for_all_at_once_costs_only_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(malformed.encoded("WAV", "PCM_16") + bytes(4 * 600_000))
    with open_reader(path) as reader:
        (block,) = reader.blocks(1 << 40)
    assert block.shape == (2, malformed.FRAMES)
    soundfile.write(path, np.tile(malformed.NOISE, (20, 1)), malformed.RATE, subtype="FLOAT")
    with open_reader(path) as reader:
        (block,) = reader.blocks(1 << 40)
    np.testing.assert_array_equal(block, np.tile(malformed.NOISE, (20, 1)).T.astype(np.float32))


@pytest.mark.parametrize(
    "name",
    [n for n in malformed.REFUSED if n.startswith(("tag-", "ext", "adpcm", "ima", "aac", "form"))],
)
def test_an_unwanted_coding_never_reaches_the_library(tmp_path: Path, name: str) -> None:
    """Its decoders of such codings have had memory faults; our own look at the header decides."""
    path = tmp_path / name
    path.write_bytes(malformed.REFUSED[name]())
    with pytest.raises(InputError):
        identify(path)


def test_numbers_that_are_none_become_zero_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    path.write_bytes(malformed.not_finite())
    with open_reader(path) as reader:
        samples = np.concatenate(list(reader.blocks(15)), axis=1)
        assert reader.nonfinite == 4
    assert samples[0, [10, 30]].tolist() == [0.0, 0.0]
    assert samples[1, [20, 40]].tolist() == [0.0, 0.0]
    assert samples[0, 11] == np.float32(malformed.NOISE[11, 0])


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"), [("OGG", "VORBIS", 44_100), ("OGG", "OPUS", 48_000)]
)
def test_an_ogg_without_its_last_page_is_said_to_be_cut(
    tmp_path: Path, kind: str, subtype: str, rate: int
) -> None:
    data = malformed.encoded(kind, subtype, rate=rate)
    whole, cut = tmp_path / "whole.ogg", tmp_path / "cut.ogg"
    whole.write_bytes(data)
    cut.write_bytes(data[: len(data) * 2 // 3])
    assert drain(whole)[1] == []
    frames, warnings, _ = drain(cut)
    assert 0 < frames < malformed.FRAMES
    assert len(warnings) == 1
    assert "end-of-stream" in warnings[0]


def test_half_an_mp3_is_read_with_a_warning(tmp_path: Path) -> None:
    data = malformed.encoded("MP3")
    path = tmp_path / "half.mp3"
    path.write_bytes(data[: len(data) // 2])
    frames, warnings, _ = drain(path)
    assert 0 < frames < malformed.FRAMES
    assert len(warnings) == 1
    assert str(frames) in warnings[0]
    assert str(malformed.FRAMES) in warnings[0]


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG", "AIFF", "CAF", "W64", "RF64"])
def test_mutilated_files_are_read_or_refused_and_nothing_else(tmp_path: Path, kind: str) -> None:
    data = malformed.encoded(kind, frames=6_000)
    random = np.random.default_rng(17)
    path = tmp_path / f"mutant.{kind.lower()}"
    outcomes = set()
    for step in range(48):
        altered = bytearray(data[: len(data) * (step + 1) // 16] if step < 16 else data)
        region = 64 if step % 2 else len(altered)
        for _ in range(0 if step < 16 else 1 + step % 5):
            altered[random.integers(region)] = random.integers(256)
        path.write_bytes(altered)
        try:
            drain(path)
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; check the name"):
        open_reader(tmp_path / "absent.wav")
    with pytest.raises(InputError, match="is a folder"):
        open_reader(tmp_path)
    with pytest.raises(InputError, match="not an ordinary file"):
        open_reader(Path("/dev/zero"))
    with pytest.raises(InputError, match=r"cannot be opened|does not exist"):
        open_reader(tmp_path / ("n" * 300 + ".wav"))


@pytest.mark.parametrize(
    "name", [b"two\nlines.wav", b"-i.wav", b"not-utf8-\xff.wav", b"\xe2\x80\xae.wav"]
)
def test_odd_names_are_read_and_are_shown_on_one_line(tmp_path: Path, name: bytes) -> None:
    import os

    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(malformed.encoded("WAV", "PCM_16", 100))
    assert drain(path)[0] == 100
    path.write_bytes(b"text")
    with pytest.raises(InputError) as caught:
        drain(path)
    assert str(caught.value).isprintable()


def test_noise_that_claims_to_be_mp3_never_reaches_the_decoder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The MP3 library writes to the terminal when it searches noise for frames."""
    path = tmp_path / "noise.mp3"
    path.write_bytes(malformed.random_bytes())
    with pytest.raises(InputError):
        open_reader(path)
    assert capfd.readouterr().err == ""
