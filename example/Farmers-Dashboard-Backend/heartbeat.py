"""Says which run of a singleton lived when, so that two that overlap can be seen.

Each run has a file in the volume, of one tab-separated line: start, last sign of life (both in
microseconds since the epoch), container, commit.
"""

import os
import socket
import time
from pathlib import Path

KEPT_RUNS = 50


def open_heartbeat(volume="/heartbeats"):
    """Starts a run's file and returns the function that says: still alive."""
    directory = Path(volume, os.environ["SERVICE"])
    directory.mkdir(exist_ok=True)
    for old in sorted(directory.glob("[0-9]*"))[:-KEPT_RUNS]:
        old.unlink()

    started, container = read_clock(), socket.gethostname()
    path = directory / f"{started}-{container}"
    draft = directory / f".{path.name}"

    def beat():
        draft.write_text(f"{started}\t{read_clock()}\t{container}\t{os.environ['COMMIT']}\n")
        draft.replace(path)

    beat()
    return beat


def read_clock():
    return time.time_ns() // 1000
