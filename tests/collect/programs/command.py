"""The command line as a program of its own whose hosts are the fake ones of its parent.

``python command.py PORT CA_FILE HOST,HOST WORD…`` runs ``aliquot WORD…``.
"""

import signal
import sys
from pathlib import Path

from fakes.web import Clock

from aliquot.cli import main
from aliquot.collect.network import Network

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run in the background
    port, ca_file, hosts, *words = sys.argv[1:]
    clock = Clock()
    network = Network(
        pinned={host: ("127.0.0.1", int(port)) for host in hosts.split(",")},
        ca_file=Path(ca_file),
        now=clock.now,
        sleep=clock.sleep,
    )
    main(words, obj=network)
