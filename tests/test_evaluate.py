import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from aliquot.audio import Audio, Waveform
from aliquot.baselines import BASELINES
from aliquot.cli import main
from aliquot.cli.evaluate import named_tasks
from aliquot.degrade.lowpass import Lowpass
from aliquot.dsp.resample import resample
from aliquot.evaluate import Plan, evaluate, label_of, make_piece
from aliquot.methods import Restore
from aliquot.metrics.suite import METRICS
from aliquot.scoreboard import Score, realness_table
from aliquot.tasks import TASKS, find_task
from aliquot.testset import Entry, find_entries, load_excerpts

RATE = 44_100
Evaluate = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, music: Waveform) -> Path:
    """Music in stereo, the same in mono ending at 4.1 kHz by its manifest, and a broken file."""
    folder = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    airy = music + (0.01 * rng.standard_normal(music.shape)).astype(np.float32)
    soundfile.write(folder / "song.wav", airy.T, RATE, subtype="FLOAT")
    soundfile.write(folder / "dark.wav", airy[0], RATE, subtype="FLOAT")
    (folder / "manifest.csv").write_text("file,bandwidth_hz\ndark.wav,4100\n")
    return folder


@pytest.fixture(scope="module")
def song(folder: Path) -> tuple[Entry, ...]:
    return tuple(entry for entry in find_entries([folder]) if entry.name == "song.wav")


def lazy(
    samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
) -> tuple[Waveform, float | None]:
    """A method that adds nothing."""
    return resample(samples, sample_rate, output_rate), cutoff_hz


def by_method(scores: tuple[Score, ...]) -> dict[str, Score]:
    return {score.method: score for score in scores}


@pytest.mark.parametrize("task", ["cutoff-5500", "x4", "mp3-64"])
def test_a_method_that_adds_nothing_scores_as_the_degraded_row(
    song: tuple[Entry, ...], task: str
) -> None:
    plan = Plan((find_task(task),), ("lazy",))
    result = evaluate(song, plan, restorers={"lazy": lazy})
    assert not result.failed
    scores = by_method(result.scores)
    assert tuple(scores) == ("lazy", *BASELINES)
    assert scores["lazy"].metrics == pytest.approx(scores["degraded"].metrics)
    assert set(scores["lazy"].metrics) == set(METRICS)


def test_the_rows_rank_as_they_must(song: tuple[Entry, ...]) -> None:
    scores = by_method(evaluate(song, Plan((find_task("cutoff-5500"),))).scores)
    error = {name: score.metrics["envelope_db"] for name, score in scores.items()}
    assert error["oracle"] < 2 < error["noise-fill"] < 0.5 * error["spline"]
    assert error["spline"] < error["degraded"]
    assert scores["noise-fill"].cutoff_hz == pytest.approx(5_500, rel=0.04)
    assert scores["degraded"].metrics["low_snr_db"] == pytest.approx(
        scores["oracle"].metrics["low_snr_db"], abs=25
    )
    assert scores["oracle"].metrics["low_snr_db"] > 20


def test_a_perfect_method_scores_perfectly(song: tuple[Entry, ...]) -> None:
    """It is given the degraded excerpt and looks the original up: nothing else may differ."""
    task = find_task("x2")
    original, _ = soundfile.read(song[0].path, dtype="float32")
    piece = make_piece(Audio(original.T, RATE), task, Lowpass("soxr", 11_000.0))

    def cheat(
        samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
    ) -> tuple[Waveform, float | None]:
        assert (sample_rate, output_rate) == (24_000, 48_000)
        assert samples.shape == (2, 24_000 * 3)
        return piece.original, cutoff_hz

    scores = evaluate(song, Plan((task,), ("cheat",)), restorers={"cheat": cheat}).scores
    metrics = by_method(scores)["cheat"].metrics
    assert metrics["snr_db"] > 20  # only the excerpt's fades differ
    assert metrics["texture"] == pytest.approx(1.0, abs=0.01)
    assert metrics["treble_bias_db"] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("tell", [True, False])
def test_models_are_told_the_cutoff_only_if_asked(song: tuple[Entry, ...], tell: bool) -> None:
    plan = Plan((find_task("cutoff-8000"),), ("lazy",), tell_cutoff=tell)
    score = by_method(evaluate(song, plan, restorers={"lazy": lazy}).scores)["lazy"]
    assert score.used_hz == (score.cutoff_hz if tell else None)


def test_the_excerpts_of_a_file_are_restored_as_one_recording(tmp_path: Path) -> None:
    """A silent excerpt tells nothing of the cut-off, the others tell it for the whole file."""
    noise = 0.1 * np.random.default_rng(3).standard_normal((31 * RATE, 1))
    soundfile.write(tmp_path / "long.wav", noise, RATE, subtype="FLOAT")
    lengths = []

    def lazily(samples: Waveform, rate: int, *rest: Any) -> tuple[Waveform, float | None]:
        lengths.append(samples.shape[1] / rate)
        return lazy(samples, rate, *rest)

    plan = Plan((find_task("cutoff-5500"),), ("lazy",))
    assert not evaluate(find_entries([tmp_path]), plan, restorers={"lazy": lazily}).failed
    assert lengths == [30.0]  # two of 15 s


def test_a_method_of_the_wrong_length_fails_and_the_others_go_on(folder: Path) -> None:
    def short(samples: Waveform, *rest: float | None) -> tuple[Waveform, float | None]:
        return samples[:, 1:], None

    methods: dict[str, Restore] = {"short": short}
    plan = Plan((find_task("cutoff-3000"), find_task("cutoff-8000")), ("short",))
    result = evaluate(find_entries([folder]), plan, restorers=methods)
    assert not result.scores
    assert len(result.failed) == 3
    assert "must keep channels and length" in result.failed[0]


def test_an_original_that_ends_below_the_cutoff_has_nothing_to_score(folder: Path) -> None:
    plan = Plan((find_task("cutoff-3000"), find_task("cutoff-8000")))
    result = evaluate(find_entries([folder]), plan)
    scored = {(score.task, score.file) for score in result.scores}
    assert scored == {
        ("cutoff-3000", "dark.wav"), ("cutoff-3000", "song.wav"), ("cutoff-8000", "song.wav")
    }  # fmt: skip
    assert len(result.skipped) == 1
    assert "dark.wav ends at 4100 Hz" in result.skipped[0]
    dark = [score for score in result.scores if score.file == "dark.wav"]
    assert {score.upper_hz for score in dark} == {4_100.0}
    assert all(np.isnan(score.metrics["side_db"]) for score in dark)


def test_what_is_added_above_the_original_is_not_scored(folder: Path) -> None:
    """A tone at 10 kHz, where the manifest says that the original has nothing to say."""

    def whistle(
        samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
    ) -> tuple[Waveform, float | None]:
        time = np.arange(samples.shape[1]) / sample_rate
        return samples + np.sin(2 * np.pi * 10_000 * time).astype(np.float32), None

    dark = tuple(entry for entry in find_entries([folder]) if entry.name == "dark.wav")
    plan = Plan((find_task("cutoff-3000"),), ("whistle",))
    scores = by_method(evaluate(dark, plan, restorers={"whistle": whistle}).scores)
    snr = {name: score.metrics["snr_db"] for name, score in scores.items()}
    assert snr["whistle"] == pytest.approx(snr["degraded"], abs=0.01)


def test_two_processes_give_what_one_gives(song: tuple[Entry, ...]) -> None:
    plan = Plan((find_task("cutoff-8000"), find_task("x6")))
    lines: list[str] = []
    alone = evaluate(song, plan)
    both = evaluate(song, plan, jobs=2, progress=lines.append)
    assert [score.as_dict() for score in both.scores] == [s.as_dict() for s in alone.scores]
    assert len(lines) == 2
    assert lines[-1].startswith("[2/2] ")


def test_noise_is_told_from_music_and_the_original_from_itself_is_not(
    tmp_path: Path, music: Waveform
) -> None:
    """A method that returns the original is guessed; noise-fill over a tone sweep is found."""
    for number in range(4):
        longer = np.tile(music, 3)[:, number * 4_410 :]
        soundfile.write(tmp_path / f"artist{number}--song.wav", longer.T, RATE, subtype="FLOAT")
    entries = find_entries([tmp_path])
    excerpts = [load_excerpts(entry.path)[0].samples for entry in entries]

    def perfect(
        samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
    ) -> tuple[Waveform, float | None]:
        return next(e for e in excerpts if e.shape == samples.shape), cutoff_hz

    plan = Plan((find_task("cutoff-5500"),), ("perfect",), realness=True)
    result = evaluate(entries, plan, restorers={"perfect": perfect})
    assert not result.failed
    found = result.realness
    assert found["cutoff-5500", "perfect"].accuracy <= 0.5
    assert found["cutoff-5500", "noise-fill"].accuracy > 0.9
    assert found["cutoff-5500", "perfect"].excerpts == 2 * 4 * 4
    assert evaluate(entries, replace(plan, realness=False), restorers={"perfect": perfect})
    lines = realness_table(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert lines[2].split("|")[2].strip() == "perfect"


def test_a_label_says_what_degraded_a_file() -> None:
    assert label_of(TASKS["x2"], Lowpass("sinc", 4_000.0)) == "sinc"
    assert label_of(TASKS["aac-96"], None) == "aac"


@pytest.fixture
def command(folder: Path) -> Evaluate:
    def run(*words: object) -> Result:
        fixed = ("evaluate", "--set", folder, "--model", "none", "--jobs", "1")
        return CliRunner().invoke(main, [str(word) for word in (*fixed, *words)])

    return run


def test_the_command_prints_the_table_and_writes_json(command: Evaluate, tmp_path: Path) -> None:
    done = command("--tasks", "cutoff-3000", "--by-family", "--json-out", tmp_path / "a.json")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| task")
    assert [line.split("|")[2].strip() for line in lines[2:]][::3] == list(BASELINES)
    assert "[2/2] cutoff-3000 song.wav" in done.stderr
    content = json.loads((tmp_path / "a.json").read_text())
    assert len(content["files"]) == 2 * len(BASELINES)
    assert content["options"]["tasks"] == ["cutoff-3000"]
    assert content["models"] == {}
    means = [row for row in content["rows"] if row["family"] is None]
    lsd = [row["lsd"] for row in content["files"] if row["method"] == "oracle"]
    assert means[-1]["lsd"] == pytest.approx(np.mean(lsd), abs=1e-3)


def test_groups_of_tasks_stand_for_their_members() -> None:
    assert {task.name for task in named_tasks("rates")} == {"x2", "x4", "x6", "11025"}
    assert {task.name for task in named_tasks("kuleshov")} == {"x2-16k", "x4-16k"}
    assert {task.output_rate for task in named_tasks("all")} == {44_100, 48_000}


def test_a_list_and_a_family_narrow_the_run(command: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("song.wav\n")
    out = tmp_path / "a.json"
    options = ("--only", tmp_path / "list.txt", "--family", "bessel", "--quiet", "--json-out", out)
    done = command("--tasks", "x6", *options)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    files = json.loads(out.read_text())["files"]
    assert {row["file"] for row in files} == {"song.wav"}
    assert all(row["family"].startswith("bessel-") for row in files)


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--tasks", "x5"), "use one of x2"),
        (("--tasks", ","), "x4,cutoff-8000"),
        (("--family", "gauss"), "held-out"),
        (("--json-out", "/nowhere/a.json"), "make it first"),
        (("--only", "/nowhere.txt"), "cannot read the list"),
    ],
)
def test_wrong_options_end_with_status_2_and_the_cure(
    command: Evaluate, words: tuple[str, ...], cure: str
) -> None:
    done = command(*words)
    assert done.exit_code == 2
    assert cure in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_broken_recording_is_named_and_the_others_are_measured(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    words = ["evaluate", "--set", str(folder), "--set", str(tmp_path), "--model", "none"]
    done = CliRunner().invoke(main, [*words, "--jobs", "1", "--tasks", "cutoff-3000"])
    assert done.exit_code == 1
    assert "bad.wav" in done.stderr
    assert "| oracle" in done.stdout
