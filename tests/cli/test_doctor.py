"""``aliquot doctor`` finds what is wrong and names the cure."""

import importlib.metadata
import tempfile

import pytest
from click.testing import CliRunner

from aliquot.cli import doctor as module
from aliquot.cli.doctor import doctor


def test_a_sound_installation_has_no_problems() -> None:
    done = CliRunner().invoke(doctor, standalone_mode=False)
    assert done.return_value == 0
    assert "0 problems" in done.stderr
    assert "hash is right" in done.stdout


def test_two_engines_in_one_folder_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "version", lambda name: "1.0")
    finding = next(iter(module.check_engines()))
    assert finding.problem
    assert "pip uninstall" in finding.cure


def test_a_missing_engine_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", none)
    assert next(iter(module.check_engines())).problem


def test_no_ffmpeg_is_a_note_and_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    finding = next(iter(module.check_ffmpeg()))
    assert "install" in finding.cure
    assert not finding.problem


def test_a_temporary_folder_that_cannot_be_written_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    finding = next(iter(module.check_temporary_folder()))
    assert finding.problem
    assert "TMPDIR" in finding.cure


def test_a_damaged_model_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    from aliquot import weights
    from aliquot.errors import ModelError

    def damaged(model: str) -> None:
        raise ModelError("aliquot-1: sha256 differs; reinstall aliquot")

    monkeypatch.setattr(weights, "read", damaged)
    findings = list(module.check_models())
    assert findings
    assert all(finding.problem for finding in findings)
