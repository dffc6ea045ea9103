"""A private redis-server that a test can freeze, kill, fill and start again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis

from savings.leaderboards import redis_client
from tests.processes import wait_until


class Server:
    """A redis-server in a folder, with a port of its own."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program, "this test needs a real Redis"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.words = [program, *options]
        self.start()

    def url(self, database: int, timeout_seconds: float = 0.25, connect_seconds: float = 0.25) -> str:
        """Return the URL of one of the databases."""
        options = f"socket_timeout={timeout_seconds}&socket_connect_timeout={connect_seconds}"
        return f"redis://127.0.0.1:{self.port}/{database}?{options}"

    def start(self) -> None:
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url(0)) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """End the server: it refuses connections until it is started again."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Let the server accept connections and never answer."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def fill(self) -> None:
        """Let the server refuse every write, as one whose memory is used up and that evicts nothing."""
        with redis.Redis.from_url(self.url(0)) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", 1)

    def drain(self) -> None:
        """Lift the limit of the memory."""
        with redis.Redis.from_url(self.url(0)) as client:
            client.config_set("maxmemory", 0)

    def empty(self) -> None:
        with redis.Redis.from_url(self.url(0)) as client:
            client.flushall()


def wait_until_used() -> None:
    """Wait until this process uses Redis again."""
    wait_until(lambda: not redis_client.breaker.is_open)
