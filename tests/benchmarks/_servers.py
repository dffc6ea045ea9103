"""Servers of a benchmark: PostgreSQL and Redis, if the environment has none, and our own programs."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

START_SECONDS = 60
# The other variables of a production start. Development settings would keep every query in memory.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "web.settings",
    "ENV_FILE": os.devnull,
    "DEBUG": "0",
    "SITE_URL": "https://savings.example.com",
    "SECRET_KEY": "for-measuring-only-" * 4,
    "EMAIL_URL": "dummymail://",
    "ALLOW_SIMULATOR": "1",
    # One user asks as often in a minute as many do in an hour.
    "RATE_LIMITS": "0",
    "LOG_LEVEL": "WARNING",
}


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment variables; servers that were started are stopped with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = {}
        if not os.environ.get("DATABASE_URL"):
            found["DATABASE_URL"] = stack.enter_context(_postgres(folder / "postgres"))
        if not os.environ.get("REDIS_URL"):
            found["REDIS_URL"] = stack.enter_context(_redis(folder / "redis"))
        yield found


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    programs = _programs()
    _make_anew(folder)
    run = _somebody()
    port = free_port()
    # A socket's path must be short, which a clone's path may not be.
    sockets = Path(tempfile.mkdtemp(prefix="asusu-bench-"))
    _give(sockets)
    words = [programs / "initdb", "-D", folder / "data", "-U", "asusu", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*run, *map(str, words), "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL)
    options = ["listen_addresses=127.0.0.1", "shared_buffers=1GB", "max_wal_size=8GB", "max_connections=100"]
    words = [programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", sockets]
    words += [word for option in options for word in ("-c", option)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*run, *map(str, words)], stdout=log, stderr=log)
    try:
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "asusu"]
        _wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, process, "PostgreSQL")
        yield f"postgres://asusu@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("A benchmark needs redis-server, or REDIS_URL.")
    _make_anew(folder)
    port = free_port()
    process = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(lambda: answers(port), process, "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(
    name: str,
    words: list[str],
    environment: dict[str, str],
    log: Path,
    is_up: Callable[[], bool] = lambda: True,
    *,
    folder: Path | None = None,
) -> Iterator[None]:
    """Run one of our programs during the block, which starts when the program is up, in this folder or the current."""
    with log.open("w") as said:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        _wait_for(is_up, process, name)
        yield
    finally:
        process.terminate()
        process.wait()


def environment(database: str) -> dict[str, str]:
    """Return the variables of a process on this database of the benchmark's server."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    return os.environ | {"DATABASE_URL": f"{server}/{database}"}


def program(name: str) -> Path:
    """Return one of PostgreSQL's programs."""
    return _programs() / name


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, which is not on the PATH on Debian."""
    on_path = shutil.which("initdb")
    folders = [
        *([Path(on_path).resolve().parent] if on_path else []),
        *Path("/usr/lib/postgresql").glob("*/bin"),
    ]
    whole = [
        folder for folder in folders if (folder / "postgres").exists() and (folder / "pg_isready").exists()
    ]
    if not whole:
        raise SystemExit("A benchmark needs the programs of PostgreSQL, or DATABASE_URL.")
    return whole[0]


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _give(folder)


def _give(folder: Path) -> None:
    """Let PostgreSQL's user write there, because it refuses to run as root."""
    if os.geteuid() == 0:
        os.chown(folder, _somebody_id(), -1)


def _somebody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_somebody_id()}", "--clear-groups", "--"]


def _somebody_id() -> int:
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_uid
    return pwd.getpwnam("nobody").pw_uid


def free_port() -> int:
    """Return a free port."""
    # Below 32768, outside of the ephemeral range.
    while answers(port := random.randint(20_000, 32_000)):
        continue
    return port


def answers(port: int) -> bool:
    """Return whether a port of this machine is in use."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_healthy(port: int) -> bool:
    """Return whether our server on a port answers: its main process binds the port before its workers are up."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/", timeout=5):
            return True
    except OSError:
        return False


def _wait_for(check: Callable[[], bool], process: subprocess.Popen[bytes], name: str) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if check():
            return
        time.sleep(0.1)
    raise SystemExit(f"{name} did not start.")
