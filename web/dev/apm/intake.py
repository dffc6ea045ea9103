"""The part of an APM server that the agent speaks to: says its version, and takes transactions, spans and metrics."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]

# The agent sends less than a megabyte at a time.
_LONGEST_BODY = 8 * 1024 * 1024
# To the agent of a server of at least this version, nothing is missing.
_VERSION = "8.17.0"


class Intake(ThreadingHTTPServer):
    """Listens on a local port: a free one, unless a number is given."""

    daemon_threads = True

    def __init__(self, port: int = 0, handler: type[BaseHTTPRequestHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", port), handler or Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def receive(self, text: str) -> int:
        """Take what the agent sent, one JSON object per line, and return the status of the answer."""
        raise NotImplementedError

    def note_request(self, method: str, path: str) -> None:
        """Notice a request of the agent."""


def events(text: str) -> Iterator[tuple[str, Event]]:
    """Return what the agent sent: each kind (metadata, transaction, span, error or metricset) with its event."""
    for line in text.splitlines():
        yield from json.loads(line).items()


class Handler(BaseHTTPRequestHandler):
    """Answers the agent."""

    server: Intake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.note_request("GET", self.path)
        self.answer_json(200, {"version": _VERSION})

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        self.server.note_request("POST", path)
        size = int(self.headers.get("Content-Length") or 0)
        if size > _LONGEST_BODY:
            self.close_connection = True
            self.answer_json(413, {})
            return
        body = self.rfile.read(size)
        if path.startswith("/config/v1/agents"):
            self.answer_json(200, {})
            return
        # The body may be compressed with gzip or zlib.
        text = zlib.decompress(body, wbits=zlib.MAX_WBITS | 32).decode() if body else ""
        self.answer_json(self.server.receive(text), {})

    def answer_json(self, status: int, body: dict[str, Any]) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json")

    def answer(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        return
