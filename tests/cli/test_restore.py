"""``aliquot restore`` from the command line to the files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``dull.wav``, ``dull.mp3`` and ``full.flac``, which one is in."""
    for path in library.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listing() -> list[str]:
    """Everything in the folder one is in."""
    return sorted(path.name for path in Path().iterdir())


def treble_db(path: Path, from_hz: float = 9_000.0) -> float:
    """Energy above a frequency against the whole, in dB."""
    samples, rate = soundfile.read(path, always_2d=True)
    power = (np.abs(np.fft.rfft(samples, axis=0)) ** 2).sum(axis=1)
    freqs = np.fft.rfftfreq(samples.shape[0], 1 / rate)
    return float(10 * np.log10(power[freqs > from_hz].sum() / power.sum() + 1e-12))


def test_a_result_lies_beside_its_input_with_treble(run: Run, here: Path) -> None:
    done = run("restore", "dull.wav")
    assert done.exit_code == 0
    assert done.stdout == "dull.restored.wav\n"
    info = soundfile.info("dull.restored.wav")
    assert (info.frames, info.samplerate, info.subtype) == (3 * 44_100, 44_100, "PCM_16")
    assert treble_db(Path("dull.wav")) < -60
    assert treble_db(Path("dull.restored.wav")) > -50


def test_a_summary_ends_the_run(run: Run, here: Path) -> None:
    done = run("restore", "dull.wav", "dull.mp3", "-o", "out")
    assert done.exit_code == 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("2 restored; 0:06 of music in ")
    assert last.endswith("x real time")


def test_quiet_says_nothing_but_the_results(run: Run, here: Path) -> None:
    done = run("restore", "dull.wav", "--quiet")
    assert (done.stdout, done.stderr) == ("dull.restored.wav\n", "")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are those of POSIX systems")
def test_a_terminal_shows_a_bar_with_the_time_left_and_the_speed(here: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    command = [sys.executable, "-m", "aliquot", "restore", "dull.wav"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert re.search(r"dull\.wav +\d+%\|.*\| \d\d:\d\d<.*, \d+x real time", shown)
    assert done.stdout == "dull.restored.wav\n"


def test_a_lossy_input_becomes_flac_and_its_cut_off_is_told(run: Run, here: Path) -> None:
    done = run("restore", "dull.mp3")
    assert done.stdout == "dull.restored.flac\n"
    assert "kHz" in done.stderr
    assert soundfile.info("dull.restored.flac").format == "FLAC"


def test_a_full_band_recording_is_copied_byte_for_byte(run: Run, here: Path) -> None:
    done = run("restore", "full.flac", "-o", "out")
    assert (done.exit_code, done.stdout) == (0, "out/full.flac\n")
    assert (here / "out/full.flac").read_bytes() == (here / "full.flac").read_bytes()
    assert "nothing to restore" in done.stderr


def test_a_full_band_mp3_is_copied_under_its_own_suffix(run: Run, here: Path) -> None:
    samples, rate = soundfile.read("full.flac")
    soundfile.write("full.mp3", samples, rate, bitrate_mode="CONSTANT", compression_level=0.0)
    for _ in range(2):
        done = run("restore", "full.mp3")
        assert (done.exit_code, done.stdout) == (0, "full.restored.mp3\n")
    assert "skipped" in done.stderr
    assert (here / "full.restored.mp3").read_bytes() == (here / "full.mp3").read_bytes()
    assert not Path("full.restored.flac").exists()


def test_a_full_band_recording_is_converted_when_a_format_is_named(run: Run, here: Path) -> None:
    done = run("restore", "full.flac", "-o", "full.wav")
    assert (done.exit_code, done.stdout) == (0, "full.wav\n")
    assert soundfile.info("full.wav").format == "WAV"
    np.testing.assert_allclose(
        soundfile.read("full.wav")[0], soundfile.read("full.flac")[0], atol=2 / 32_768
    )


def test_what_exists_is_skipped_and_replaced_on_request(run: Run, here: Path) -> None:
    Path("dull.restored.wav").write_text("mine")
    done = run("restore", "dull.wav")
    assert done.exit_code == 0
    assert "skipped" in done.stderr
    assert Path("dull.restored.wav").read_text() == "mine"
    assert run("restore", "dull.wav", "--overwrite").exit_code == 0
    assert soundfile.info("dull.restored.wav").frames == 3 * 44_100


def test_a_second_run_over_a_folder_takes_no_results(run: Run, here: Path) -> None:
    assert run("restore", ".").exit_code == 0
    names = listing()
    done = run("restore", ".")
    assert done.stderr.splitlines()[-1].startswith("3 skipped")
    assert listing() == names


def test_a_dry_run_says_what_would_be_and_writes_nothing(run: Run, here: Path) -> None:
    names = listing()
    done = run("restore", "dull.wav", "dull.mp3", "--dry-run", "-o", "new/out")
    assert done.exit_code == 0
    assert done.stdout.split() == ["new/out/dull.wav", "new/out/dull.flac"]
    assert listing() == names


def test_folders_keep_their_shape(run: Run, here: Path) -> None:
    Path("album/cd 2").mkdir(parents=True)
    Path("dull.wav").rename("album/one.wav")
    Path("dull.mp3").rename("album/cd 2/two.mp3")
    done = run("restore", "album", "-r", "-o", "album/restored")
    assert done.stdout.splitlines() == ["album/restored/one.wav", "album/restored/cd 2/two.flac"]


def test_json_gives_one_report_per_line(run: Run, here: Path) -> None:
    Path("bad.wav").touch()
    done = run("restore", "dull.wav", "bad.wav", "--json")
    rows = {row["source"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.exit_code == 1
    assert rows["dull.wav"]["action"] == "restored"
    assert rows["dull.wav"]["cutoff_hz"] == pytest.approx(8_000, abs=300)
    assert rows["bad.wav"]["action"] == "failed"
    assert "bad.wav" in rows["bad.wav"]["error"]


def test_format_depth_and_rate_are_as_asked(run: Run, here: Path) -> None:
    words = ("--format", "flac", "--bits", "24", "--rate", "48000", "-o", "out")
    assert run("restore", "dull.wav", *words).exit_code == 0
    info = soundfile.info("out/dull.flac")
    assert (info.subtype, info.samplerate, info.frames) == ("PCM_24", 48_000, 3 * 48_000)


def test_only_the_wanted_part_is_restored(run: Run, here: Path) -> None:
    assert run("restore", "dull.wav", "--start", "0:01", "--duration", "0.5").exit_code == 0
    assert soundfile.info("dull.restored.wav").frames == 22_050


def test_only_high_leaves_the_given_band_out(run: Run, here: Path) -> None:
    assert run("restore", "dull.wav", "--only-high", "--bits", "32f").exit_code == 0
    assert treble_db(Path("dull.restored.wav"), 7_000) > -0.1


def test_strength_0_adds_nothing(run: Run, here: Path) -> None:
    assert run("restore", "dull.wav", "--strength", "0", "--bits", "32f").exit_code == 0
    given, _ = soundfile.read("dull.wav", dtype="float32")
    np.testing.assert_allclose(soundfile.read("dull.restored.wav")[0], given, atol=1e-6)


def test_a_given_cut_off_is_taken(run: Run, here: Path) -> None:
    done = run("restore", "dull.wav", "--cutoff", "6000", "--json")
    assert json.loads(done.stdout)["cutoff_hz"] == 6_000


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("dull.wav", "--cutoff", "high"),
        ("dull.wav", "--cutoff", "100"),
        ("dull.wav", "--strength", "2"),
        ("dull.wav", "--start", "1:2:3:4"),
        ("dull.wav", "--bits", "8"),
        ("dull.wav", "--format", "opus", "--bits", "24"),
        ("dull.wav", "--template", "{artist}"),
        ("dull.wav", "--model", "no-such-model"),
        ("dull.wav", "dull.mp3", "-o", "one.flac"),
        ("dull.wav", "dull.mp3", "-o", "out", "--format", "flac"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2(
    run: Run, here: Path, words: tuple[str, ...]
) -> None:
    names = listing()
    done = run("restore", *words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert listing() == names


@pytest.mark.parametrize("words", [("*.wma",), ("empty",), ("missing.wav", "missing.mp3")])
def test_no_recording_at_all_ends_with_status_3(
    run: Run, here: Path, words: tuple[str, ...]
) -> None:
    Path("empty").mkdir()
    assert run("restore", *words).exit_code == 3


def hear_interrupts() -> None:
    """Undo what a shell does to commands in the background: it lets them ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX systems")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_with_status_130_and_leaves_nothing(
    here: Path, number: signal.Signals
) -> None:
    rng = np.random.default_rng(1)
    with soundfile.SoundFile("long.wav", "w", 22_050, 2) as file:
        for _ in range(60):
            file.write(0.1 * rng.standard_normal((10 * 22_050, 2)))
    names = listing()
    command = [sys.executable, "-m", "aliquot", "restore", "long.wav", "dull.wav"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=hear_interrupts
    )
    deadline = time.monotonic() + 60
    while not list(here.glob(".*.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "aliquot: interrupted"
    assert "Traceback" not in stderr
    assert listing() == names
