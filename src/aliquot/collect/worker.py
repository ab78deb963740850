"""The process behind :class:`aliquot.collect.examine.Examiner`: a line in, a line out.

Run as ``python -m aliquot.collect.worker MEGABYTES``.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from aliquot.collect.chroma import SCHEMES
from aliquot.collect.examine import as_json
from aliquot.collect.findings import Finding, Limits
from aliquot.collect.measure import Examination, measure
from aliquot.io.names import shown

_ORPHAN_SECONDS = 2.0


def main() -> None:
    """Answer until nobody asks any more."""
    answers = _private_output()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a decoder of ours ends too
    limit_memory(int(sys.argv[1]) << 20)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    for line in sys.stdin.buffer:
        answer = _answer(line) if line.strip() else {}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _private_output() -> BinaryIO:
    """Where answers go; what libraries print to stdout is kept out of them."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def _answer(line: bytes) -> dict[str, object]:
    question = json.loads(line)
    path = Path(question["path"])
    try:
        return as_json(measure(path, Limits(**question["limits"]), SCHEMES[question["scheme"]]))
    except MemoryError:
        reason = f"{shown(path)} needs more memory than it may have, leave it out"
        return as_json(Examination(problems=(Finding("unreadable", reason),)))


def limit_memory(most_bytes: int) -> None:
    """Let this process have no more address space, where the system can see to that."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _end_with_parent(parent: int) -> None:
    """A decoder in an endless loop must not outlive a parent that was killed."""
    while os.getppid() == parent:
        time.sleep(_ORPHAN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
