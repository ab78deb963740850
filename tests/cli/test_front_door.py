"""The command itself: its help, its errors, its speed."""

import subprocess
import sys
import time
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

import aliquot
from aliquot.cli import COMMANDS, CommandLine, exit_status, main, one_line
from aliquot.errors import ConfigError, InputError, ModelError, OutputError


def seconds_of_help() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "aliquot", "--help"], capture_output=True, check=True)
    return time.perf_counter() - began


def test_the_help_is_there_within_300_ms() -> None:
    """The machine may be busy, so the best of several counts."""
    assert any(seconds_of_help() <= 0.3 for _ in range(20))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_a_help_that_needs_no_torch(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_subcommand_carries_the_name_of_its_file(name: str) -> None:
    command = getattr(import_module(f"aliquot.cli.{name}"), name)
    assert isinstance(command, click.Command)
    assert command.name == name


def test_the_version_is_the_package_s() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"aliquot {aliquot.__version__}\n"


def test_an_unknown_subcommand_ends_with_status_2() -> None:
    done = CliRunner().invoke(main, ["restor", "x.wav"])
    assert done.exit_code == 2
    assert "restor" in done.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("x"), 4),
        (OutputError("x"), 5),
        (OSError(28, "No space left on device", "x"), 5),
        (ConfigError("x"), 2),
        (ModelError("x"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_that_reaches_the_top_is_one_line_and_a_status(
    error: BaseException, status: int
) -> None:
    @click.group(cls=CommandLine)
    def broken() -> None:
        raise error

    done = CliRunner().invoke(broken, ["doctor"])
    assert done.exit_code == status
    assert len(done.stderr.strip().splitlines()) == 1
    if isinstance(error, Exception):
        assert exit_status(error) == status


def test_a_name_with_a_line_break_stays_on_one_line() -> None:
    assert one_line(InputError("a\nb\x1b[2J.wav: empty")) == "a\\nb\\x1b[2J.wav: empty"
    assert "; check the path" in one_line(OSError(13, "Permission denied", "x.wav"))
