"""The command line: parse, call, print, exit. Each subcommand lives in a file of its name."""

import sys
from importlib import import_module
from typing import Any

import click

import aliquot
from aliquot.errors import AliquotError, InputError, OutputError
from aliquot.io.names import shown

COMMANDS = {
    "restore": "Fill in the missing high band of recordings.",
    "inspect": "Say where a recording's own sound ends.",
    "models": "List the released models, or show one.",
    "evaluate": "Measure a model beside the baselines.",
    "collect": "Fetch openly licensed music to train on.",
    "prepare": "Measure a folder of music to train on.",
    "data": "Look at a collection of music to train on.",
    "train": "Train a model from a settings file.",
    "export": "Turn a trained model into an .onnx file.",
    "doctor": "Check this installation and name the cures.",
}
"""Subcommand -> short help, known without importing the subcommand."""

DONE, SOME_FAILED, USAGE, NO_INPUT, UNREADABLE, UNWRITABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

EXIT_STATUS = """\b
Exit status:
  0    everything done, or deliberately skipped
  1    some of several inputs failed
  2    wrong command line, setting or model
  3    no input matched
  4    the only input is unreadable
  5    the result cannot be written
  130  interrupted"""


def exit_status(error: Exception) -> int:
    """The exit status of a run that ended with this error.

    >>> exit_status(InputError("x.wav: empty")), exit_status(OutputError("disk full"))
    (4, 5)
    """
    if isinstance(error, InputError):
        return UNREADABLE
    if isinstance(error, OutputError | OSError):
        return UNWRITABLE
    return USAGE


def one_line(error: Exception) -> str:
    """An error's message on one line, with its cure."""
    if isinstance(error, OSError):
        where, what = error.filename or "the system", error.strerror or error
        return shown(f"{where}: {what}; check the path, its permissions and the free space")
    return shown(str(error))


class CommandLine(click.Group):
    """A group that imports a subcommand only when it runs, and turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the subcommands, the most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``aliquot.cli.<name>`` and take the command of the same name from it."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"aliquot.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run; one line on stderr for every foreseen error, and its exit status."""
        extra["standalone_mode"] = False
        try:
            status = super().main(*args, **extra)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            click.echo("aliquot: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except (AliquotError, OSError) as error:
            click.echo(f"aliquot: {one_line(error)}", err=True)
            sys.exit(exit_status(error))
        sys.exit(status if isinstance(status, int) else DONE)


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_STATUS,
)
@click.version_option(aliquot.__version__, message="aliquot %(version)s")
def main() -> None:
    """Restore the missing high band of music.

    Start with: aliquot restore old.mp3
    """
