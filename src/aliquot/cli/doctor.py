"""``aliquot doctor``: is this installation sound, and if not, what cures it."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click

import aliquot
from aliquot.errors import AliquotError

NEEDED = ("numpy", "soundfile", "soxr", "onnxruntime", "click", "tqdm", "mutagen")
OPTIONAL = ("matplotlib", "scipy", "torch")
ONNX_CURE = "pip uninstall -y onnxruntime onnxruntime-gpu; pip install onnxruntime"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: What.
        text: What was found.
        cure: What to do, if it is a problem or a lack.
        problem: Whether aliquot cannot work as it is.
    """

    name: str
    text: str
    cure: str = ""
    problem: bool = False


@click.command(epilog="Exit status: 0 all is well, 1 there is a problem.")
def doctor() -> int:
    """Check this installation and name the cures."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        check_python,
        check_packages,
        check_engines,
        check_ffmpeg,
        check_models,
        check_temporary_folder,
    )
    findings = [finding for check in checks for finding in check()]
    for finding in findings:
        mark = "problem" if finding.problem else "note" if finding.cure else "ok"
        click.echo(f"{mark:8} {finding.name:14} {finding.text}")
        if finding.cure:
            click.echo(f"{'':8} {'':14} cure: {finding.cure}")
    problems = sum(finding.problem for finding in findings)
    click.echo(f"{problems} problem{'' if problems == 1 else 's'}", err=True)
    return 1 if problems else 0


def check_python() -> Iterator[Finding]:
    """The interpreter and the system."""
    old = sys.version_info < (3, 11)
    cure = "install Python 3.11 or newer" if old else ""
    yield Finding("aliquot", aliquot.__version__)
    yield Finding("python", f"{platform.python_version()} on {platform.platform()}", cure, old)


def check_packages() -> Iterator[Finding]:
    """Every package of the base install, imported; and which extras are there."""
    for name in NEEDED:
        try:
            import_module(name)
            yield Finding(name, version(name))
        except (ImportError, OSError, PackageNotFoundError) as error:
            cure = f"pip install --force-reinstall {name}"
            yield Finding(name, f"cannot be used: {error}", cure, problem=name != "mutagen")
    for name in OPTIONAL:
        try:
            yield Finding(name, f"{version(name)} (optional)")
        except PackageNotFoundError:
            yield Finding(name, "not installed (optional)")


def check_engines() -> Iterator[Finding]:
    """Two distributions of ONNX Runtime share one folder and break each other."""
    found = []
    for name in ("onnxruntime", "onnxruntime-gpu"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    clash = len(found) > 1
    text = " and ".join(found) + (" overwrite each other" if clash else "")
    yield Finding("engine", text or "none", ONNX_CURE if len(found) != 1 else "", len(found) != 1)


def check_ffmpeg() -> Iterator[Finding]:
    """Needed to read M4A, WMA, APE, WavPack and video; nothing else."""
    path = shutil.which("ffmpeg")
    cure = "" if path else "sudo apt-get install ffmpeg, or https://ffmpeg.org/download.html"
    yield Finding("ffmpeg", path or "not found: no M4A, WMA, APE, WavPack or video", cure)


def check_models() -> Iterator[Finding]:
    """Every release in the package against its hash."""
    from aliquot import weights

    for name in weights.releases():
        try:
            weights.read(name)
            yield Finding("model", f"{name}: hash is right")
        except (AliquotError, OSError) as error:
            yield Finding(
                "model", f"{name}: {error}", "pip install --force-reinstall aliquot", True
            )


def check_temporary_folder() -> Iterator[Finding]:
    """Whether temporary files can be made."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(1 << 16))
        yield Finding("temp folder", tempfile.gettempdir())
    except OSError as error:
        cure = "free some space, or set TMPDIR to a folder that can be written"
        yield Finding("temp folder", str(error), cure, problem=True)
