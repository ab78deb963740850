import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.audio import Waveform
from aliquot.dsp.dither import quantise16
from aliquot.errors import ConfigError
from aliquot.io import writing
from aliquot.io.formats import CONTAINERS, legal_bitrates
from aliquot.io.sound import (
    OutputFormat,
    SoundInfo,
    check_cell,
    container_named,
    nearest_rate,
    open_reader,
    open_writer,
    output_format,
)

LOSSLESS = ("WAV", "RF64", "W64", "AIFF", "CAF", "FLAC")
STEP = {"16": 2.0**-15, "24": 2.0**-23}


def fmt(container: str, bits: str | None = None, kbps: int | None = None) -> OutputFormat:
    return OutputFormat(container, bits, kbps, CONTAINERS[container].extension)


def tones(channels: int, frames: int, rate: int) -> Waveform:
    """A different steady tone in each channel, 150 to 500 Hz; 60 Hz in the bass channel of 5.1."""
    time = np.arange(frames) / rate
    pitches = 150.0 + 50.0 * np.arange(channels)
    if channels in {6, 8}:
        pitches[3] = 60.0
    return (0.4 * np.sin(2 * np.pi * pitches[:, None] * time)).astype(np.float32)


def store(path: Path, samples: Waveform, form: OutputFormat, rate: int, block: int = 9_999) -> Path:
    with open_writer(path, form, rate, len(samples), expected_frames=samples.shape[1]) as out:
        for start in range(0, samples.shape[1], block):
            out.write(samples[:, start : start + block])
    assert out.clipped == 0
    return path


def load(path: Path, block: int = 8_191) -> Waveform:
    with open_reader(path) as reader:
        samples = np.concatenate(list(reader.blocks(block)), axis=1)
        assert reader.warnings == []
    return samples


@pytest.mark.parametrize(("channels", "rate"), [(1, 8_000), (2, 44_100), (6, 48_000), (2, 192_000)])
@pytest.mark.parametrize(
    ("container", "bits"), [(c, b) for c in LOSSLESS for b in CONTAINERS[c].bits]
)
def test_lossless_cells_give_back_every_sample(
    tmp_path: Path, container: str, bits: str, channels: int, rate: int
) -> None:
    samples = tones(channels, 12_345, rate)
    samples[:, 5_000] = 1.5 if bits == "32f" else 0.25
    path = store(tmp_path / "a", samples, fmt(container, bits), rate)
    returned = load(path)
    assert returned.shape == samples.shape
    if bits == "32f":
        np.testing.assert_array_equal(returned, samples)
    else:
        allowed = (1.5 if bits == "16" else 0.5) * STEP[bits]
        assert abs(returned.astype(float) - samples).max() <= allowed * 1.001
    with open_reader(path) as reader:
        assert reader.info.container == container
        assert reader.info.frames == 12_345
        assert reader.info.lossless


@pytest.mark.parametrize(
    ("container", "channels", "rate"),
    [("MP3", c, r) for c in (1, 2) for r in CONTAINERS["MP3"].rates]
    + [("OPUS", 2, r) for r in CONTAINERS["OPUS"].rates]
    + [("OPUS", c, 48_000) for c in (1, 6, 8)]
    + [("OGG", 2, r) for r in (8_000, 22_050, 48_000, 96_000, 192_000)]
    + [("OGG", c, 44_100) for c in (1, 3, 5, 6, 7, 8)],
)
def test_lossy_cells_keep_length_place_level_and_channels(
    tmp_path: Path, container: str, channels: int, rate: int
) -> None:
    samples = tones(channels, rate // 2 + 77, rate)
    returned = load(store(tmp_path / "a", samples, fmt(container), rate))
    assert returned.shape == samples.shape
    inside = slice(rate // 20, -rate // 20)
    error = returned[:, inside] - samples[:, inside]
    loudness = np.sqrt(np.mean(samples[:, inside] ** 2, axis=1))
    allowed = np.full(channels, 0.1)
    if channels == 6:
        allowed[3] = 0.4  # Vorbis codes the bass channel of 5.1 coarsely
    assert (np.sqrt(np.mean(error**2, axis=1)) < allowed * loudness).all()


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_mp3_bitrate_gives_back_the_right_number_of_samples(
    tmp_path: Path, channels: int, rate: int
) -> None:
    samples = tones(channels, rate, rate)
    sizes = []
    for kbps in legal_bitrates("MP3", rate, channels):
        path = store(tmp_path / f"{kbps}.mp3", samples, fmt("MP3", kbps=kbps), rate)
        assert load(path).shape == samples.shape
        sizes.append(path.stat().st_size * 8 / 1000 / kbps)
    assert min(sizes) > 0.95
    assert max(sizes) < 1.3  # one second has whole frames and a header beside


@pytest.mark.parametrize(("container", "rate"), [("OGG", 44_100), ("OPUS", 48_000)])
def test_a_bitrate_asked_for_is_roughly_kept(tmp_path: Path, container: str, rate: int) -> None:
    noise = np.random.default_rng(0).standard_normal((2, 2 * rate)).astype(np.float32) * 0.1
    for kbps in (96, 160, 256):
        path = store(tmp_path / f"{kbps}", noise, fmt(container, kbps=kbps), rate)
        assert path.stat().st_size * 8 / 2_000 == pytest.approx(kbps, rel=0.25)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "OGG"])
def test_blocks_do_not_matter_for_reading_or_writing(tmp_path: Path, container: str) -> None:
    samples = tones(2, 50_000, 44_100) + np.float32(1e-4)
    form = fmt(container, None if CONTAINERS[container].lossy_subtype else "16")
    one = store(tmp_path / "one", samples, form, 44_100, block=50_000)
    many = store(tmp_path / "many", samples, form, 44_100, block=777)
    np.testing.assert_array_equal(load(one), load(many))
    np.testing.assert_array_equal(load(one, 50_001), load(one, 333))


def test_dither_goes_by_the_place_in_the_whole_recording(tmp_path: Path) -> None:
    samples = tones(2, 150_000, 44_100)
    path = store(tmp_path / "a", samples, fmt("FLAC", "16"), 44_100)
    stored, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(stored.T, quantise16(samples, 0))


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "OGG"])
def test_an_excerpt_is_that_part_of_the_whole(tmp_path: Path, container: str) -> None:
    form = fmt(container, None if CONTAINERS[container].lossy_subtype else "24")
    path = store(tmp_path / "a", tones(2, 44_100, 44_100), form, 44_100)
    whole = load(path)
    with open_reader(path) as reader:
        part = np.concatenate(list(reader.blocks(1_000, 0.25, 0.5)), axis=1)
    np.testing.assert_array_equal(part, whole[:, 11_025 : 11_025 + 22_050])
    with open_reader(path) as reader:
        assert list(reader.blocks(1_000, start_seconds=9.0)) == []


def test_a_reader_is_iterated_once(tmp_path: Path) -> None:
    path = store(tmp_path / "a", tones(1, 100, 8_000), fmt("WAV", "16"), 8_000)
    with open_reader(path) as reader:
        assert len(list(reader.blocks())) == 1
        with pytest.raises(ValueError, match="open the file again"):
            list(reader.blocks())


@pytest.mark.parametrize(("container", "encoder"), [("OGG", "libvorbis"), ("OPUS", "libopus")])
@pytest.mark.ffmpeg
def test_surround_channels_keep_their_places(tmp_path: Path, container: str, encoder: str) -> None:
    """Vorbis and Opus put the centre second; ffmpeg, which knows, is the witness both ways."""
    samples = tones(6, 48_000, 48_000) * np.array(
        [[1], [0.1], [0.2], [0.35], [0.5], [0.7]], np.float32
    )
    wav = store(tmp_path / "a.wav", samples, fmt("WAV", "16"), 48_000)
    ours = store(tmp_path / "ours.ogg", samples, fmt(container), 48_000)
    command = ["ffmpeg", "-v", "error", "-y", "-channel_layout", "5.1", "-i", wav]
    subprocess.run([*command, "-c:a", encoder, "-b:a", "500k", tmp_path / "theirs.ogg"], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", ours, tmp_path / "back.wav"], check=True)

    def levels(x: Waveform) -> np.ndarray:
        return np.sqrt(np.mean(x[:, 4_800:-4_800].astype(float) ** 2, axis=1))

    expected = levels(samples)
    back, _ = soundfile.read(tmp_path / "back.wav", dtype="float32")
    np.testing.assert_allclose(levels(load(ours)), expected, rtol=0.25)
    np.testing.assert_allclose(levels(load(tmp_path / "theirs.ogg")), expected, rtol=0.25)
    np.testing.assert_allclose(levels(back.T), expected, rtol=0.25)


@pytest.mark.parametrize(
    ("container", "bits"), [("WAV", "24"), ("RF64", "16"), ("FLAC", "24"), ("OGG", None)]
)
def test_no_samples_make_a_valid_empty_file(
    tmp_path: Path, container: str, bits: str | None
) -> None:
    with open_writer(tmp_path / "a", fmt(container, bits), 44_100, 2, expected_frames=0):
        pass
    with open_reader(tmp_path / "a") as reader:
        assert list(reader.blocks()) == []
        assert reader.info.channels == 2
        assert reader.warnings == ["holds no sound (0 frames)"]


INFO = SoundInfo(Path("a.wav"), 44_100, 2, 1_000, "WAV", "PCM_16", True, 16)


@pytest.mark.parametrize(
    ("container", "subtype", "lossless", "bits", "expected"),
    [
        ("WAV", "PCM_16", True, 16, ("WAV", "16")),
        ("WAV", "PCM_24", True, 24, ("WAV", "24")),
        ("WAV", "PCM_32", True, 32, ("WAV", "24")),
        ("WAV", "PCM_U8", True, 8, ("WAV", "16")),
        ("WAV", "FLOAT", True, 32, ("WAV", "32f")),
        ("WAV", "DOUBLE", True, 64, ("WAV", "32f")),
        ("WAV", "ULAW", True, 16, ("WAV", "16")),
        ("RF64", "PCM_24", True, 24, ("RF64", "24")),
        ("AIFF", "PCM_16", True, 16, ("AIFF", "16")),
        ("FLAC", "PCM_24", True, 24, ("FLAC", "24")),
        ("CAF", "ALAC_16", True, 16, ("CAF", "16")),
        ("M4A", "ALAC", True, 24, ("FLAC", "24")),
        ("APE", "APE", True, 16, ("FLAC", "16")),
        ("WAVPACK", "FLOAT", True, 32, ("FLAC", "24")),
        ("WMA", "WMAV2", False, None, ("FLAC", "24")),
        ("MP3", "MPEG_LAYER_III", False, None, ("FLAC", "24")),
        ("OGG", "VORBIS", False, None, ("FLAC", "24")),
        ("OPUS", "OPUS", False, None, ("FLAC", "24")),
        ("VIDEO", "AAC", False, None, ("FLAC", "24")),
    ],
)
def test_by_default_lossless_keeps_its_own_and_lossy_becomes_flac(
    container: str, subtype: str, lossless: bool, bits: int | None, expected: tuple[str, str]
) -> None:
    info = replace(INFO, container=container, subtype=subtype, lossless=lossless, bits=bits)
    form = output_format(info, container=None, bits=None, bitrate_kbps=None)
    assert (form.container, form.bits) == expected
    assert form.extension == CONTAINERS[form.container].extension


def test_what_is_asked_for_completes_with_what_the_recording_has() -> None:
    floating = replace(INFO, subtype="FLOAT", bits=32)

    def ask(info: SoundInfo, **asked: object) -> tuple[str, str | None, int | None]:
        options: dict[str, object] = {"container": None, "bits": None, "bitrate_kbps": None}
        form = output_format(info, **{**options, **asked})  # type: ignore[arg-type]
        return form.container, form.bits, form.bitrate_kbps

    assert ask(INFO, container="flac") == ("FLAC", "16", None)
    assert ask(floating, container=".flac") == ("FLAC", "24", None)
    assert ask(floating, container="aif") == ("AIFF", "32f", None)
    assert ask(INFO, bits="24") == ("WAV", "24", None)
    assert ask(INFO, container="mp3", bitrate_kbps=192) == ("MP3", None, 192)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"container": "flac", "bits": "32f"}, "FLAC cannot hold '32f' bits; choose one of 16, 24"),
        (
            {"container": "wav", "bits": "20"},
            "WAV cannot hold '20' bits; choose one of 16, 24, 32f",
        ),
        ({"container": "mp3", "bits": "16"}, "MP3 has no bit depth.*give a bitrate"),
        ({"container": "flac", "bitrate_kbps": 128}, "FLAC is lossless.*choose mp3, ogg or opus"),
        ({"container": "ape"}, "'ape' cannot be written; choose one of .*flac"),
    ],
)
def test_illegal_wishes_are_refused_with_the_legal_ones(
    asked: dict[str, object], message: str
) -> None:
    options: dict[str, object] = {"container": None, "bits": None, "bitrate_kbps": None}
    with pytest.raises(ConfigError, match=message):
        output_format(INFO, **{**options, **asked})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "rate", "channels", "message"),
    [
        (fmt("MP3"), 96_000, 2, "choose one of the rates 8000, .*, 48000"),
        (fmt("OPUS"), 44_100, 2, "choose one of the rates 8000, .*, 48000"),
        (fmt("OGG"), 384_000, 2, "choose a rate from 4000 to 192000"),
        (fmt("FLAC", "16"), 768_000, 2, "choose a rate from 4000 to 655350"),
        (fmt("WAV", "16"), 1_000_000, 2, "choose a rate from 4000 to 768000"),
        (fmt("MP3"), 44_100, 6, "only 1 to 2; choose flac or wav"),
        (fmt("WAV", "16"), 44_100, 9, "only 1 to 8"),
        (fmt("MP3", kbps=33), 44_100, 2, "choose one of 64, 80"),
        (fmt("MP3", kbps=320), 22_050, 2, "choose one of 64.*160$"),
        (fmt("OPUS", kbps=9_999), 48_000, 2, "choose 24 to 512"),
    ],
)
def test_illegal_cells_are_refused_before_anything_is_written(
    tmp_path: Path, form: OutputFormat, rate: int, channels: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_cell(form, rate, channels)
    with pytest.raises(ConfigError, match=message):
        open_writer(tmp_path / "a", form, rate, channels)
    assert list(tmp_path.iterdir()) == []


def test_names_and_rates_are_understood() -> None:
    assert container_named("AIFC") == "AIFF"
    assert container_named(".oga") == "OGG"
    assert nearest_rate("OPUS", 44_100) == 48_000
    assert nearest_rate("OPUS", 22_050) == 24_000
    assert nearest_rate("FLAC", 768_000) == 655_350


def test_a_wav_becomes_rf64_when_it_would_be_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is lowered: the path is the same, 4 GiB are not needed."""
    monkeypatch.setattr(writing, "LARGE_BYTES", 40_000)
    small, large = tones(2, 9_000, 44_100), tones(2, 20_000, 44_100)
    cases = [(small, None, "WAV"), (small, 9_000, "WAV"), (small, 20_000, "WAV")]
    cases += [(large, None, "RF64"), (large, 20_000, "RF64"), (large, 9_000, "RF64")]
    for number, (samples, expected, container) in enumerate(cases):
        path = tmp_path / f"{number}.wav"
        with open_writer(path, fmt("WAV", "16"), 44_100, 2, expected_frames=expected) as out:
            for start in range(0, samples.shape[1], 4_000):
                out.write(samples[:, start : start + 4_000])
        with open_reader(path) as reader:
            assert reader.info.container == container
            returned = np.concatenate(list(reader.blocks()), axis=1)
            assert reader.warnings == []
        assert abs(returned - samples).max() < 2 * STEP["16"]
        assert soundfile.info(path).frames == samples.shape[1]
    assert len(list(tmp_path.iterdir())) == len(cases)


def test_the_real_limit_is_below_four_gibibytes() -> None:
    assert writing.LARGE_BYTES < 2**32 - 2**20


def test_vorbis_is_fed_in_pieces_that_do_not_crash_it(tmp_path: Path) -> None:
    """One write of two minutes ended the process; the caller's block size must not matter."""
    samples = np.zeros((2, 120 * 44_100), np.float32)
    with open_writer(tmp_path / "a.ogg", fmt("OGG"), 44_100, 2) as out:
        out.write(samples)
    with open_reader(tmp_path / "a.ogg") as reader:
        assert reader.info.frames == samples.shape[1]
