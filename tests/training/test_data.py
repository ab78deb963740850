import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.dsp.bandwidth import BandwidthMeter
from aliquot.errors import ConfigError
from aliquot.training.data import Examples, tilted
from aliquot.training.pieces import Piece, draw_weights, read_manifest
from aliquot.training.recordings import Compressed, decoded, keep, samples_of
from aliquot.training.settings import DataSettings, Settings


def examples(settings: Settings, *, held_out: bool = False) -> Examples:
    return Examples(settings.data, settings.degrade, settings.model, 1, held_out=held_out)


def test_an_example_is_a_function_of_its_number(tiny: Settings) -> None:
    first, second = examples(tiny), examples(tiny)
    for index in (0, 5, 3):
        for one, other in zip(first[index], second[index], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0].degraded, first[1].degraded)


def test_an_example_has_lost_what_lies_above_its_cutoff_and_nothing_far_below(
    tiny: Settings,
) -> None:
    bare = replace(tiny, data=replace(tiny.data, floor_share=0.0))
    for index in range(6):
        example = examples(bare)[index]
        assert example.degraded.shape == example.original.shape
        window = np.hanning(example.original.shape[1])
        kept, whole = (
            np.abs(np.fft.rfft(wave[0] * window)) ** 2
            for wave in (example.degraded, example.original)
        )
        bins = np.arange(kept.size) * 2048 / example.original.shape[1]
        above = (bins > 1.15 * example.cutoff_bin) & (bins < example.limit_bin)
        below = (bins > 20) & (bins < 0.4 * example.cutoff_bin)
        assert kept[above].sum() < 0.02 * whole[above].sum()
        assert kept[below].sum() == pytest.approx(whole[below].sum(), rel=0.2)


def test_the_long_term_spectrum_is_the_one_that_a_file_of_the_piece_would_have(
    tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one filter, nothing else changed: the product of powers is what a meter finds."""
    data = replace(
        tiny.data, **dict.fromkeys(["mix_share", "floor_share", "dark_share", "mono_share"], 0.0),
        tilt_db=0.0, gain_db=(0.0, 0.0), moment_share=0.0, unknown_share=0.0,
    )  # fmt: skip
    filter_ = Lowpass("butterworth", 5_000.0, 6)
    monkeypatch.setattr("aliquot.training.data.draw_chain", lambda *_: (filter_,))
    made = Examples(data, tiny.degrade, tiny.model, 1)
    found = {made[index].long_term.tobytes() for index in range(8)}
    for piece in made.pieces:
        meter = BandwidthMeter(piece.sample_rate)
        meter.update(lowpass(samples_of(decoded(piece, data)[:]), piece.sample_rate, filter_))
        wanted = meter.long_term.at(piece.sample_rate, tiny.model.window)
        heard = wanted > 1e-7 * wanted.max()
        distances = [
            np.abs(10 * np.log10(np.frombuffer(row, np.float32)[heard] / wanted[heard])).max()
            for row in found
        ]
        assert min(distances) < 1.0
    nothing = Examples(replace(data, unknown_share=1.0), tiny.degrade, tiny.model, 1)
    assert not nothing[0].long_term.any()
    moment = Examples(replace(data, moment_share=1.0), tiny.degrade, tiny.model, 1)
    assert moment[0].long_term.tobytes() not in found


def test_what_a_codec_took_of_the_example_it_took_of_the_piece(
    tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long-term spectrum told of a coded example: the piece's, less what was lost here."""
    monkeypatch.setattr("aliquot.training.data.draw_chain", lambda *_: ())
    coded_range = replace(tiny.degrade, codec_share=1.0, codecs=("mp3-64",))
    data = replace(
        tiny.data, **dict.fromkeys(["mix_share", "floor_share", "dark_share", "mono_share"], 0.0),
        tilt_db=0.0, gain_db=(0.0, 0.0), moment_share=0.0, unknown_share=0.0,
    )  # fmt: skip
    plain = Examples(data, replace(coded_range, codec_share=0.0), tiny.model, 1)
    through = Examples(data, coded_range, tiny.model, 1)
    whole, lossy = plain[0].long_term, through[0].long_term
    assert np.all(lossy <= whole * 1.001)
    low, high = slice(10, 200), slice(900, 1000)  # to 4.3 kHz; 19.4 to 21.5 kHz
    assert 10 * np.log10(lossy[low].sum() / whole[low].sum()) == pytest.approx(0.0, abs=0.5)
    assert 10 * np.log10(lossy[high].sum() / whole[high].sum()) < -20


def test_held_out_files_are_never_trained_on(tiny: Settings) -> None:
    trained = {piece.name for piece in read_manifest(tiny.data, held_out=False)}
    held = {piece.name for piece in read_manifest(tiny.data, held_out=True)}
    assert held == {"train/piece-3.ogg"}
    assert trained == {f"train/piece-{index}.ogg" for index in range(3)}


def test_a_held_out_file_that_does_not_exist_is_an_error(tiny: Settings, tmp_path: Path) -> None:
    wrong = tmp_path / "list.txt"
    wrong.write_text("train/piece-9.ogg\n")
    with pytest.raises(ConfigError, match="piece-9"):
        read_manifest(replace(tiny.data, held_out=str(wrong)), held_out=True)


def change(tiny: Settings, folder: Path, old: str, new: str) -> DataSettings:
    """The collection with another manifest."""
    text = (Path(tiny.data.music) / "manifest.csv").read_text()
    (folder / "manifest.csv").write_text(text.replace(old, new))
    if not (folder / "train").exists():
        (folder / "train").symlink_to(Path(tiny.data.music) / "train")
    return replace(tiny.data, music=str(folder), cache=str(folder / "cache"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bandwidth_hz,", "bandwith,", "lacks the column 'bandwidth_hz'"),
        ("piece-0.ogg", "piece-7.ogg", r"piece-7\.ogg', which is not there \(1 of 3"),
        (",20000,", ",8000,", "above 8000 Hz, so there is no treble to learn; .* 12000 Hz"),
        ("train/", "songs/", "no row whose file begins with 'train/'; set data.split"),
        ("piece-3", "piece-1", "piece-3.*not in .*data.split='train/'"),
    ],
)
def test_a_manifest_that_cannot_be_trained_on_is_an_error_with_its_cure(
    old: str, new: str, says: str, tiny: Settings, tmp_path: Path
) -> None:
    data = change(tiny, tmp_path, old, new)
    with pytest.raises(ConfigError, match=says):
        read_manifest(data, held_out=False)


def test_a_list_that_holds_out_nothing_or_is_not_there_is_an_error(
    tiny: Settings, tmp_path: Path
) -> None:
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(ConfigError, match="holds out no recording"):
        read_manifest(replace(tiny.data, held_out=str(tmp_path / "none.txt")), held_out=True)
    with pytest.raises(ConfigError, match=r"cannot read the held-out list .*absent\.txt"):
        read_manifest(replace(tiny.data, held_out=str(tmp_path / "absent.txt")), held_out=True)


def test_a_recording_at_another_rate_is_brought_to_44100_hz(tmp_path: Path, tiny: Settings) -> None:
    tone = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(96_000) / 96_000)
    soundfile.write(tmp_path / "a.flac", tone, 96_000, subtype="PCM_24")
    data = replace(tiny.data, music=str(tmp_path), cache=str(tmp_path / "cache"))
    piece = Piece("a.flac", "x", 1.0, 44_100, 2e4, 2e4, chiptune=False, bright=False)
    stored = decoded(piece, data)
    assert stored.shape == (44_100, 1)
    spectrum = np.abs(np.fft.rfft(stored[:, 0] / 32767 * 2))
    assert spectrum.argmax() == 1_000
    assert spectrum[1_000] / 22_050 == pytest.approx(0.4, abs=0.01)


def test_files_of_one_name_with_other_content_do_not_share_a_cache(
    tmp_path: Path, tiny: Settings
) -> None:
    for number, folder in enumerate(("one", "two")):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", np.full(1_000, 0.1 + number / 4), 44_100)
    means = [
        decoded(
            Piece("a.wav", "x", 1, 44_100, 2e4, 2e4, chiptune=False, bright=False, sha256=folder),
            replace(tiny.data, music=str(tmp_path / folder), cache=str(tmp_path / "cache")),
        ).mean()
        for folder in ("one", "two")
    ]
    assert means[1] == pytest.approx(3.5 * means[0], rel=0.01)


def test_two_runs_may_fill_one_cache_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "cache" / "a.npy", np.save

    def overtaken(file: Path, array: np.ndarray) -> None:
        real(file, array)
        monkeypatch.setattr(np, "save", real)
        keep(path, array)  # the other run is ready first

    monkeypatch.setattr(np, "save", overtaken)
    keep(path, np.arange(5))
    np.testing.assert_array_equal(np.load(path), np.arange(5))
    assert [file.name for file in path.parent.iterdir()] == ["a.npy"]


def test_a_cache_that_cannot_be_written_keeps_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, array: np.ndarray) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path / "a.npy", np.arange(5))
    assert list(tmp_path.iterdir()) == []


def test_chiptune_is_capped(tiny: Settings) -> None:
    pieces = [
        Piece("a", "x", 100, 44_100, 2e4, 2e4, chiptune=True, bright=False),
        Piece("b", "y", 100, 44_100, 2e4, 2e4, chiptune=False, bright=False),
        Piece("c", "y", 300, 44_100, 2e4, 2e4, chiptune=False, bright=False),
    ]
    weights = draw_weights(pieces, 0.15)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(0.15)
    assert weights[2] == pytest.approx(3 * weights[1])


def test_a_tilt_turns_about_1_khz_and_a_pole_darkens() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 65_536)).astype(np.float32)

    def change_db(out: np.ndarray, hz: float) -> float:
        before, after = (np.abs(np.fft.rfft(wave[0])) ** 2 for wave in (noise, out))
        centre = round(hz * 65_536 / 44_100)
        part = slice(centre - 200, centre + 200)
        return float(10 * np.log10(after[part].sum() / before[part].sum()))

    out = tilted(noise, 44_100, -6.0, None)
    assert change_db(out, 500) == pytest.approx(0, abs=0.1)
    assert change_db(out, 16_000) == pytest.approx(-6, abs=0.3)
    assert change_db(tilted(noise, 44_100, 0.0, 2_000.0), 8_000) == pytest.approx(-24.6, abs=0.5)


def test_some_examples_lie_on_a_floor_of_noise(tiny: Settings) -> None:
    """Nothing but the floor differs, it is white, and its level lies in the range asked for."""
    bare = replace(tiny, data=replace(tiny.data, floor_share=0.0))
    loud = replace(tiny, data=replace(tiny.data, floor_share=1.0, floor_db=(-50.0, -40.0)))
    for index in range(3):
        without, with_floor = examples(bare)[index], examples(loud)[index]
        np.testing.assert_array_equal(without.original, with_floor.original)
        left = (with_floor.degraded - without.degraded).sum(axis=0)
        assert -50.5 < 20 * np.log10(left.std()) < -39.5
        spectrum = np.abs(np.fft.rfft(left)) ** 2
        low, high = np.split(spectrum[: spectrum.size // 2 * 2], 2)
        assert high.mean() == pytest.approx(low.mean(), rel=0.1)


def test_a_recording_is_cropped_in_its_file_as_in_the_cache(tiny: Settings) -> None:
    """A Vorbis file: what a jump into it gives is what decoding it from its start gives."""
    piece = read_manifest(tiny.data, held_out=False)[0]
    unpacked = decoded(piece, tiny.data)
    data = replace(tiny.data, unpack=False, cache="nowhere")
    packed = decoded(piece, data)
    assert isinstance(packed, Compressed)
    assert not Path("nowhere").exists()
    assert len(packed) == len(unpacked)
    for start, stop in ((0, 1_000), (50_001, 90_000), (len(unpacked) - 20_000, len(unpacked) + 50)):
        wanted = unpacked[start:stop].astype(int)
        assert np.abs(packed[start:stop].astype(int) - wanted).max() <= 1, start


def test_a_recording_at_another_rate_is_cropped_in_its_file(tmp_path: Path, tiny: Settings) -> None:
    tone = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(96_000) / 96_000)
    soundfile.write(tmp_path / "a.flac", tone, 96_000, subtype="PCM_24")
    data = replace(tiny.data, music=str(tmp_path), unpack=False)
    piece = Piece("a.flac", "x", 1.0, 44_100, 2e4, 2e4, chiptune=False, bright=False)
    crop = decoded(piece, data)[10_000:20_000][:, 0] / 32767 * 2
    wanted = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(10_000, 20_000) / 44_100)
    assert crop.size == 10_000
    np.testing.assert_allclose(crop[200:-200], wanted[200:-200], atol=0.02)  # half a sample off


def test_jumping_into_an_mp3_prints_nothing_and_is_exact(
    tmp_path: Path, tiny: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    source = Path(tiny.data.music) / "train" / "piece-0.ogg"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-ac", "1", "-ar", "16000"]
    subprocess.run([*command, "-b:a", "32k", str(tmp_path / "a.mp3")], check=True)
    data = replace(tiny.data, music=str(tmp_path), cache=str(tmp_path / "cache"))
    piece = Piece("a.mp3", "x", 5.0, 44_100, 8e3, 8e3, chiptune=False, bright=False)
    whole, packed = decoded(piece, data), decoded(piece, replace(data, unpack=False))
    assert isinstance(packed, Compressed)
    for start in range(44_100, 150_000, 4_410):  # the same instants at 16 kHz
        crop = packed[start : start + 8_820]
        error = crop[400:-400].astype(int) - whole[start : start + 8_820][400:-400]
        assert np.abs(error).max() <= 2, start
    assert capfd.readouterr().err == ""
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


def test_what_only_ffmpeg_reads_is_decoded_once(tmp_path: Path, tiny: Settings) -> None:
    source = Path(tiny.data.music) / "train" / "piece-0.ogg"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-t", "3", str(tmp_path / "a.m4a")]
    subprocess.run(command, check=True)
    data = replace(tiny.data, music=str(tmp_path), cache=str(tmp_path / "cache"), unpack=False)
    piece = Piece("a.m4a", "x", 3.0, 44_100, 2e4, 2e4, chiptune=False, bright=False)
    assert isinstance(decoded(piece, data), np.ndarray)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".npy"]


def listed(tiny: Settings, folder: Path, rows: str) -> DataSettings:
    (folder / "pieces.csv").write_text("file,start,seconds\n" + rows)
    return replace(tiny.data, pieces=str(folder / "pieces.csv"))


def test_crops_are_drawn_from_listed_pieces_alone(tiny: Settings, tmp_path: Path) -> None:
    data = listed(tiny, tmp_path, "train/piece-0.ogg,1.5,1.0\ntrain/piece-0.ogg,3.0,0.9\n")
    pieces = read_manifest(data, held_out=False)
    assert [piece.name for piece in pieces] == ["train/piece-0.ogg"]
    rng = np.random.default_rng(0)
    starts = np.array([pieces[0].draw(30_000, rng) for _ in range(2_000)]) / 44_100
    first, second = starts[starts < 2.9], starts[starts > 2.9]
    need = 30_000 / 44_100
    for found, begin, length in ((first, 1.5, 1.0), (second, 3.0, 0.9)):
        assert found.min() == pytest.approx(begin, abs=0.01)
        assert found.max() == pytest.approx(begin + length - need, abs=0.01)
    assert first.size / starts.size == pytest.approx(0.5, abs=0.05)


def test_pieces_that_are_of_no_use_are_an_error(tiny: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pieces.csv lists no part of 'train/piece-0.ogg'"):
        read_manifest(listed(tiny, tmp_path, "train/other.ogg,0,3\n"), held_out=False)
    with pytest.raises(ConfigError, match=r"cannot read the list of pieces .*--pieces 5"):
        read_manifest(listed(tiny, tmp_path, "train/piece-0.ogg,one,3\n"), held_out=False)
    with pytest.raises(ConfigError, match=r"cannot read the list of pieces .*absent.csv"):
        read_manifest(replace(tiny.data, pieces="absent.csv"), held_out=False)
    short = replace(tiny, data=listed(tiny, tmp_path, "train/piece-0.ogg,0,0.5\n"))
    with pytest.raises(ConfigError, match=r"a part of 0.5 s, and an example takes"):
        examples(short)


def test_a_codec_leaves_its_artefacts_in_the_given_band_of_an_example(tiny: Settings) -> None:
    bare = replace(
        tiny,
        data=replace(tiny.data, floor_share=0.0, mix_share=0.0, mono_share=0.0, told_share=1.0),
        degrade=replace(tiny.degrade, families=("brickwall",)),
    )
    coded = replace(bare, degrade=replace(bare.degrade, codec_share=1.0, codecs=("mp3-64",)))
    given = [examples(settings)[1] for settings in (bare, coded)]
    np.testing.assert_array_equal(given[0].original, given[1].original)
    error = given[1].degraded - given[1].original
    window = np.hanning(error.shape[1])
    powers = [
        np.abs(np.fft.rfft(wave * window, axis=1)) ** 2 for wave in (error, given[1].original)
    ]
    below = np.arange(powers[0].shape[1]) * 2048 / error.shape[1] < 0.5 * given[1].cutoff_bin
    snr = 10 * np.log10(powers[1][:, below].sum() / powers[0][:, below].sum())
    assert 3 < snr < 40
