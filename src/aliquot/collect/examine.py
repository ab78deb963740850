"""Examine files that nobody vouches for: each is decoded in a process that may die in our stead.

A decoder that crashes, never ends, or asks for all the memory costs one recording a finding, with
the reason, and nothing else. The process is a program of its own (no fork of this one), so callers
may have as many threads as they like.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

import aliquot
from aliquot.collect.chroma import SCHEMES
from aliquot.collect.findings import Finding, Limits
from aliquot.collect.fingerprint import SPECTRAL_HASH, Fingerprint, Scheme
from aliquot.collect.measure import Examination
from aliquot.io.ffprobe import last_line
from aliquot.io.names import shown

__all__ = ["Examination", "Examiner", "examine"]

TIME_LIMIT = 900.0
"""Seconds for one recording: more than ten hours of music on a slow machine."""
MEMORY_LIMIT_MB = 3_072
"""Address space of the process; what it needs is a tenth of that."""
START_SECONDS = 120.0
"""A process that is not ready by then never will be."""
_GRACE_SECONDS = 2.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def examine(
    path: Path,
    *,
    time_limit: float = TIME_LIMIT,
    memory_limit_mb: int = MEMORY_LIMIT_MB,
    limits: Limits | None = None,
) -> Examination:
    """Examine one recording in a process of its own; see :class:`Examiner` for many.

    Args:
        path: Any file.
        time_limit: Seconds after which the process is ended.
        memory_limit_mb: Address space it may have, where the system can limit it.
        limits: From where on something is a finding.

    Returns:
        What was found; whatever goes wrong is a finding of kind ``unreadable``.
    """
    with Examiner(time_limit=time_limit, memory_limit_mb=memory_limit_mb, limits=limits) as worker:
        return worker.examine(path)


class Examiner:
    """A process that examines recordings one after another, replaced when one breaks it.

    One thread at a time may call :meth:`examine`; any thread may call :meth:`close`, which ends a
    running examination.
    """

    def __init__(
        self,
        *,
        time_limit: float = TIME_LIMIT,
        memory_limit_mb: int = MEMORY_LIMIT_MB,
        limits: Limits | None = None,
        scheme: Scheme = SPECTRAL_HASH,
    ) -> None:
        """Nothing is started before the first examination.

        Args:
            time_limit: Seconds for one recording.
            memory_limit_mb: Address space of the process, where the system can limit it.
            limits: From where on something is a finding.
            scheme: How fingerprints are made.

        Raises:
            ValueError: If a limit is not positive.
        """
        if not (time_limit > 0 and memory_limit_mb > 0):
            raise ValueError(
                f"limits must be positive, got {time_limit} s and {memory_limit_mb} MB"
            )
        self._time_limit = time_limit
        self._memory_limit_mb = memory_limit_mb
        self._limits = limits or Limits()
        self._scheme = scheme
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def examine(self, path: Path) -> Examination:
        """Examine a recording.

        Args:
            path: Any file.

        Returns:
            What was found; whatever goes wrong is a finding of kind ``unreadable``.
        """
        reason = self._ready()
        if not reason:
            question = {
                "path": str(path.absolute()),
                "limits": asdict(self._limits),
                "scheme": self._scheme.name,
            }
            answer, reason = self._ask(json.dumps(question), self._time_limit)
            if answer:
                return from_json(json.loads(answer))
        return Examination(problems=(Finding("unreadable", f"{shown(path)} {reason}"),))

    def close(self) -> None:
        """End the process. May be called again, and from any thread."""
        with self._lock:
            self._closed = True
        self._end()

    def _ready(self) -> str:
        """Start a process if there is none; why that failed, or nothing."""
        if self._process is not None and self._process.poll() is None:
            return ""
        self._end()
        with self._lock:
            if self._closed:
                return "was not examined: it was broken off"
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aliquot.collect.worker", str(self._memory_limit_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        _, reason = self._ask("", START_SECONDS)
        return reason

    def _ask(self, question: str, seconds: float) -> tuple[bytes, str]:
        """A line there, a line back; or why there is none."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return b"", "was not examined: it was broken off"
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        alarm = threading.Timer(seconds, end)
        alarm.daemon = True
        alarm.start()
        try:
            process.stdin.write(question.encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except (OSError, ValueError):  # it is gone, or was closed
            answer = b""
        finally:
            alarm.cancel()
        if answer.endswith(b"\n"):
            return answer, ""
        reason = self._cause(process, seconds, late=late.is_set())
        self._end()
        return b"", reason

    def _cause(self, process: "subprocess.Popen[bytes]", seconds: float, *, late: bool) -> str:
        if late:
            return f"was not decoded within {seconds:g} s; leave it out, or raise the time limit"
        if self._closed:
            return "was not examined: it was broken off"
        status = process.wait()
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        said = b""
        if self._errors is not None:
            self._errors.seek(0)
            said = self._errors.read()[-4_000:]
        because = f" ({last_line(said)})" if said.strip() else ""
        return f"broke its decoder, which {how}{because}; convert it anew, or leave it out"

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            errors, self._errors = self._errors, None
        if process is not None:
            _kill(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        if errors is not None:
            errors.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process, first by asking: it may have a decoder of its own to end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was written last found nobody to read it
        return


def _environment() -> dict[str, str]:
    """Ours, with this package to be found, and one thread for what is never large."""
    here = str(Path(aliquot.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"PYTHONPATH": paths} | dict.fromkeys(_ONE_THREAD, "1")


def as_json(found: Examination) -> dict[str, Any]:
    """An examination as plain values; :func:`from_json` takes them back.

    >>> from_json(as_json(Examination(seconds=2.5, problems=(Finding("short", "x"),)))).problems
    (Finding(kind='short', detail='x'),)
    """
    plain = {name: getattr(found, name) for name in _PLAIN}
    return plain | {
        "words": base64.b64encode(found.fingerprint.words.astype("<u4").tobytes()).decode(),
        "levels": base64.b64encode(found.fingerprint.levels.tobytes()).decode(),
        "scheme": found.fingerprint.scheme.name,
        "problems": [[finding.kind, finding.detail] for finding in found.problems],
    }


def from_json(values: dict[str, Any]) -> Examination:
    """The examination that :func:`as_json` was given."""
    words = np.frombuffer(base64.b64decode(values["words"]), "<u4").astype(np.uint32)
    levels = np.frombuffer(base64.b64decode(values["levels"]), np.uint8)
    return Examination(
        **{name: values[name] for name in _PLAIN},
        fingerprint=Fingerprint(words, levels, SCHEMES[values["scheme"]]),
        problems=tuple(Finding(kind, detail) for kind, detail in values["problems"]),
    )


_PLAIN = (
    "seconds", "sample_rate", "channels", "codec", "bandwidth_hz", "bandwidth_typical_hz", "sha256",
)  # fmt: skip
