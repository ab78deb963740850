"""Several recordings examined at once, each by a process of its own; the results stay in order."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from aliquot.collect.examine import Examiner
from aliquot.collect.measure import Examination


class Crew:
    """Examiners side by side. Use it in a ``with`` statement; leaving it ends them all."""

    def __init__(self, jobs: int, hire: Callable[[], Examiner]) -> None:
        """Nobody is hired before there is work.

        Args:
            jobs: Recordings examined at once.
            hire: Makes an examiner.
        """
        self._pool = ThreadPoolExecutor(jobs)
        self._all = [hire() for _ in range(jobs)]
        self._idle: SimpleQueue[Examiner] = SimpleQueue()
        for examiner in self._all:
            self._idle.put(examiner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for examiner in self._all:
            examiner.close()
        self._pool.shutdown(cancel_futures=True)

    def examine(self, path: Path) -> "Future[Examination]":
        """Have a recording examined as soon as somebody is idle."""
        return self._pool.submit(self._examine, path)

    def _examine(self, path: Path) -> Examination:
        examiner = self._idle.get()
        try:
            return examiner.examine(path)
        finally:
            self._idle.put(examiner)
