"""What every result promises, kept by the released model on real code paths."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synthesise

import aliquot
from aliquot import weights
from aliquot.api import FileOptions, Restored, restore, restore_file
from aliquot.audio import Waveform
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.bandwidth import estimate_bandwidth
from aliquot.dsp.resample import resample
from aliquot.dsp.splice import guard_hz
from aliquot.errors import ConfigError, InputError, OutputError
from aliquot.pipeline import Processing, Restorer

RATE = 44_100


def below_dbfs(samples: Waveform, limit_hz: float, rate: int = RATE) -> float:
    """Root mean square below a frequency, in dB of full scale."""
    window = np.hanning(samples.shape[1])
    spectrum = np.abs(np.fft.rfft(samples * window, axis=1)) ** 2
    freqs = np.fft.rfftfreq(samples.shape[1], 1 / rate)
    power = 2 * spectrum[:, freqs < limit_hz].sum(axis=1) / samples.shape[1] / (window**2).sum()
    return float(10 * np.log10(power.max() + 1e-20))


@pytest.fixture(scope="module")
def song() -> Waveform:
    return np.float32(0.5) * synthesise.pop(8.0, RATE)


@pytest.mark.parametrize("cutoff_hz", [4_000.0, 5_500.0, 11_000.0])
@pytest.mark.parametrize("family", ["sinc", "butterworth", "brickwall"])
def test_what_was_given_stays(song: Waveform, family: str, cutoff_hz: float) -> None:
    dull = lowpass(song, RATE, Lowpass(family, cutoff_hz, 10))
    truth = true_cutoff_hz(song, dull, RATE)
    restored = restore(dull, RATE, cutoff_hz=truth)
    assert restored.samples.shape == song.shape
    assert below_dbfs(restored.samples - dull, truth - guard_hz(truth)) <= -80


@pytest.mark.parametrize("factor", [2, 4, 6])
def test_raised_rates_keep_what_was_given_too(song: Waveform, factor: int) -> None:
    low = resample(resample(song, RATE, 48_000), 48_000, 48_000 // factor)
    nyquist = 24_000 / factor
    restored = restore(low, 48_000 // factor, cutoff_hz=nyquist)
    assert restored.sample_rate == 48_000
    assert restored.samples.shape[1] == low.shape[1] * factor
    given = resample(low, 48_000 // factor, 48_000)
    kept = nyquist - guard_hz(nyquist)
    assert below_dbfs(restored.samples - given, kept, 48_000) <= -80
    assert restored.report.added_db is not None


def streamed(samples: Waveform, block: int, **how: int) -> Waveform:
    known = estimate_bandwidth(samples, RATE).told(5_600.0)
    restorer = Restorer(RATE, samples.shape[0], known, processing=Processing(**how))
    starts = range(0, samples.shape[1], block)
    parts = [restorer.process(samples[:, at : at + block]) for at in starts]
    return np.concatenate([*parts, restorer.flush()], axis=1)


def test_blocks_grid_threads_and_runs_do_not_matter(song: Waveform) -> None:
    dull = lowpass(song, RATE, Lowpass("sinc", 5_500.0))
    whole = streamed(dull, dull.shape[1])
    np.testing.assert_allclose(streamed(dull, 2 * RATE), whole, atol=1e-6)
    np.testing.assert_allclose(streamed(dull, 2 * RATE, grid_frames=101), whole, atol=1e-5)
    np.testing.assert_array_equal(streamed(dull, 2 * RATE, threads=1), streamed(dull, 2 * RATE))
    np.testing.assert_array_equal(restore(dull, RATE, cutoff_hz=5_600.0).samples, whole)


def test_silence_stays_silence_and_equal_channels_stay_equal(song: Waveform) -> None:
    silent = restore(np.zeros((2, RATE), np.float32), RATE, cutoff_hz=8_000.0)
    assert not silent.samples.any()
    dull = lowpass(song[:1], RATE, Lowpass("sinc", 8_000.0))
    twice = restore(np.repeat(dull, 2, axis=0), RATE, cutoff_hz=8_000.0).samples
    np.testing.assert_array_equal(twice[0], twice[1])
    once = restore(dull, RATE, cutoff_hz=8_000.0).samples
    np.testing.assert_allclose(once[0], twice[0], atol=1e-6)


def test_no_energy_jumps_where_windows_meet(song: Waveform) -> None:
    """Steps of added energy across window edges, against those of all other neighbours."""
    steady = np.random.default_rng(0).standard_normal((1, 30 * RATE)).astype(np.float32) * 0.1
    dull = lowpass(steady, RATE, Lowpass("sinc", 5_500.0))
    high = streamed(dull, 2 * RATE, core_frames=96) - dull
    frames = high[0, : high.shape[1] // 512 * 512].reshape(-1, 512)
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    steps = np.abs(np.diff(level))[8:-8]
    edges = np.arange(steps.size) + 8
    at_edge = steps[(edges + 1) % 96 == 0]
    assert at_edge.mean() < 1.5 * steps.mean()


def test_the_cutoff_is_found_and_the_report_tells(song: Waveform) -> None:
    dull = lowpass(song, RATE, Lowpass("sinc", 8_000.0, steepness=1.0))
    found: Restored = restore(dull, RATE)
    assert found.report.cutoff_hz == pytest.approx(true_cutoff_hz(song, dull, RATE), abs=400)
    assert found.report.kind == "band-limited"
    assert found.report.model == weights.aliases()["default"]
    assert found.report.added_db is not None
    assert -60 < found.report.added_db < 0


def test_a_full_band_array_comes_back_as_it_was() -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal((2, 5 * RATE))).astype(np.float32)
    found = restore(noise, RATE)
    assert found.report.kind == "full-band"
    np.testing.assert_array_equal(found.samples, noise)


@pytest.mark.parametrize("length", [0, 1, 2, 700, 3_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_short_pieces_keep_their_length(length: int, channels: int) -> None:
    samples = np.full((channels, length), 0.1, np.float32)
    assert restore(samples, RATE, cutoff_hz=8_000.0).samples.shape == (channels, length)
    assert restore(samples, RATE).samples.shape == (channels, length)


def test_hostile_samples_do_no_harm() -> None:
    square = np.sign(np.sin(np.arange(RATE) * 0.05)).astype(np.float32)[None]
    offset = np.full((1, RATE), 0.5, np.float32)
    tiny = np.full((1, RATE), 1e-39, np.float32)
    for samples in (square, offset, tiny, 100 * square):
        out = restore(samples, RATE, cutoff_hz=8_000.0).samples
        assert np.isfinite(out).all()
    inner = restore(offset, RATE, cutoff_hz=8_000.0).samples[:, 4_096:-4_096]
    np.testing.assert_allclose(inner, 0.5, atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 3, 4), np.float32), "channels, samples"),
        (np.zeros(10, np.int16), "divide integers"),
        (np.zeros((1_000, 2), np.float32), "transpose"),
    ],
)
def test_arrays_of_another_kind_are_refused(samples: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        restore(samples, RATE, cutoff_hz=8_000.0)


@pytest.fixture
def recording(tmp_path: Path, song: Waveform) -> Path:
    path = tmp_path / "song.wav"
    dull = lowpass(song, RATE, Lowpass("sinc", 8_000.0, steepness=1.0))
    soundfile.write(path, dull.T, RATE, subtype="PCM_16")
    return path


def test_a_file_is_restored_beside_itself_and_stays_as_it_was(recording: Path) -> None:
    before = recording.read_bytes()
    report = restore_file(recording)
    assert recording.read_bytes() == before
    target = recording.with_name("song.restored.wav")
    assert report.target == str(target)
    assert report.action == "restored"
    written = soundfile.info(target)
    assert (written.frames, written.samplerate, written.subtype) == (8 * RATE, RATE, "PCM_16")
    again = restore_file(recording)
    assert again.action == "skipped"
    assert not list(recording.parent.glob(".aliquot*"))


def test_file_and_array_agree(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "float.wav"
    restore_file(recording, out, FileOptions(bits="32f", cutoff_hz=8_100.0))
    samples = soundfile.read(recording, dtype="float32")[0].T
    expected = restore(np.ascontiguousarray(samples), RATE, cutoff_hz=8_100.0).samples
    np.testing.assert_array_equal(soundfile.read(out, dtype="float32")[0].T, expected)


def test_part_of_a_file_is_the_same_part_of_the_whole_but_for_its_edges(
    recording: Path, tmp_path: Path
) -> None:
    """Its edges cut through full sound: no click may become treble there."""
    options = FileOptions(bits="32f", cutoff_hz=8_100.0, only_high=True)
    part = replace(options, start_seconds=2.0, duration_seconds=3.0)
    restore_file(recording, tmp_path / "part.wav", part)
    restore_file(recording, tmp_path / "whole.wav", options)
    here, _ = soundfile.read(tmp_path / "part.wav")
    there = soundfile.read(tmp_path / "whole.wav")[0][2 * RATE : 5 * RATE]
    assert here.shape == there.shape
    inner = slice(RATE // 2, -RATE // 2)
    assert 10 * np.log10(np.square(here[inner]).sum() / np.square(there[inner]).sum()) == (
        pytest.approx(0.0, abs=0.3)
    )
    for edge in (slice(512), slice(-512, None)):
        assert np.square(here[edge]).mean() < 2 * np.square(there[edge]).mean() + 1e-7


def test_full_band_files_are_copied_byte_for_byte(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((5 * RATE, 2))
    source, target = tmp_path / "noise.flac", tmp_path / "out.flac"
    soundfile.write(source, noise, RATE)
    report = restore_file(source, target)
    assert report.action == "copied"
    assert target.read_bytes() == source.read_bytes()
    restore_file(source, tmp_path / "out.wav", FileOptions(container="WAV"))
    np.testing.assert_allclose(
        soundfile.read(tmp_path / "out.wav")[0], soundfile.read(source)[0], atol=2**-15
    )


def test_an_empty_recording_gives_an_empty_result_and_a_warning(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2)), RATE)
    report = restore_file(tmp_path / "empty.wav", tmp_path / "out.wav", FileOptions(bits="24"))
    assert soundfile.info(tmp_path / "out.wav").frames == 0
    assert any("no sound" in text for text in report.warnings)


def test_a_dry_run_writes_nothing(recording: Path) -> None:
    report = restore_file(recording, options=FileOptions(dry_run=True))
    assert report.action == "planned"
    assert [path.name for path in recording.parent.iterdir()] == ["song.wav"]


def test_the_input_itself_is_never_a_target(recording: Path) -> None:
    with pytest.raises(OutputError, match="input itself"):
        restore_file(recording, recording, FileOptions(overwrite=True))


def test_a_cutoff_out_of_range_is_refused_before_any_work(recording: Path) -> None:
    with pytest.raises(ConfigError, match="2500 to 19000"):
        restore_file(recording, options=FileOptions(cutoff_hz=900.0))
    assert [path.name for path in recording.parent.iterdir()] == ["song.wav"]


def test_loud_music_in_integers_does_not_clip(tmp_path: Path, song: Waveform) -> None:
    dull = lowpass(song, RATE, Lowpass("sinc", 5_500.0))
    dull *= np.float32(0.999 / np.abs(dull).max())
    soundfile.write(tmp_path / "loud.wav", dull.T, RATE, subtype="PCM_24")
    report = restore_file(
        tmp_path / "loud.wav", options=FileOptions(cutoff_hz=5_600.0, strength=1.5)
    )
    assert report.headroom_db > 0
    assert report.overs == 0


def test_public_names_are_there() -> None:
    for name in aliquot.__all__:
        assert getattr(aliquot, name) is not None


def test_sixteen_bits_in_another_container_stay_the_same_numbers(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-9_000, 9_000, (3 * RATE, 2)).astype(np.int16)
    soundfile.write(tmp_path / "noise.wav", noise, RATE, subtype="PCM_16")
    report = restore_file(
        tmp_path / "noise.wav", tmp_path / "noise.flac", FileOptions(container="FLAC")
    )
    assert report.kind == "full-band"
    np.testing.assert_array_equal(soundfile.read(tmp_path / "noise.flac", dtype="int16")[0], noise)


def test_asking_for_what_a_file_is_already_copies_it(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((3 * RATE, 2))
    soundfile.write(tmp_path / "noise.flac", noise, RATE, subtype="PCM_24")
    options = FileOptions(container="FLAC", bits="24", output_rate=RATE)
    report = restore_file(tmp_path / "noise.flac", tmp_path / "same.flac", options)
    assert report.action == "copied"
    assert (tmp_path / "same.flac").read_bytes() == (tmp_path / "noise.flac").read_bytes()


def test_a_start_beyond_the_end_is_told(recording: Path) -> None:
    options = FileOptions(cutoff_hz=8_000.0, start_seconds=60.0)
    report = restore_file(recording, options=options)
    assert report.samples_out == 0
    assert any("ends before --start" in text for text in report.warnings)


def test_what_seems_to_end_below_the_range_is_left_alone_and_told(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal((1, 8 * RATE))).astype(np.float32)
    low = lowpass(noise, RATE, Lowpass("sinc", 2_000.0))
    found = restore(low, RATE)
    np.testing.assert_array_equal(found.samples, low)
    assert any("below 2500 Hz" in text for text in found.report.warnings)
    soundfile.write(tmp_path / "low.wav", low.T, RATE, subtype="FLOAT")
    report = restore_file(tmp_path / "low.wav")
    assert report.action == "copied"
    assert any("below 2500 Hz" in text for text in report.warnings)
