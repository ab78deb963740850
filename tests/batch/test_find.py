"""Files, folders and patterns become one list of recordings."""

from pathlib import Path

import pytest

from aliquot.batch.find import find
from aliquot.errors import InputError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    names = ("b.mp3", "a.flac", "cover.jpg", ".hidden.wav", "old.restored.flac", "cd 2/c.ogg")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def names(inputs: list[str], **options: object) -> list[str]:
    found, _ = find(inputs, **options)  # type: ignore[arg-type]
    return [item.path.name for item in found]


def test_a_folder_gives_its_recordings_in_order_and_nothing_else(tree: Path) -> None:
    assert names([str(tree)]) == ["a.flac", "b.mp3"]


def test_a_folder_gives_its_sub_folders_when_asked(tree: Path) -> None:
    found, failures = find([str(tree)], recursive=True)
    assert [(item.path.name, str(item.folder)) for item in found] == [
        ("a.flac", "."),
        ("b.mp3", "."),
        ("c.ogg", "cd 2"),
    ]
    assert failures == []


def test_results_inside_the_searched_folder_are_not_taken_again(tree: Path) -> None:
    assert names([str(tree)], recursive=True, avoid=tree / "cd 2") == ["a.flac", "b.mp3"]


def test_a_pattern_that_the_shell_did_not_expand_is_expanded(tree: Path) -> None:
    assert names([str(tree / "*.mp3")]) == ["b.mp3"]
    assert names([str(tree / "**" / "*.ogg")]) == ["c.ogg"]


def test_a_named_file_is_taken_whatever_it_is_called(tree: Path) -> None:
    assert names([str(tree / "cover.jpg")]) == ["cover.jpg"]
    assert names([str(tree / "old.restored.flac")]) == ["old.restored.flac"]


def test_a_result_is_left_out_when_its_recording_is_named_too(tree: Path) -> None:
    (tree / "old.mp3").touch()
    assert names([str(tree / "old.restored.flac"), str(tree / "old.mp3")]) == ["old.mp3"]


def test_each_recording_is_taken_once(tree: Path) -> None:
    (tree / "link.mp3").symlink_to(tree / "b.mp3")
    assert names([str(tree / "b.mp3"), str(tree / "link.mp3"), str(tree / "*.mp3")]) == ["b.mp3"]


def test_a_loop_of_links_ends(tree: Path) -> None:
    (tree / "cd 2" / "loop").symlink_to(tree, target_is_directory=True)
    assert len(names([str(tree)], recursive=True)) == 3


@pytest.mark.parametrize(
    ("text", "cure"),
    [("nothing.wav", "check the name"), ("*.wma", "check the pattern"), ("cd 3", "check the name")],
)
def test_an_input_that_names_nothing_fails_with_a_cure(tree: Path, text: str, cure: str) -> None:
    found, failures = find([str(tree / text)])
    assert found == []
    assert isinstance(failures[0].error, InputError)
    assert text in str(failures[0].error)
    assert cure in str(failures[0].error)


def test_a_folder_without_recordings_says_so(tree: Path) -> None:
    (tree / "empty").mkdir()
    _, failures = find([str(tree / "empty")])
    assert "--recursive" in str(failures[0].error)


def test_a_name_that_cannot_be_looked_at_does_not_stop_the_others(tree: Path) -> None:
    (first, *_), failures = find(["x" * 300 + ".wav", str(tree / "a.flac")])
    assert first.path == tree / "a.flac"
    (failure,) = failures
    assert "check the name" in str(failure.error)
