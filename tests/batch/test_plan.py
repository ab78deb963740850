"""Every recording gets the path of its result before any work begins."""

import shutil
from pathlib import Path

import pytest

from aliquot.batch.plan import Wish, check_template, plan
from aliquot.errors import ConfigError, InputError


@pytest.fixture
def album(tmp_path: Path, library: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "cd 2").mkdir(parents=True)
    shutil.copy(library / "dull.wav", folder / "one.wav")
    shutil.copy(library / "dull.mp3", folder / "cd 2" / "two.mp3")
    return folder


def targets(inputs: list[Path], wish: Wish) -> list[Path]:
    return [job.target for job in plan([str(path) for path in inputs], wish).jobs]


def test_without_a_folder_a_result_lies_beside_its_input(album: Path) -> None:
    assert targets([album / "one.wav"], Wish()) == [album / "one.restored.wav"]


def test_a_lossy_input_becomes_flac(album: Path) -> None:
    job = plan([str(album / "cd 2" / "two.mp3")], Wish()).jobs[0]
    assert job.target.name == "two.restored.flac"
    assert job.copy_target.name == "two.restored.mp3"


def test_a_folder_keeps_its_sub_folders(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert targets([album], Wish(out, recursive=True)) == [out / "one.wav", out / "cd 2/two.flac"]


def test_one_recording_may_be_given_the_name_of_its_result(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.flac"
    job = plan([str(album / "one.wav")], Wish(out)).jobs[0]
    assert (job.target, job.container) == (out, "FLAC")


def test_asking_for_the_format_a_lossless_recording_has_asks_for_nothing(
    album: Path, tmp_path: Path
) -> None:
    for wish in (Wish(tmp_path / "new.wav"), Wish(tmp_path, container="WAV")):
        assert plan([str(album / "one.wav")], wish).jobs[0].container is None


def test_the_length_of_a_job_is_known_for_the_bar(album: Path) -> None:
    assert plan([str(album / "one.wav")], Wish()).jobs[0].seconds == pytest.approx(3.0)


def test_names_follow_the_template(album: Path, tmp_path: Path) -> None:
    wish = Wish(tmp_path, template="{folder}/{name}-{model}.{ext}", model="models/mine.onnx")
    assert targets([album / "one.wav"], wish) == [tmp_path / "album" / "one-mine.wav"]


@pytest.mark.parametrize(
    "template", ["{artist}", "{name", "{}", "/{name}", "../{name}", "{name.x}"]
)
def test_a_template_that_cannot_be_used_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match="template"):
        check_template(template)


def test_two_inputs_for_one_result_are_refused(album: Path, tmp_path: Path) -> None:
    shutil.copy(album / "one.wav", album / "cd 2" / "one.wav")
    with pytest.raises(ConfigError, match=r"one\.wav and .*one\.wav would both become"):
        targets([album / "one.wav", album / "cd 2" / "one.wav"], Wish(tmp_path))


def test_a_result_that_would_replace_its_input_is_refused(album: Path) -> None:
    with pytest.raises(ConfigError, match="would be replaced"):
        targets([album / "one.wav"], Wish(album))
    (album.parent / "link").symlink_to(album, target_is_directory=True)
    with pytest.raises(ConfigError, match="would be replaced"):
        targets([album / "one.wav"], Wish(album.parent / "link" / "one.wav"))


def test_a_copy_that_would_replace_its_input_is_refused(album: Path) -> None:
    with pytest.raises(ConfigError, match="would be replaced"):
        targets([album / "cd 2" / "two.mp3"], Wish(album / "cd 2"))


def test_several_recordings_need_a_folder(album: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folder"):
        targets([album], Wish(tmp_path / "new.flac", recursive=True))


@pytest.mark.parametrize(("name", "container"), [("new.wma", None), ("new.flac", "MP3")])
def test_a_name_without_a_writer_or_against_the_format_is_refused(
    album: Path, tmp_path: Path, name: str, container: str | None
) -> None:
    with pytest.raises(ConfigError):
        targets([album / "one.wav"], Wish(tmp_path / name, container=container))


def test_a_bad_recording_is_a_failure_and_the_others_stay_jobs(album: Path) -> None:
    (album / "bad.wav").write_bytes(b"")
    result = plan([str(album)], Wish())
    assert [job.source.name for job in result.jobs] == ["one.wav"]
    assert [failure.source.name for failure in result.failures] == ["bad.wav"]
    assert isinstance(result.failures[0].error, InputError)
    assert result.found == 2


def test_a_template_that_names_a_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="--format"):
        check_template("{name}.mp3")
