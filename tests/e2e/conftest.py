"""The whole site as `make run` starts it, and a browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from tests import apm_intake
from tests.e2e.person import Person
from tests.processes import child_processes, end_group, is_free
from web.dev import apm
from web.dev.apm.viewer import Viewer

START_SECONDS = 120
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a private site."""
    port = _free_pair_of_ports()
    folder = tmp_path_factory.mktemp("site")
    return {
        **{name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "EMAIL_URL"}},
        "DEBUG": "1",
        "PORT": str(port),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "SIMULATOR_URL": f"http://127.0.0.1:{port + 1}",
        "SIMULATOR_FILE": str(folder / "simulator.sqlite3"),
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "DEBUG_TOOLBAR": "0",
    }


@pytest.fixture(scope="session")
def make_run(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the site, the worker and the simulator with demo data."""
    log = tmp_path_factory.mktemp("log") / "site"
    with _started(["run"], environment, environment["SITE_URL"], log) as process:
        yield process


@pytest.fixture(scope="session")
def site(make_run: subprocess.Popen[bytes], environment: dict[str, str]) -> str:
    """Return the URL of the running site."""
    return environment["SITE_URL"]


@pytest.fixture(scope="session")
def worker(make_run: subprocess.Popen[bytes]) -> int:
    """Return the process id of the site's worker."""
    [pid] = child_processes(make_run.pid, "run_huey")
    return pid


@pytest.fixture(scope="module")
def watched_site(
    site: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Start a second server for the same site with the debug toolbar, and return its URL."""
    port = _free_pair_of_ports()
    command = ["runserver", "--noreload", f"127.0.0.1:{port}"]
    log = tmp_path_factory.mktemp("log") / "watched"
    toolbar = environment | {"DEBUG_TOOLBAR": "1"}
    address = f"http://127.0.0.1:{port}"
    with _started(command, toolbar, address, log):
        yield address


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    """The viewer of traces, as `make apm` starts it."""
    with apm_intake.serving(Viewer()) as server:
        yield server


@pytest.fixture
def traced_site(site: str, environment: dict[str, str], viewer: Viewer, tmp_path: Path) -> Iterator[str]:
    """Start a second server and a worker for the same site, which send their traces, and return the server's URL.

    They have databases of their own in the site's Redis, so that the site's own worker takes none of their tasks.
    """
    port = _free_pair_of_ports()
    address = f"http://127.0.0.1:{port}"
    socket = settings.VAR_DIR / f"redis-{environment['PORT']}.sock"
    traced = environment | apm.variables(viewer.url) | {"REDIS_URL": f"unix://{socket}?db=4"}
    server = ["runserver", "--noreload", f"127.0.0.1:{port}"]
    with (
        _started(["run_huey"], traced, site, tmp_path / "worker"),
        _started(server, traced, address, tmp_path / "server"),
    ):
        yield address


@contextlib.contextmanager
def _started(
    command: list[str], environment: dict[str, str], address: str, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"{address}/healthz/", process, log)
        yield process
    finally:
        end_group(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it the tests fail instead of being skipped."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "The browser tests need Chromium on PATH."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=CHROMIUM_FLAGS,
            # Enable the back/forward cache, as in real browsers.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def ada(browser: Browser, site: str) -> Iterator[Person]:
    """Ada of the demo, signed in on a phone."""
    person = Person(browser, site)
    person.signs_in("ada@example.com")
    yield person
    person.leaves()


def _free_pair_of_ports() -> int:
    """Return a free port below the ephemeral range whose successor is free as well."""
    for port in range(22000, 32000, 2):
        if all(is_free(number) for number in (port, port + 1)):
            return port
    raise RuntimeError("No two free ports side by side.")


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"The site ended at its start:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"The site did not answer in {START_SECONDS} s:\n{log.read_text()[-3000:]}")
