"""The pages about collecting say what the code does."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes.catalogue import Song, songs
from fakes.web import Answer, Authority, Request, Web, as_json, file_answer
from world import Looking, MakeWorld, quick

from aliquot.cli import main
from aliquot.collect.client import Client
from aliquot.collect.collection import Collector
from aliquot.collect.findings import KINDS
from aliquot.collect.folder import prepare_folder
from aliquot.collect.gates import Wish
from aliquot.collect.journal import Journal
from aliquot.collect.sources import find, names

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide"


@pytest.mark.parametrize("name", names())
def test_the_table_of_sources_is_true(name: str) -> None:
    about = find(name).about
    page = (GUIDE / "collecting.md").read_text("utf-8")
    row = re.search(rf"^\| `{name}` \|(.*)\|(.*)\|(.*)\|$", page, re.M)
    assert row is not None
    limits = ", ".join(str(limit).replace(" requests", "") for limit in about.reach.limits)
    assert row[3].strip() == limits
    assert all(f"`{key.variable}`" in row[2] for key in about.keys)
    assert all(key.where in row[2] for key in about.keys if key.needed)
    assert ("contact" in row[2]) == about.contact
    assert row[1].strip().endswith("; off") == bool(about.off)


def test_the_commands_of_the_page_work(
    world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world("internet-archive", 3)
    monkeypatch.chdir(tmp_path)
    page = (GUIDE / "collecting.md").read_text("utf-8")
    lines = re.findall(r"^aliquot (collect .*)$", page, re.M)
    assert len(lines) == 2
    for line in lines:
        done = CliRunner().invoke(main, shlex.split(line), obj=place.web.network())
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "music" / "ATTRIBUTION.md").is_file()


def test_every_option_of_the_command_is_on_the_page() -> None:
    text = CliRunner().invoke(main, ["collect", "--help"]).output
    page = (GUIDE / "collecting.md").read_text("utf-8")
    for option in set(re.findall(r"--[a-z-]+", text)) - {"--help"}:
        assert option in page
    assert all(name in text for name in names())


def test_every_finding_and_what_becomes_of_it_is_on_the_page() -> None:
    page = (GUIDE / "training.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (left out|noted) \|", page, re.M)
    assert rows == [(name, "left out" if kind.refuses else "noted") for name, kind in KINDS.items()]


def test_every_option_of_prepare_is_on_the_page() -> None:
    text = CliRunner().invoke(main, ["prepare", "--help"]).output
    page = (GUIDE / "training.md").read_text("utf-8")
    for option in set(re.findall(r"--[a-z-]+", text)) - {"--help"}:
        assert option in page


def test_the_template_of_a_source_collects(authority: Authority, tmp_path: Path) -> None:
    page = (GUIDE / "sources.md").read_text("utf-8")
    (template,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    kind: dict[str, Any] = {}
    exec(compile(template, "example.py", "exec"), kind)
    music = [*songs(2), Song(3, "by-nc")]

    def record(song: Song) -> dict[str, Any]:
        return {
            "id": song.number, "title": song.title, "artist": {"name": song.by},
            "page": f"https://example.org/{song.number}", "license": {"url": song.licence_url},
            "download": f"https://a.files.example.org/{song.number}.flac",
            "size": len(song.data), "md5": song.md5, "duration": 3.0,
        }  # fmt: skip

    def api(request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer k3y":
            return Answer(401)
        number = request.path.removeprefix("/v1/tracks/")
        if number:
            return as_json(record(music[int(number) - 1]))
        place = int(request.query["page"]) - 1
        return as_json({"tracks": [record(music[place])], "next": place < 2})

    def file(request: Request) -> Answer:
        return file_answer(request, music[int(request.path[1]) - 1].data)

    apps = {"api.example.org": api, "a.files.example.org": file}
    with Web(authority, apps) as web:
        about = kind["SOURCE"].about
        source = kind["SOURCE"](Client(about.reach, web.network()), {"EXAMPLE_KEY": "k3y"})
        prepare_folder(tmp_path)
        with Journal(tmp_path / ".collect" / "journal.jsonl") as journal:
            steps = list(Collector(source, Wish(tmp_path, 60.0), journal, Looking(quick)).run("x"))
        source.client.close()
    assert [step.state for step in steps] == ["kept", "kept", "refused"]
