"""A program that collects, again and again, and is killed in the middle of it when told to.

Each line of its input is ``FOLDER SECONDS``: a child collects into the folder and gets SIGKILL
after so many seconds; a negative number lets it end. The answer is the child's status and how
long it took.
"""

import os
import signal
import sys
import time
from pathlib import Path

from fakes.web import Clock
from world import Looking, quick

from aliquot.collect.client import Client
from aliquot.collect.collection import Collector
from aliquot.collect.folder import JOURNAL, WORKSHOP, prepare_folder, write_lists
from aliquot.collect.gates import Wish
from aliquot.collect.journal import Journal
from aliquot.collect.network import Network
from aliquot.collect.sources import find


def collect(folder: Path, name: str, network: Network) -> None:
    kind = find(name)
    lists = prepare_folder(folder)
    source = kind(
        Client(kind.about.reach, network, "me@example.org"), {"JAMENDO_CLIENT_ID": "a1b2c3d4"}
    )
    wish = Wish(folder, 3_600.0, today="2026-11-23")
    with Journal(folder / WORKSHOP / JOURNAL) as journal:
        for _ in Collector(source, wish, journal, Looking(quick)).run("folk"):
            pass
        write_lists(folder, journal, lists)


def main() -> None:
    name, port, ca_file, *hosts = sys.argv[1:]
    clock = Clock()
    network = Network(
        pinned={host: ("127.0.0.1", int(port)) for host in hosts},
        ca_file=Path(ca_file),
        now=clock.now,
        sleep=clock.sleep,
    )
    for line in sys.stdin:
        folder, seconds = line.rsplit(" ", 1)
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                collect(Path(folder), name, network)
                status = 0
            finally:
                os._exit(status)
        if float(seconds) >= 0:
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{status} {time.monotonic() - began}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
