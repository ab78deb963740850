"""The command line, run in this process or as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aliquot.cli import main

Run = Callable[..., Result]
Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run() -> Run:
    """Run in this process: quick; what C libraries print is not seen."""
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run as a user does, in an empty folder: slower; all that is printed is seen."""

    def run_program(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aliquot", *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )

    return run_program


@pytest.fixture
def files(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Everything that lies in the folder of a test, hidden files too, with its bytes."""

    def snapshot() -> dict[str, bytes]:
        return {
            str((Path(folder) / name).relative_to(tmp_path)): (Path(folder) / name).read_bytes()
            for folder, _, names in os.walk(tmp_path)
            for name in names
        }

    return snapshot
