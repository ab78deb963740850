"""Curves of a run for TensorBoard, where it is installed; the JSON lines hold the same."""

from pathlib import Path
from typing import Any


class Board:
    """Write scalars below ``folder``; without the package ``tensorboard``, nothing.

    Args:
        folder: Where its event files go; made when there is something to write.
        step: Where the run is taken up: what was written of later steps is void.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder, self.step = folder, step
        self.writer: Any = None

    def add(self, row: dict[str, float]) -> None:
        """Add a line of the log; ``step`` is its place, all else curves."""
        if self.writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return
            self.writer = SummaryWriter(str(self.folder), purge_step=self.step + 1)
        for name, value in row.items():
            if name != "step":
                self.writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Write out what is held back."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
