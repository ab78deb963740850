"""Restoring is nobody else's business: nothing is written or sent beside the result."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def test_restoring_leaves_nothing_in_the_home_folder(library: Path, tmp_path: Path) -> None:
    """onnxruntime would begin its records of telemetry there (its Privacy.md)."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    shutil.copy(library / "dull.wav", work / "dull.wav")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ORT_", "XDG_"))}
    command = [sys.executable, "-m", "aliquot", "restore", str(work / "dull.wav"), "--quiet"]
    done = subprocess.run(
        command, env={**kept, "HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (work / "dull.restored.wav").is_file()
    assert [path.relative_to(home).as_posix() for path in home.rglob("*")] == []
