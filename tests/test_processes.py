"""The helper that ends programs of tests leaves nothing running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import child_processes, end_group, wait_until

_PROGRAM = """
import signal, subprocess, sys, time
for name in sys.argv[1:]:
    signal.signal(signal.Signals[name], signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print("ready", flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("ignored", [[], ["SIGINT"], ["SIGINT", "SIGTERM"]])
def test_a_program_and_its_children_end_whatever_they_ignore(ignored: list[str]) -> None:
    command = [sys.executable, "-c", _PROGRAM, *ignored]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            # A program that has just begun has no command line for a moment.
            wait_until(lambda: len(child_processes(process.pid, "time.sleep(300)")) == 1)
            [child] = child_processes(process.pid, "time.sleep(300)")
        finally:
            end_group(process, patience_seconds=0.5)
        assert process.poll() is not None
        wait_until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    """Return whether a process runs. One that has ended stays as a zombie until its new parent has looked at it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
