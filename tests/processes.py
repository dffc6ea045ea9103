"""What tests need that run programs of the site beside themselves: its database, free ports, and patience."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection


def database_url() -> str:
    """The database of this test, as another process is told of it."""
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    return f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


def free_port() -> int:
    """A port that nobody uses, below those that the system hands out, and another one in each process."""
    port = 15000 + os.getpid() % 5000
    while not is_free(port):
        port += 1
    return port


def is_free(port: int) -> bool:
    """Whether a server may listen there: also a program that has the port and does not listen yet keeps it."""
    with socket.socket() as probe:
        # As servers do: a connection that was just closed does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens_to(process: subprocess.Popen[Any], number: signal.Signals) -> bool:
    """Whether a program has said what it does at a signal; before that, the signal ends it."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        # Only Linux tells. Elsewhere this is long enough on a machine with nothing else to do.
        time.sleep(2)
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status.read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def wait_until(is_so: Callable[[], object]) -> None:
    """Return once it has come to that. It may take longer than the minute between two sweeps of a consumer."""
    ends_at = time.monotonic() + 100
    while not is_so():
        assert time.monotonic() < ends_at, "it did not come to that in 100 seconds"
        time.sleep(0.05)
