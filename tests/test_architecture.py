"""The shape of the house: what may import what, what may be written, and how long."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "aliquot"
FILES = sorted(PACKAGE.rglob("*.py"))

RUNTIME = (
    "aliquot, aliquot.api, aliquot.batch.local, aliquot.batch.plan, aliquot.cli.collect, "
    "aliquot.cli.console, "
    "aliquot.cli.doctor, aliquot.cli.evaluate, aliquot.cli.inspect, aliquot.cli.models, "
    "aliquot.cli.data, aliquot.cli.prepare, aliquot.cli.restore, aliquot.collect.prepare, "
    "aliquot.collect.report, aliquot.degrade.chain, aliquot.evaluate, aliquot.io.sound, "
    "aliquot.metrics.suite, aliquot.pipeline, aliquot.verdict"
)

BANNED = {
    "pickle": r"\bimport (pickle|marshal|shelve|dill)\b|\bfrom (pickle|dill) import",
    "torch.load": r"\btorch\.load\(",
    "yaml": r"\byaml\.(unsafe_)?load\(",
    "eval": r"(?<![.\w])(eval|exec)\(",
    "shell": r"shell\s*=\s*True",
    "extractall": r"\.extractall\(",
    "print": r"(?<![.\w])print\(",
    "no verification": r"verify\s*=\s*False",
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_imports_point_one_way() -> None:
    lint = "import sys; from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runtime_imports_neither_torch_nor_any_extra() -> None:
    extras = ("torch", "safetensors", "scipy", "matplotlib", "onnx", "urllib3")
    code = f"import sys, {RUNTIME}; print([name for name in {extras} if name in sys.modules])"
    assert run(code) == "[]"


def test_the_help_imports_only_click() -> None:
    heavy = ("numpy", "soundfile", "soxr", "onnxruntime", "tqdm", "mutagen", "asyncio")
    code = (
        "import sys\n"
        "from aliquot.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert run(code).splitlines()[-1] == "[]"


def test_importing_changes_nothing_in_the_process() -> None:
    code = (
        "import os, signal, threading, warnings, logging, random\n"
        "import numpy, click, tqdm, soundfile, soxr, onnxruntime\n"
        "def state(): return (dict(os.environ), os.getcwd(), threading.active_count(),\n"
        "  list(warnings.filters), list(logging.getLogger().handlers), random.getstate(),\n"
        "  numpy.random.get_state()[1].tolist(), signal.getsignal(signal.SIGTERM))\n"
        "before = state()\n"
        f"import {RUNTIME}\n"
        "print(state() == before)"
    )
    assert run(code) == "True"


def test_every_public_name_is_there() -> None:
    code = "import aliquot; print([n for n in aliquot.__all__ if getattr(aliquot, n) is None])"
    assert run(code) == "[]"


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import aliquot

    with pytest.raises(AttributeError, match="no attribute 'restore_all'"):
        aliquot.restore_all  # noqa: B018


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_short_and_writes_nothing_banned(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert [name for name, pattern in BANNED.items() if re.search(pattern, text)] == []


def test_the_versions_of_the_tests_cover_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(text for extra in extras for text in extra)]
    names = {re.split(r"[<>=\[ ]", text)[0] for text in wanted} - {"aliquot"}
    pinned = re.findall(r"^([\w-]+)==\S+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert names <= set(pinned)
