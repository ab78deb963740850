"""What a collection promises: whole files only, whatever happens, and nothing is lost."""

import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from fakes.catalogue import Song, Stub, songs
from fakes.sources import Archive
from fakes.web import Answer, Authority, Request, Web
from world import Looking, MakeWorld, World, blind, inspected, quick

import aliquot.collect.collection as collection_module
import aliquot.collect.folder as folder_module
from aliquot.collect.collection import Collector
from aliquot.collect.folder import prepare_folder
from aliquot.collect.gates import foresee
from aliquot.collect.inspector import Findings
from aliquot.collect.journal import KEPT, Entry, Journal
from aliquot.collect.licences import Policy
from aliquot.collect.manifest import Row, as_csv, read_rows, write_text
from aliquot.collect.report import report_on
from aliquot.collect.totals import total
from aliquot.errors import ConfigError, OutputError

LICENCES = ("by", "cc0", "pdm", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd", "", "own")


def tree(folder: Path) -> dict[str, str]:
    """Everything below a folder but the workshop, by its hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".collect" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
def test_killed_at_twenty_random_moments_and_run_again_it_is_the_same(
    authority: Authority, tmp_path: Path
) -> None:
    fake = Archive([*songs(5), Song(6, "by-nc"), Song(7)], page=2)
    unhurried = {fake.api: fake.answer, fake.files: slowly(fake)}
    with Web(authority, unhurried) as web:
        command = [
            sys.executable, str(Path(__file__).parent / "programs" / "victim.py"), fake.name,
            str(web.port), str(authority.ca_file), *unhurried,
        ]  # fmt: skip
        path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as victim:  # fmt: skip

            def run(folder: Path, seconds: float = -1.0) -> tuple[int, float]:
                assert victim.stdin is not None
                assert victim.stdout is not None
                victim.stdin.write(f"{folder} {seconds}\n")
                victim.stdin.flush()
                status, took = victim.stdout.readline().split()
                return int(status), float(took)

            run(tmp_path / "first")  # makes the songs, which takes longer than all that follows
            status, took = run(tmp_path / "whole")
            assert status == 0
            wanted = tree(tmp_path / "whole")
            assert len(read_rows(tmp_path / "whole" / "manifest.csv")) == 6
            good = {song.number: hashlib.sha256(song.data).hexdigest() for song in fake.songs}
            web.requests.clear()
            draw, killed = random.Random(7), 0
            for number in range(200):
                folder = tmp_path / f"killed {number}"
                killed += run(folder, draw.uniform(0.0, took))[0] == signal.SIGKILL
                for sound in folder.glob("audio/*/*/*"):
                    assert hashlib.sha256(sound.read_bytes()).hexdigest() in good.values()
                if (folder / "manifest.csv").exists():
                    assert (folder / "manifest.csv").read_bytes() == (
                        tmp_path / "whole" / "manifest.csv"
                    ).read_bytes()
                assert run(folder)[0] == 0
                assert tree(folder) == wanted
                if killed == 20:
                    break
            assert killed == 20
            victim.stdin.close() if victim.stdin else None
        assert any("range" in request.headers for request in web.requests)


def slowly(fake: Archive):
    def answer(request: Request) -> Answer:
        return replace(fake.file(request), pause=0.01)

    return answer


def mixed(count: int) -> list[Song]:
    draw = random.Random(3)
    return [Stub(number, draw.choice(LICENCES)) for number in range(1, count + 1)]


@pytest.mark.parametrize("name", ["jamendo", "internet-archive", "wikimedia"])
def test_of_a_thousand_recordings_only_the_free_ones_pass(name: str, world: MakeWorld) -> None:
    place = world(name)
    place.fake.songs, place.fake.honest, place.fake.page = mixed(1_000), False, 1_000
    place.policy = Policy()
    steps = list(foresee(place.source(), "folk", place.wish()))
    assert len(steps) == 1_000
    truth = Counter(song.licence for song in place.fake.songs)
    free = {"by", "cc0", "pdm"}
    passed = {step.track.title for step in steps if step.state == "would"}
    assert passed == {song.title for song in place.fake.songs if song.licence in free}
    totals = total(steps)
    pdm = "PD" if name == "wikimedia" else "PDM-1.0"
    assert totals.licences == {
        "CC-BY-4.0": truth["by"], "CC0-1.0": truth["cc0"], pdm: truth["pdm"],
    }  # fmt: skip
    assert totals.states["refused"] == 1_000 - sum(truth[code] for code in free)
    assert totals.refusals["CC-BY-NC-4.0"] == truth["by-nc"]
    assert totals.refusals["unknown"] == truth[""] + truth["own"]
    assert totals.seconds == pytest.approx(3.0 * totals.taken)
    assert all(step.reason for step in steps if step.state != "would")
    if name != "jamendo":
        sizes = [len(song.data) for song in place.fake.songs if song.licence in free]
        assert totals.bytes == sum(sizes)
    text = totals.as_text()
    assert text.startswith(f"{totals.taken} recordings would be fetched: ")
    assert f"{truth['by']:5} CC-BY-4.0" in text


def test_a_thousand_recordings_are_collected_with_true_totals(world: MakeWorld) -> None:
    place = world("jamendo")
    place.fake.songs, place.fake.honest = mixed(1_000), False
    place.policy = Policy()
    summary = place.collect(examine=blind)
    free = [song for song in place.fake.songs if song.licence in {"by", "cc0", "pdm"}]
    totals = total(place.steps)
    assert totals.taken == totals.fresh == len(summary.rows) == len(free)
    assert totals.bytes == sum(len(song.data) for song in free)
    assert summary.rejected == 1_000 - len(free)
    assert {row.licence for row in place.rows} == {"CC-BY-4.0", "CC0-1.0", "PDM-1.0"}
    with (place.folder / "rejected.csv").open() as file:
        rejected = list(csv.DictReader(file))
    assert len(rejected) == 1_000 - len(free)
    assert all(entry["reason"] and entry["state"] == "refused" for entry in rejected)
    credits_text = (place.folder / "ATTRIBUTION.md").read_text()
    assert all(f"[{song.title}]" in credits_text for song in free)
    report = report_on(place.folder)
    counts = Counter(song.licence for song in free)
    assert (report.recordings, len(report.problems)) == (len(free), 0)
    assert report.by_licence == pytest.approx(
        {name: counts[code] * 3 / 3600 for name, code in
         (("CC-BY-4.0", "by"), ("CC0-1.0", "cc0"), ("PDM-1.0", "pdm"))}
    )  # fmt: skip


def test_share_alike_is_taken_when_asked_for(world: MakeWorld) -> None:
    place = world("internet-archive", 2, "by-sa")
    place.policy = Policy(share_alike=True)
    place.collect()
    assert [row.licence for row in place.rows] == ["CC-BY-SA-4.0"] * 2
    assert "share what you make of it alike" in (place.folder / "ATTRIBUTION.md").read_text()


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_stays_flat_over_five_thousand_recordings(world: MakeWorld) -> None:
    place = world("jamendo")
    place.fake.songs = [Stub(number) for number in range(1, 5_001)]
    place.fake.by_number = {str(song.number): song for song in place.fake.songs}
    place.fake.song = lambda number: place.fake.by_number.get(str(number))  # type: ignore[method-assign]
    place.web.remember = False
    prepare_folder(place.folder)
    sizes: list[int] = []
    with Journal(place.folder / ".collect" / "journal.jsonl") as journal:
        collector = Collector(place.source(), place.wish(1e4), journal, Looking(blind))
        for number, step in enumerate(collector.run("folk"), 1):
            assert step.state == KEPT
            if number % 500 == 0:
                sizes.append(resident_bytes())
    assert len(sizes) == 10
    assert sizes[-1] - sizes[1] < 12_000_000


# One file after another, and what lies in the folder already.


def test_what_is_useless_is_out_with_the_reason_and_not_fetched_again(world: MakeWorld) -> None:
    place = world("internet-archive", 3)

    def silent_second(path: Path) -> Findings:
        if path.read_bytes() == place.fake.songs[1].data:
            return Findings(problems=("is silent", "is clipped"))
        return quick(path)

    place.collect(examine=silent_second)
    assert place.states == ["kept", "useless", "kept"]
    assert "is silent; is clipped" in (place.folder / "rejected.csv").read_text()
    fetched = len(place.web.asked("ia8001"))
    place.collect(examine=silent_second)
    assert place.states == ["kept", "useless", "kept"]
    assert len(place.web.asked("ia8001")) == fetched
    place.collect(examine=quick, least_hz=1_000.0)  # by another measure it is looked at again
    assert place.states == ["kept", "kept", "kept"]


def test_an_examiner_hears_of_all_that_is_in_the_set(world: MakeWorld) -> None:
    """Of what an earlier run has kept too: else what sounds the same would be taken twice."""
    place = world("internet-archive", 3)
    place.collect(hours=4 / 3600)
    prepare_folder(place.folder)
    with Journal(place.folder / ".collect" / "journal.jsonl") as journal:
        looking = Looking(quick)
        steps = Collector(place.source(), place.wish(), journal, looking).run("folk")
        before = [row.file for row in place.rows]
        assert looking.admitted == before
        assert len(list(steps)) == 3
        assert len(looking.admitted) == 3
        assert looking.admitted[:2] == before


def test_what_an_examiner_notes_is_in_the_manifest(world: MakeWorld) -> None:
    place = world("freesound", 1)
    place.collect(examine=lambda path: replace(quick(path), notes="clipped: 0.2 % of it"))
    assert [row.notes for row in place.rows] == ["preview; clipped: 0.2 % of it"]


def test_a_narrow_recording_is_useless_where_width_is_asked_for(world: MakeWorld) -> None:
    place = world("deezer", 1)
    place.collect(examine=inspected, least_hz=20_000.0)
    assert place.states == ["useless"]
    assert "only, under 20000" in place.reasons


def test_a_file_that_is_no_sound_is_useless(world: MakeWorld) -> None:
    place = world("internet-archive")
    place.fake.songs = [Stub(1)]
    place.collect(examine=inspected)
    assert place.states == ["useless"]
    assert place.rows == ()


def test_a_file_called_flac_that_is_not_is_useless(world: MakeWorld) -> None:
    place = world("wikimedia", 1)
    lossy = Song(1, kind="ogg")
    place.fake.songs = [lossy]
    track = replace(place.source().again(track_of(place)), extension="flac")  # type: ignore[type-var]
    source = place.source()
    source.search = lambda query: iter([track])  # type: ignore[method-assign]
    source.again = lambda _: track  # type: ignore[method-assign]
    place.collect(source=source)
    assert place.states == ["useless"]
    assert "is called FLAC but is vorbis" in place.reasons


def track_of(place: World):
    return next(place.source().search("folk"))


def test_the_same_file_under_another_name_is_left_out(world: MakeWorld) -> None:
    place = world("internet-archive")
    place.fake.songs = [Song(1), Twin(2), Song(3)]
    place.collect()
    assert place.states == ["kept", "useless", "kept"]
    assert "is, byte for byte, internet-archive:netlabel-1/1.flac" in place.reasons
    place.collect()
    assert place.states == ["kept", "useless", "kept"]


class Twin(Song):
    @property
    def data(self) -> bytes:
        return Song(1).data


def test_a_file_that_vanished_or_was_damaged_is_fetched_again(world: MakeWorld) -> None:
    place = world("internet-archive", 3)
    place.collect()
    before = tree(place.folder)
    first, second, _ = (place.folder / row.file for row in place.rows)
    first.unlink()
    data = second.read_bytes()
    second.write_bytes(data[:-1] + b"!")
    place.collect()
    assert sum(step.fresh for step in place.steps) == 2
    assert tree(place.folder) == before


def test_a_damaged_file_that_cannot_be_had_again_leaves_the_manifest(world: MakeWorld) -> None:
    place = world("internet-archive", 2)
    place.collect()
    damaged = place.folder / place.rows[0].file
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    place.fake.songs = place.fake.songs[1:]
    place.collect()
    assert len(place.rows) == 1
    assert place.rows[0].file != str(damaged.relative_to(place.folder))


def test_what_a_killed_run_had_half_written_is_cleared_away(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.folder.mkdir()
    (place.folder / ".aliquot-226cbb849ee2f8d3.part").write_text("file,seco")
    place.collect()
    assert not list(place.folder.glob(".aliquot-*"))


def test_a_file_that_was_only_touched_is_kept(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    place.collect()
    os.utime(place.folder / place.rows[0].file)
    place.collect()
    assert not place.steps[0].fresh


def test_what_somebody_wrote_into_the_manifest_stays(world: MakeWorld) -> None:
    place = world("internet-archive", 2)
    place.collect()
    (place.folder / "own.wav").write_bytes(b"x")
    rows = [replace(place.rows[0], notes="lovely"), place.rows[1], Row("own.wav", 3.0)]
    write_text(place.folder / "manifest.csv", as_csv([*rows, Row("gone.wav", 3.0)]))
    place.collect()
    assert [row.notes for row in place.rows] == ["lovely", "", ""]
    assert [row.file for row in place.rows][-1] == "own.wav"
    assert "own.wav" not in (place.folder / "ATTRIBUTION.md").read_text()


def test_two_sources_share_a_folder(world: MakeWorld) -> None:
    first = world("internet-archive", 2)
    first.collect()
    second = world("wikimedia")
    second.fake.songs = [Song(8), Song(9)]
    second.collect()
    assert {Path(row.file).parts[1] for row in second.rows} == {"internet-archive", "wikimedia"}
    assert len(second.rows) == 4


def test_prepare_keeps_what_collect_has_found_out(world: MakeWorld) -> None:
    from aliquot.collect.prepare import Wish, find, finish, prepare

    place = world("internet-archive", 2)
    place.collect(examine=inspected)
    before = (place.folder / "manifest.csv").read_bytes()
    wish = Wish(place.folder / "manifest.csv", place.folder / "held-out.txt")
    paths, _ = find(place.folder)
    steps = list(prepare(place.folder, paths, wish))
    finish([step.row for step in steps if step.row], wish)
    assert all(step.kept for step in steps)
    assert (place.folder / "manifest.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("manifest.csv", "file,mood\na.wav,sad\n", "has a column 'mood', which would be lost"),
        ("held-out.txt", "a.wav\n", "was not made by aliquot prepare"),
        ("ATTRIBUTION.md", "# Thanks\n", "was not made by aliquot collect"),
        (".collect/journal.jsonl", "not a journal\n", "is no journal of aliquot collect"),
    ],
)
def test_what_somebody_made_by_hand_is_not_replaced(
    file: str, text: str, says: str, world: MakeWorld
) -> None:
    place = world("internet-archive", 1)
    (place.folder / ".collect").mkdir(parents=True)
    (place.folder / file).write_text(text)
    with pytest.raises(ConfigError, match=says):
        place.collect()
    assert (place.folder / file).read_text() == text
    assert place.web.requests == []


def test_two_runs_at_once_are_refused(world: MakeWorld) -> None:
    place = world("internet-archive", 1)
    prepare_folder(place.folder)
    journal = place.folder / ".collect" / "journal.jsonl"
    with Journal(journal), pytest.raises(ConfigError, match="another run of aliquot collect"):
        Journal(journal)
    Journal(journal).__exit__()


def test_a_full_disk_ends_the_run_and_leaves_no_half_file(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 2)

    rename = Path.replace

    def full(source: Path, target: Path) -> Path:
        if "audio" in target.parts:
            raise OSError(28, "No space left on device")
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="the disk is full"):
        place.collect()
    assert place.rows == ()
    assert list(place.folder.glob("audio/**/*.flac")) == []
    monkeypatch.undo()
    place.collect()
    assert len(place.rows) == 2


def test_a_run_that_ends_just_before_or_after_a_file_is_placed_leaves_none_unknown(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 3)
    for moment in ("before", "after"):
        done = 0

        def ends(folder: Path, path: PurePosixPath, part: Path) -> Path:
            nonlocal done
            done += 1
            if done == 2 and moment == "before":  # noqa: B023
                raise KeyboardInterrupt
            found = folder_module.place(folder, path, part)
            if done == 2:
                raise KeyboardInterrupt
            return found

        monkeypatch.setattr(collection_module, "place", ends)
        with pytest.raises(KeyboardInterrupt):
            place.collect()
        there = {str(p.relative_to(place.folder)) for p in place.folder.glob("audio/*/*/*")}
        assert there == {row.file for row in place.rows}
    monkeypatch.undo()
    place.collect()
    assert len(place.rows) == 3


def test_a_journal_torn_in_the_middle_of_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    row = Row("a.flac", 1.0, sha256="0" * 64)
    with Journal(path) as journal:
        journal.note(Entry("x:1", KEPT, row=row))
        journal.note(Entry("x:2", "failed", reason="it was cold"))
        journal.note(Entry("x:2", KEPT))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            assert len(journal) == min(2, whole[:cut].count(b"\n"))
            journal.note(Entry("x:3", KEPT))
            assert journal.get("x:3") == Entry("x:3", KEPT)
        assert all(json.loads(line) for line in path.read_bytes().splitlines())
    with Journal(path) as journal:
        assert journal.get("x:1") == Entry("x:1", KEPT, row=row)


def test_a_search_that_breaks_off_keeps_what_there_is(world: MakeWorld) -> None:
    place = world("internet-archive", 3)
    source = place.source()
    search = source.search

    def interrupted(query: str) -> Iterator[object]:
        yield next(search(query))
        raise KeyboardInterrupt

    source.search = interrupted  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        place.collect(source=source)
    assert len(place.rows) == 1
    place.collect()
    assert len(place.rows) == 3
