"""What README and guide tell people to type works, in the order they tell it."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from aliquot import weights
from aliquot.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
ELSEWHERE = {"train", "export", "collect"}  # what takes minutes, or hosts, has tests of its own


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages speak of: a recording, an album, music, a model of one's own."""
    shutil.copy(library / "dull.mp3", tmp_path / "old.mp3")
    (tmp_path / "album" / "cd 2").mkdir(parents=True)
    shutil.copy(library / "dull.wav", tmp_path / "album" / "one.wav")
    shutil.copy(library / "full.flac", tmp_path / "album" / "cd 2" / "two.flac")
    for collection in ("music", "magnatagatune"):
        shutil.copytree(tmp_path / "album", tmp_path / collection)
    shutil.copy(weights.find("default").path, tmp_path / "my-model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_aliquot_command_of_a_page_succeeds(page: Path, folder: Path) -> None:
    for line in "".join(blocks(page, "sh")).replace("\\\n", "").splitlines():
        words = shlex.split(line.partition("|")[0], comments=True)
        if words[:1] != ["aliquot"] or words[1] in ELSEWHERE:
            continue
        done = CliRunner().invoke(main, words[1:])
        assert done.exit_code == 0, f"{line}\n{done.stderr}{done.exception!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, folder: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(ROOT.glob("docs/**/*.md"))], ids=lambda page: page.name
)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        name
        for page in (*PAGES, ROOT / "CONTRIBUTING.md")
        for name in re.findall(r"make ([a-z]+)", "".join(blocks(page, "sh")))
    }
    assert named <= targets
