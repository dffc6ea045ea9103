"""A stand-in for the Elastic APM server that stores what the agent sends."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]


class Intake(ThreadingHTTPServer):
    """Listens on a free local port. `status` and `waits_seconds` simulate a failing or slow server."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 202
        self.waits_seconds = 0.0
        # All received bodies as text. Personal data must not be anywhere in it.
        self.text = ""
        self.asked: list[str] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def keep(self, body: bytes) -> None:
        with self._lock:
            self.text += body.decode()

    def events(self, kind: str) -> list[Event]:
        """Return the received events of a kind: metadata, transaction, span, error or metricset."""
        with self._lock:
            lines = [json.loads(line) for line in self.text.splitlines()]
        return [line[kind] for line in lines if kind in line]


class _Handler(BaseHTTPRequestHandler):
    server: Intake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        self._answer(200, {"version": "8.17.0"})

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.path.partition('?')[0]}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/config/v1/agents"):
            self._answer(200, {})
            return
        time.sleep(self.server.waits_seconds)
        if self.server.status == 202 and body:
            # The body may be compressed with gzip or zlib.
            self.server.keep(zlib.decompress(body, wbits=zlib.MAX_WBITS | 32))
        self._answer(self.server.status, {})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        return


@contextmanager
def running() -> Iterator[Intake]:
    """Run an intake for the duration of the block."""
    with Intake() as intake:
        thread = threading.Thread(target=intake.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield intake
        finally:
            intake.shutdown()
            thread.join()
