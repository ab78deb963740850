"""Files that appear whole or not at all, and never in the place of an input."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from aliquot.errors import OutputError
from aliquot.io.names import shown


def check_target(target: Path, *, sources: Iterable[Path] = (), overwrite: bool = False) -> None:
    """Refuse, before any work, a target that must not or cannot be written.

    Args:
        target: Where the result is to appear.
        sources: Recordings that must survive; links to them count as themselves.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: Says what is in the way and the cure.
    """
    if target.is_dir():
        raise OutputError(f"{shown(target)} is a folder; give the name of a file in it")
    folder = target.parent
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise OutputError(
            f"{shown(target)} cannot be written: the folder {shown(folder)} {what}; "
            "create it or choose another"
        )
    if target.exists():
        for source in sources:
            if source.exists() and target.samefile(source):
                raise OutputError(
                    f"{shown(target)} is the input itself, which is never overwritten; "
                    "choose another name or folder"
                )
        if not overwrite:
            raise OutputError(f"{shown(target)} exists; choose another name or allow overwriting")


def check_space(target: Path, needed: int) -> None:
    """Refuse, before any work, what will not fit on the disk.

    Args:
        target: Where the result is to appear.
        needed: Estimated size in bytes.

    Raises:
        OutputError: Gives the bytes needed and available.
    """
    available = shutil.disk_usage(target.parent).free
    if needed > available:
        raise OutputError(
            f"{shown(target)} needs about {needed} bytes but only {available} are available; "
            "free some space or choose another disk"
        )


def write_error(target: Path, error: BaseException) -> OutputError:
    """What to tell the user of a failed write: a full disk, a forbidden folder, or the reason."""
    number = error.errno if isinstance(error, OSError) else None
    try:
        available = shutil.disk_usage(target.parent).free
    except OSError:
        available = -1
    if number in {errno.ENOSPC, errno.EDQUOT} or 0 <= available < 1 << 16:
        return OutputError(
            f"{shown(target)} cannot be written: the disk is full ({max(available, 0)} bytes "
            "available); free some space or choose another disk"
        )
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return OutputError(
            f"{shown(target)} cannot be written: the folder {shown(target.parent)} is not "
            "writable; change its permissions or choose another folder"
        )
    reason = " ".join(str(error).split()).rstrip(".")
    return OutputError(
        f"{shown(target)} cannot be written ({reason}); check the disk or choose another folder"
    )


class PendingFile:
    """A file under a temporary name beside its target until :meth:`commit`.

    Attributes:
        target: The final name.
        path: The temporary one, ``.aliquot-….part`` in the same folder.
    """

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        self.target = target
        self.path = target.parent / f".aliquot-{secrets.token_hex(8)}.part"
        self._overwrite = overwrite

    def create(self) -> None:
        """Make the temporary file, empty.

        Raises:
            OutputError: If the folder does not allow it.
        """
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            os.close(os.open(self.path, flags, 0o666))
        except OSError as error:
            raise write_error(self.target, error) from error

    def commit(self) -> None:
        """Give the file its final name, after its bytes are on the disk.

        Raises:
            OutputError: If that fails, or if a file has appeared there that may not be replaced.
        """
        try:
            flush_to_disk(self.path)
            check_target(self.target, overwrite=self._overwrite)
            self.path.replace(self.target)
            if os.name == "posix":
                flush_to_disk(self.target.parent)
        except OSError as error:
            raise write_error(self.target, error) from error

    def discard(self) -> None:
        """Remove the temporary file if it is there."""
        self.path.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until a file or folder is on the disk itself."""
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_whole(
    source: Path,
    target: Path,
    *,
    overwrite: bool,
    finish: Callable[[Path], None] | None = None,
) -> None:
    """Copy a file byte for byte; it appears whole or not at all.

    Args:
        source: The file.
        target: Its copy.
        overwrite: Whether the target may be replaced.
        finish: Called with the copy under its temporary name, before it is renamed.

    Raises:
        OutputError: If it cannot be written.
    """
    check_space(target, source.stat().st_size)
    pending = PendingFile(target, overwrite=overwrite)
    pending.create()
    try:
        shutil.copyfile(source, pending.path)
        if finish is not None:
            finish(pending.path)
        pending.commit()
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        pending.discard()
