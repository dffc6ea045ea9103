"""Helpers for tests that run programs of the site: the database URL, free ports, and waiting."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection

# The longest wait for anything a test started: longer than the minute between two sweeps of a consumer, and than a
# program needs to start while everything else keeps the machine busy. Half of what pytest gives a test.
PATIENCE_SECONDS = 200


def database_url() -> str:
    """Return the URL of this test's database for another process."""
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    return f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


def free_port() -> int:
    """Return a free port below the ephemeral ports, a different one in each process."""
    port = 15000 + os.getpid() % 5000
    while not is_free(port):
        port += 1
    return port


def is_free(port: int) -> bool:
    """Return whether a server can bind to the port. A program that has bound it without listening also blocks it."""
    with socket.socket() as probe:
        # As servers do, so that a recently closed connection does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens_to(process: subprocess.Popen[Any], number: signal.Signals) -> bool:
    """Return whether a program has installed its signal handler. Before that the signal ends it."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        # Only Linux has this file. Elsewhere two seconds are enough on an idle machine.
        time.sleep(2)
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status.read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def end_group(process: subprocess.Popen[Any], *, patience_seconds: float = PATIENCE_SECONDS / 4) -> None:
    """End a program that was started in a session of its own, and all that it has started, and wait for it.

    Where the tests run in the background of a shell, their children ignore SIGINT.
    """
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_seconds)
                break
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def child_processes(parent: int, word: str) -> list[int]:
    """Return the ids of the child processes of a process with a word in their command line. Only on Linux."""
    children = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name of the program is in brackets and may contain anything, so the fields are read after it.
            of_parent = int((process / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if of_parent and word in (process / "cmdline").read_text():
                children.append(int(process.name))
    return children


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Stop a process for the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at, f"the condition was not met within {PATIENCE_SECONDS} seconds"
        time.sleep(0.05)
