"""``aliquot collect`` as people use it: what it prints, what it refuses, how it ends."""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner, Result
from fakes.catalogue import Song, songs
from fakes.web import Answer, Request
from world import MakeWorld, World

import aliquot.cli.collect as command
from aliquot.audio import Waveform
from aliquot.cli import main

KEYS = {
    "JAMENDO_CLIENT_ID": "a1b2c3d4", "FREESOUND_KEY": "k3y", "ALIQUOT_CONTACT": "me@example.org",
}  # fmt: skip


def run(place: World, *words: object, environment: dict[str, str] | None = None) -> Result:
    """The command against a fake source, in this process."""
    line = ["collect", place.fake.name, "folk", "--out", place.folder, *words]
    environment = KEYS if environment is None else environment
    missing = dict.fromkeys((*KEYS, "OPENVERSE_CLIENT_ID"), None)
    return CliRunner().invoke(
        main, [str(word) for word in line], obj=place.web.network(), env=missing | environment
    )


def test_a_query_becomes_a_folder_with_a_manifest(world: MakeWorld) -> None:
    place = world("internet-archive", 4)
    place.fake.songs.insert(1, Song(9, "by-nc"))
    done = run(place, "--hours", 0.003)
    assert done.exit_code == 0, done.stderr
    manifest, held_out = place.folder / "manifest.csv", place.folder / "held-out.txt"
    assert done.stdout.split("\n") == [str(manifest), str(held_out), ""]
    assert len(place.rows) == 4
    assert "refused: Bo/.. - Song 9: CC-BY-NC-4.0 forbids commercial use" in done.stderr
    assert "4 recordings in the set: 0.2 min of music" in done.stderr
    assert "    4 CC-BY-4.0" in done.stderr
    assert "left out: 1 refused\n      1 CC-BY-NC-4.0" in done.stderr
    assert "4 in the manifest, 1 of them held out" in done.stderr
    assert (place.folder / "ATTRIBUTION.md").is_file()


def test_a_run_that_is_told_to_be_quiet_prints_paths_alone(world: MakeWorld) -> None:
    place = world("internet-archive", 2, "by-nc")
    place.fake.songs[0] = Song(1)
    done = run(place, "--quiet")
    assert done.exit_code == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_a_source_that_has_less_than_asked_for_says_so(world: MakeWorld) -> None:
    done = run(world("wikimedia", 2), "--hours", 2)
    assert done.exit_code == 0
    assert "the source has no more: 0.1 min of 2.00 h" in done.stderr


def test_a_dry_run_says_what_would_come_and_fetches_nothing(world: MakeWorld) -> None:
    place = world("internet-archive", 3)
    place.fake.songs.append(Song(8, "by-nd"))
    done = run(place, "--dry-run")
    assert done.exit_code == 0
    size = sum(len(song.data) for song in place.fake.songs[:3]) / 1e6
    expected = (
        f"3 recordings would be fetched: 0.1 min of music, {size:.1f} MB\n      3 CC-BY-4.0\n"
    )
    assert done.stdout.startswith(expected)
    assert "would: Bo/.. - Song 1, CC-BY-4.0, " in done.stderr
    assert "refused: Ada Öl - Song 8, CC-BY-ND-4.0, -: CC-BY-ND-4.0 forbids" in done.stderr
    assert not place.folder.exists()
    assert place.web.asked(place.fake.files) == []


def test_a_dry_run_knows_what_is_there(world: MakeWorld) -> None:
    place = world("internet-archive", 3)
    assert run(place, "--hours", 6 / 3600).exit_code == 0
    done = run(place, "--dry-run")
    assert "3 recordings would be in the set, 2 of them already are: " in done.stdout
    assert len(place.rows) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("itunes", "Apple allows its previews to be used only to promote its store"),
        ("deezer", "they end at 16.6 kHz, so there is no treble above it to learn"),
    ],
)
def test_a_shop_is_off_unless_one_insists(name: str, reason: str, world: MakeWorld) -> None:
    place = world(name, 2)
    for words in ((), ("--dry-run",)):
        done = run(place, *words)
        assert done.exit_code == 2
        assert reason in done.stderr
        assert "--previews insists, at your risk" in done.stderr
    assert place.web.requests == []
    assert run(place, "--previews").exit_code == 0
    assert all(row.notes.split("; ")[0] == "preview" for row in place.rows)
    assert "not to be passed on" in (place.folder / "ATTRIBUTION.md").read_text()


@pytest.mark.parametrize(
    ("name", "environment", "says"),
    [
        ("jamendo", {}, "JAMENDO_CLIENT_ID; get one at https://devportal.jamendo.com"),
        ("freesound", {}, "variable FREESOUND_KEY; get one at https://freesound.org/apiv2"),
        ("freesound", {"FREESOUND_KEY": "a b"}, "FREESOUND_KEY holds characters that no key has"),
        ("wikimedia", {}, "asks every program to say who runs it; give --contact"),
        ("internet-archive", {"ALIQUOT_CONTACT": " "}, "give --contact you@example.org, or set"),
        ("openverse", {"ALIQUOT_CONTACT": "nobody"}, "'nobody' is no contact"),
        ("openverse", {"ALIQUOT_CONTACT": "a@b.org\r\nX: y"}, "is no contact"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_where_to_get_it(
    name: str, environment: dict[str, str], says: str, world: MakeWorld
) -> None:
    place = world(name, 1)
    done = run(place, environment=environment)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert place.web.requests == []
    assert not place.folder.exists()


def test_an_unknown_source_is_told_those_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["collect", "napster", "x", "--out", str(tmp_path / "set")])
    assert done.exit_code == 2
    assert "no source is called 'napster'; there are deezer, freesound, " in done.stderr


def test_without_urllib3_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    done = CliRunner().invoke(main, ["collect", "jamendo", "x", "--out", str(tmp_path / "set")])
    assert done.exit_code == 2
    assert "pip install 'aliquot[collect]'" in done.stderr


def test_nothing_found_is_no_input(world: MakeWorld) -> None:
    for words in ((), ("--dry-run",)):
        assert run(world("wikimedia", 0), *words).exit_code == 3
    assert run(world("wikimedia", 2, "by-nc")).exit_code == 3


def test_a_recording_that_fails_is_named_and_the_rest_is_done(world: MakeWorld) -> None:
    place = world("wikimedia", 3)
    place.web.fail("/2.flac", Answer(404))
    done = run(place, "--quiet")
    assert done.exit_code == 1
    assert done.stderr.startswith("failed: Cy & Co - Song 2: https://upload.wikimedia.org/music/2")
    assert len(place.rows) == 2


def test_a_source_that_cannot_be_asked_is_unreadable(world: MakeWorld) -> None:
    place = world("wikimedia", 3)
    place.web.fail("w/api", *[Answer(503)] * 9)
    done = run(place)
    assert done.exit_code == 4
    assert "answered 503; 5 tries failed, run the same command again later" in done.stderr
    assert "waiting 8 s: https://commons.wikimedia.org/w/api.php answered 503" in done.stderr
    assert done.stdout == ""


def test_a_source_that_breaks_off_leaves_what_there_is(world: MakeWorld) -> None:
    place = world("wikimedia", 5)
    place.web.fail("gsroffset", *[Answer(503)] * 9)
    done = run(place)
    assert done.exit_code == 1
    assert len(place.rows) == 3
    assert "answered 503; 5 tries failed" in done.stderr
    assert "3 in the manifest" in done.stderr
    assert run(place).exit_code == 0
    assert len(place.rows) == 5


class Louder(Song):
    """Twelve seconds; the second recording is the first at another level, by somebody else."""

    samples: Waveform

    @property
    def data(self) -> bytes:
        gain, file = (1.0, 0.5, -0.7)[self.number - 1], io.BytesIO()
        samples = self.samples[::-1, ::-1] if self.number == 3 else self.samples
        soundfile.write(file, gain * samples.T, 44_100, format="FLAC")
        return file.getvalue()


def test_what_sounds_like_another_recording_is_left_out_in_every_run(
    world: MakeWorld, song: Waveform
) -> None:
    place = world("internet-archive", 0)
    Louder.samples = song
    place.fake.songs = [Louder(1, artist="Ann"), Louder(2, artist="Bo"), Louder(3, artist="Cy")]
    for _ in range(2):
        done = run(place)
        assert done.exit_code == 0, done.stderr
        assert [row.title for row in place.rows] == ["Song 1", "Song 3"]
        assert "useless: Bo - Song 2: duplicate: sounds like audio/internet-arch" in done.stderr
        journal = place.folder / ".collect" / "journal.jsonl"  # as if it had not been looked at
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join(line for line in lines if '"useless"' not in line))


@pytest.mark.parametrize(
    ("words", "licence", "kept"),
    [
        ((), "by-sa", 0),
        (("--share-alike",), "by-sa", 2),
        (("--share-alike",), "by-nc-sa", 0),
        (("--previews",), "by-nc", 0),
        (("--max-size", 0.001), "by", 0),
        (("--min-bandwidth", 30_000), "by", 0),
        (("--min-bandwidth", 2_000), "by", 2),
    ],
)
def test_the_wishes_of_a_user_decide(
    words: tuple[object, ...], licence: str, kept: int, world: MakeWorld
) -> None:
    place = world("internet-archive", 2, licence)
    done = run(place, *words)
    assert done.exit_code == (0 if kept else 3)
    assert len(place.rows) == kept


def test_terminal_codes_of_a_source_do_not_reach_the_terminal(world: MakeWorld) -> None:
    place = world("wikimedia", 0)
    place.fake.songs = [Song(1, "by-nc", artist="\x1b[2J\x07Evil\nrefused: nobody")]
    done = run(place)
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr
    assert not any(line.startswith("refused: nobody") for line in done.stderr.splitlines())


def hashes(folder: Path) -> dict[str, str]:
    """Everything below a folder but the journal, by its hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "journal.jsonl"
    }


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
def test_a_run_shows_how_long_it_will_take_and_goes_on_after_an_interruption(
    world: MakeWorld, tmp_path: Path
) -> None:
    place = world("internet-archive")
    place.fake.songs = songs(6)
    place.web.apps[place.fake.files] = lambda request: unhurried(place, request)
    program = [
        sys.executable, str(Path(__file__).parent / "programs" / "command.py"), str(place.web.port),
        str(place.web.network().ca_file), ",".join(place.web.apps), "collect", place.fake.name,
        "folk", "--hours", "0.005", "--contact", "me@example.org", "--out",
    ]  # fmt: skip
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    whole = subprocess.run(
        [*program, str(tmp_path / "whole")], env=environment, capture_output=True, check=False
    )
    assert whole.returncode == 0, whole.stderr

    import termios

    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    broken = subprocess.Popen(
        [*program, str(place.folder)], env=environment, stdout=subprocess.PIPE, stderr=slave
    )
    os.close(slave)
    deadline = time.monotonic() + 60
    while len(list(place.folder.glob("audio/*/*/*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    broken.send_signal(signal.SIGINT)
    output, _ = broken.communicate(timeout=60)
    shown = read_all(master)
    assert broken.returncode == 130
    assert output == b""
    assert "aliquot: interrupted" in shown
    assert re.search(r"Song \d +\d+%\|.*\| \d\d:\d\d<\d\d:\d\d, \d+\.\d MB/", shown)
    before = len(place.rows)
    assert 3 <= before < 6
    place.web.requests.clear()

    again = subprocess.run([*program, str(place.folder)], env=environment, check=False)
    assert again.returncode == 0
    assert len({request.path for request in place.web.asked("ia8001")}) == 6 - before
    assert hashes(place.folder) == hashes(tmp_path / "whole")


def unhurried(place: World, request: Request) -> Answer:
    return replace(place.fake.file(request), pause=0.05)


def read_all(master: int) -> str:
    """What was written to a terminal that nobody has open any more."""
    parts = []
    while True:
        try:
            part = os.read(master, 65_536)
        except OSError:
            part = b""
        if not part:
            os.close(master)
            return b"".join(parts).decode()
        parts.append(part)
