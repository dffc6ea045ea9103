"""Starts a private Redis for development and tests, so that no server has to be set up first."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Linux limits a socket's path to 108 bytes, macOS to 104.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 10


@dataclass(frozen=True)
class EmbeddedRedis:
    """A running Redis: its URL, a function to stop it, its process if it has one, and a notice to print."""

    url: str
    stop: Callable[[], None]
    process: subprocess.Popen[bytes] | None = None
    notice: str = ""

    def is_running(self) -> bool:
        return self.process is None or self.process.poll() is None


def start(socket_path: Path) -> EmbeddedRedis:
    """Start redis-server on that socket, or a substitute written in Python if redis-server is not installed.

    A path too long for a socket is replaced by one in a temporary folder.
    """
    program = shutil.which("redis-server")
    return _start_server(program, socket_path) if program else _start_stand_in()


def _start_server(program: str, socket_path: Path) -> EmbeddedRedis:
    temporary = None
    if len(bytes(socket_path)) > LONGEST_SOCKET_PATH:
        temporary = Path(tempfile.mkdtemp(prefix="asusu-"))
        socket_path = temporary / "redis.sock"
    _end_forgotten(socket_path)
    socket_path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": socket_path,
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
    }
    process = subprocess.Popen(  # noqa: S603 (the program found on PATH, our own words)
        [program, *(str(word) for name, value in options.items() for word in (f"--{name}", value))],
        cwd=socket_path.parent,
        stdout=subprocess.DEVNULL,
        # In its own process group, because Ctrl-C in the terminal must stop its clients first.
        start_new_session=True,
    )

    def stop() -> None:
        process.terminate()
        process.wait()
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)

    try:
        _wait_for_answer(socket_path, process)
    except BaseException:
        stop()
        raise
    return EmbeddedRedis(f"unix://{socket_path}", stop, process)


def _start_stand_in() -> EmbeddedRedis:
    # Only installed for development: a production server without Redis must not start on a substitute.
    from fakeredis import TcpFakeServer  # noqa: PLC0415

    server = TcpFakeServer(("127.0.0.1", 0))
    # Otherwise its threads would keep the process alive while a client is connected.
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    port = server.server_address[1]
    notice = "redis-server is not on PATH. A replacement in Python is used, good enough to look around."
    return EmbeddedRedis(f"redis://127.0.0.1:{port}", stop, notice=notice)


def _end_forgotten(socket_path: Path) -> None:
    """Stop a server that a killed process left on this socket.

    Without retries: mostly there is none, and by default redis-py tries for four seconds.
    """
    client = redis.Redis(unix_socket_path=str(socket_path), retry=Retry(NoBackoff(), 0))
    with client, suppress(redis.RedisError):
        client.shutdown(nosave=True)


def _wait_for_answer(socket_path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(socket_path))
            return
        time.sleep(0.01)
    raise RuntimeError("redis-server did not start.")
