"""Runs several programs in parallel and stops all of them, including their child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

GRACE_SECONDS = 8
KILL_SECONDS = 2
POLL_SECONDS = 0.1


class Stopped(Exception):
    """Raised after Ctrl-C or another signal to stop."""


class Died(Exception):
    """Raised if a program that should keep running has ended."""


class Processes:
    """Programs that start and stop together.

    A signal only sets a flag, which the waiting functions check: an exception in the signal handler could come between
    starting a program and recording it. Each program leads a process group, so that its children are stopped too.
    """

    def __init__(self, *, follow_parent: bool = False) -> None:
        """Install signal handlers. With `follow_parent`, the end of the parent process counts as a signal."""
        self._parent = os.getppid() if follow_parent else None
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._asked_to_stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._asked_to_stop.set())

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a program under a readable name."""
        self.check()
        self._running[name] = subprocess.Popen(  # noqa: S603 (only our own commands come here)
            command, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True
        )

    def finish(self, name: str) -> None:
        """Wait until a program finishes. Raises `Stopped` on a signal and `Died` if it fails."""
        process = self._running[name]
        while process.poll() is None:
            self.pause()
        if process.returncode:
            raise Died(_obituary(name, process.returncode))
        del self._running[name]

    def pause(self) -> None:
        """Wait a moment, or less if a signal comes."""
        self._asked_to_stop.wait(POLL_SECONDS)
        self.check()

    def check(self) -> None:
        """Raise `Stopped` if a signal has come."""
        if self._asked_to_stop.is_set() or self._parent not in {None, os.getppid()}:
            raise Stopped

    def check_alive(self) -> None:
        """Raise `Died` for the first program that has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Died(_obituary(name, process.returncode))

    def stop(self) -> None:
        """Stop all programs, last started first: SIGTERM, then SIGKILL after a grace period."""
        groups = [process.pid for process in reversed(self._running.values())]
        for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            for group in groups:
                _send(group, number)
            groups = self._wait(groups, seconds)
        self._running.clear()

    def _wait(self, groups: list[int], seconds: float) -> list[int]:
        """Return the groups that still have a process after so many seconds."""
        until = time.monotonic() + seconds
        while groups and time.monotonic() < until:
            time.sleep(0.02)
            for process in self._running.values():
                process.poll()
            groups = [group for group in groups if _send(group, 0)]
        return groups


def _send(group: int, number: int) -> bool:
    """Send a signal to a process group; False if the group has no process left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def _obituary(name: str, code: int) -> str:
    how = f"was stopped by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
    return f"The {name} {how}."
