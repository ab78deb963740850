"""Verdicts: what a bandwidth means for a kind of file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.dsp.bandwidth import Bandwidth, Segment
from aliquot.errors import InputError
from aliquot.io.formats import SoundInfo
from aliquot.verdict import UNKNOWN_CODEC, inspect, judge

WAV = SoundInfo(Path("a.wav"), 44_100, 2, 1_000, "WAV", "PCM_16", True, 16)
MP3 = SoundInfo(Path("a.mp3"), 44_100, 2, 1_000, "MP3", "MPEG_LAYER_III", False, None)


def found(cutoff_hz: float, slope: float, holes: float = 0.0, confidence: float = 0.9) -> Bandwidth:
    segments = (Segment(0.0, 1.0, cutoff_hz),)
    return Bandwidth(cutoff_hz, confidence, cutoff_hz >= 19_000, slope, segments, holes)


def test_a_steep_end_in_an_mp3_is_the_codecs() -> None:
    verdict = judge(found(16_000, 300), MP3)
    assert (verdict.kind, verdict.codec) == ("codec-limited", "MP3")
    assert "16.0 kHz" in verdict.reason


@pytest.mark.parametrize(("cutoff_hz", "slope"), [(5_500, 300), (12_000, 30)])
def test_an_old_recording_in_an_mp3_is_still_an_old_recording(
    cutoff_hz: float, slope: float
) -> None:
    verdict = judge(found(cutoff_hz, slope), MP3)
    assert (verdict.kind, verdict.codec) == ("band-limited", None)


def test_holes_in_a_wav_betray_a_codec_that_nobody_named() -> None:
    assert judge(found(16_000, 300, holes=0.05), WAV).codec == UNKNOWN_CODEC
    assert judge(found(16_000, 300, holes=0.0), WAV).kind == "band-limited"


def test_full_band_is_full_band_in_any_container() -> None:
    for info in (WAV, MP3):
        verdict = judge(found(20_000, 300, holes=0.5), info)
        assert (verdict.kind, verdict.codec) == ("full-band", None)


def test_doubt_is_said() -> None:
    assert "uncertain" in judge(found(8_000, 30, confidence=0.2), WAV).reason
    assert "uncertain" not in judge(found(8_000, 300, confidence=0.9), WAV).reason


def test_inspect_reads_a_file_and_only_as_much_as_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    white = 0.1 * rng.standard_normal((6 * 22_050, 1)).astype(np.float32)
    path = tmp_path / "noise.wav"
    soundfile.write(path, white, 22_050, subtype="PCM_16")
    verdict = inspect(path)
    assert verdict.kind == "band-limited"
    assert verdict.bandwidth.cutoff_hz == pytest.approx(11_025, rel=0.03)
    assert "sample rate" in verdict.reason
    assert inspect(path, max_seconds=2.0).bandwidth.segments[0].end_seconds == 2.0


def test_silence_needs_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.flac", np.zeros((4_410, 2)), 44_100)
    verdict = inspect(tmp_path / "silence.flac")
    assert verdict.kind == "full-band"
    assert "silent" in verdict.reason


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.wav"):
        inspect(tmp_path / "nowhere.wav")
