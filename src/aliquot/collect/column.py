"""Numbers kept on the disk instead of in memory, for what grows with a collection."""

import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aliquot.io.atomic import write_error


class Column:
    """Numbers of one kind in a nameless file that vanishes with the process.

    >>> column = Column(np.uint32)
    >>> column.append(np.arange(5, dtype=np.uint32))
    >>> len(column), column.read(2, 4).tolist()
    (5, [2, 3])
    """

    def __init__(self, dtype: DTypeLike, folder: Path | None = None) -> None:
        """Nothing yet.

        Args:
            dtype: Kind of the numbers.
            folder: Where the file lies while it is open; None for the system's own.

        Raises:
            OutputError: If nothing can be written there.
        """
        self._dtype = np.dtype(dtype)
        self._folder = folder or Path(tempfile.gettempdir())
        self._length = 0
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with us
        except OSError as error:
            raise write_error(self._folder / "fingerprints", error) from error
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._length

    def append(self, numbers: NDArray[Any]) -> None:
        """Add numbers at the end.

        Raises:
            OutputError: If the disk is full.
        """
        try:
            self._file.seek(self._length * self._dtype.itemsize)
            self._file.write(numbers.astype(self._dtype, copy=False).tobytes())
            self._file.flush()
        except OSError as error:
            raise write_error(self._folder / "fingerprints", error) from error
        self._length += numbers.size

    def read(self, first: int, after: int) -> NDArray[Any]:
        """The numbers from one place up to another; not to be changed."""
        self._file.seek(first * self._dtype.itemsize)
        return np.frombuffer(self._file.read((after - first) * self._dtype.itemsize), self._dtype)
