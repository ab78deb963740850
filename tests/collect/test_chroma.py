"""Chromaprint: a stand-in for its program, and the real one where it is installed."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.audio import Waveform
from aliquot.collect.chroma import CHROMAPRINT, ChromaprintMeter, usable
from aliquot.collect.findings import Limits
from aliquot.collect.fingerprint import SPECTRAL_HASH
from aliquot.collect.measure import measure
from aliquot.collect.prepare import Wish, find, prepare
from aliquot.collect.prints import prints_path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a program that is a script")
RATE = 44_100

WORDS = """#!{python}
import sys, zlib
open({log!r}, "w").write(" ".join(sys.argv[1:]))
sound = sys.stdin.buffer.read()
step = 2 * round(1365 / 11_025 * int(sys.argv[sys.argv.index("-rate") + 1]))
print(",".join(str(zlib.crc32(sound[at : at + step])) for at in range(0, len(sound), step)))
sys.exit(2)
"""
"""Answers a word for every third of 4096 samples, and, like version 1.5.1, complains at the end."""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Install a script as ``fpcalc``; where it notes how it was called."""

    def install(script: str) -> Path:
        path, log = tmp_path / "bin" / "fpcalc", tmp_path / "log"
        path.parent.mkdir()
        path.write_text(script.format(python=sys.executable, log=str(log)))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
        return log

    return install


def test_without_the_program_our_own_hash_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert usable() == (SPECTRAL_HASH,)


def test_with_the_program_duplicates_are_found_by_its_words(
    program: Callable[[str], Path], song: Waveform, other_songs: dict[str, Waveform], tmp_path: Path
) -> None:
    log = program(WORDS)
    assert usable()[0] == CHROMAPRINT
    folder = tmp_path / "music"
    folder.mkdir()
    for name, samples in (("a.flac", song), ("c.flac", other_songs["drums"])):
        soundfile.write(folder / name, samples.T, RATE, subtype="PCM_16")
    soundfile.write(folder / "b.wav", soundfile.read(folder / "a.flac", dtype="int16")[0], RATE)
    wish = Wish(folder / "manifest.csv", folder / "held-out.txt")
    steps = list(prepare(folder, find(folder)[0], wish))
    reasons = {step.path.name: step.refusal.reason for step in steps if step.refusal}
    assert reasons == {"b.wav": "duplicate: sounds like a.flac (0% of the fingerprint differs)"}
    assert log.read_text() == (
        "-raw -plain -length 900 -format s16le -rate 44100 -channels 1 -"
    )  # fmt: skip
    assert CHROMAPRINT.name.encode() in prints_path(wish.manifest).read_bytes()[:60]


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\ncat >&2\necho sorry\n"])
def test_a_program_that_fails_is_noted_and_the_rest_is_measured(
    script: str, program: Callable[[str], Path], song_file: Path
) -> None:
    program(script)
    found = measure(song_file, Limits(), CHROMAPRINT)
    assert [finding.kind for finding in found.problems] == ["no-fingerprint"]
    assert (found.seconds, found.fingerprint.words.size) == (12.0, 0)
    assert found.fingerprint.levels.size > 200


@pytest.mark.skipif(shutil.which("fpcalc") is None, reason="Chromaprint is not installed")
def test_the_real_program_knows_a_song_again(
    song: Waveform, other_songs: dict[str, Waveform]
) -> None:
    def words(samples: Waveform) -> np.ndarray:
        meter = ChromaprintMeter(RATE)
        try:
            for start in range(0, samples.shape[1], 50_000):
                meter.update(samples[:, start : start + 50_000])
            return meter.result().words
        finally:
            meter.close()

    def apart(first: np.ndarray, second: np.ndarray) -> float:
        length = min(first.size, second.size)
        assert length > 60
        return float(np.bitwise_count(first[:length] ^ second[:length]).mean()) / 32

    noise = np.random.default_rng(1).standard_normal(song.shape).astype(np.float32)
    assert apart(words(song), words(0.3 * song + 1e-3 * noise)) < 0.1
    assert apart(words(song), words(other_songs["strings"])) > CHROMAPRINT.most_error
