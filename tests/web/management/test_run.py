"""`manage.py run` starts everything and stops everything."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.conf import settings

from tests.processes import PATIENCE_SECONDS, is_free, wait_until

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two adjacent free ports below the ephemeral range; the one after them, of the viewer, is free too."""
    first = 23000 + os.getpid() % 4000 * 2
    while not all(is_free(first + place) for place in range(3)):
        first += 2
    return first, first + 1


@pytest.fixture
def start(ports: tuple[int, int], tmp_path: Path) -> Iterator[Start]:
    """Start `manage.py run` with its own database; stop what a failing test leaves running."""
    started = []

    def start(*words: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--without-demo", *words],
            cwd=settings.BASE_DIR,
            env={name: value for name, value in os.environ.items() if name != "REDIS_URL"}
            | {"PORT": str(ports[0]), "DATABASE_URL": f"sqlite:///{tmp_path / 'run.sqlite3'}"}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for number in [*_descendants(process.pid), process.pid]:
            _end(number)
        process.communicate()


def test_the_site_answers_and_ctrl_c_leaves_no_process(start: Start, ports: tuple[int, int]) -> None:
    """Also with the viewer of traces, which receives the requests of the site."""
    process = start("--apm")
    printed = _read_until(process, "Ctrl-C stops everything.")
    assert f"Asusu is at http://localhost:{ports[0]}" in printed
    assert f"The test inbox is at http://localhost:{ports[0]}/messages/mailbox/" in printed
    assert f"The lab is at http://localhost:{ports[0]}/lab/" in printed
    with urlopen(f"http://127.0.0.1:{ports[0]}/static/css/app.css", timeout=PATIENCE_SECONDS) as page:
        assert page.status == 200
    assert f"The viewer of traces is at http://127.0.0.1:{ports[0] + 2}" in printed
    with urlopen(f"http://127.0.0.1:{ports[0]}/help/", timeout=PATIENCE_SECONDS):
        wait_until(lambda: "GET help/" in _traces(ports[0] + 2))
    # The server and its reloader child, the worker, the simulator, the viewer and Redis.
    wait_until(lambda: len(_descendants(process.pid)) >= 6)
    descendants = _descendants(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: not [number for number in descendants if _is_alive(number)])


def test_if_one_program_dies_all_are_stopped_and_it_is_named(
    start: Start, migrated_file: Path, tmp_path: Path
) -> None:
    shutil.copy(migrated_file, tmp_path / "run.sqlite3")
    process = start()
    _read_until(process, "Ctrl-C stops everything.")
    # A process has its command line a moment after it started, and the server starts a second process.
    wait_until(lambda: _workers(process) and len(_descendants(process.pid)) >= 5)
    descendants = _descendants(process.pid)
    os.kill(_workers(process)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "The worker was stopped by SIGKILL. Everything else was stopped too." in output
    wait_until(lambda: not [number for number in descendants if _is_alive(number)])


@pytest.mark.parametrize("place", [0, 1], ids=["the site's port", "the simulator's port"])
def test_a_taken_port_is_reported_in_one_line(start: Start, ports: tuple[int, int], place: int) -> None:
    with socket.create_server(("127.0.0.1", ports[place])):
        output, _ = start().communicate(timeout=PATIENCE_SECONDS)
    assert f"Port {ports[place]}" in output
    assert f"PORT={ports[0] + 10} make run" in output
    assert len(output.splitlines()) == 1


def test_without_debug_it_does_not_serve(start: Start) -> None:
    secrets = {
        "SITE_URL": "https://savings.example",
        "SECRET_KEY": "s" * 60,
        "EMAIL_URL": "dummymail://",
        "PAYSTACK_SECRET_KEY": "sk_live_x",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    process = start(DEBUG="0", **secrets)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "This is for development" in output
    assert process.returncode == 1


def _traces(port: int) -> str:
    """Return the front page of the viewer of traces."""
    asked = Request(f"http://127.0.0.1:{port}/", headers={"Accept": "text/html"})
    with urlopen(asked, timeout=PATIENCE_SECONDS) as page:
        text: str = page.read().decode()
    return text


def _read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    printed = ""
    for line in process.stdout:
        printed += line
        if words in line:
            return printed
    raise AssertionError(f"It ended before it said {words!r}:\n{printed}")


def _descendants(number: int) -> list[int]:
    """Return all descendants of a process."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found = [number]
    for ancestor in found:
        found += [child for child, parent in parents if parent == ancestor]
    return found[1:]


def _workers(process: subprocess.Popen[str]) -> list[int]:
    return [number for number in _descendants(process.pid) if "run_huey" in _command_line(number)]


def _command_line(number: int) -> str:
    command = ["ps", "-p", str(number), "-o", "args="]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _is_alive(number: int) -> bool:
    """Return whether a process is running; a zombie is not."""
    command = ["ps", "-p", str(number), "-o", "stat="]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def _end(number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
