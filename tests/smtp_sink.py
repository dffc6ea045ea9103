"""A mail server that stores the mails it receives, and can leave the sender waiting."""

from __future__ import annotations

import email
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Sink(ThreadingTCPServer):
    """Listens on a free local port. A mail counts as soon as it is read, even before the answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[Message] = []
        self.answers = threading.Event()
        self.answers.set()

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]  # type: ignore[no-any-return]

    @property
    def message_ids(self) -> list[str]:
        return sorted(mail["Message-ID"] for mail in self.mails)


class _Session(StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        try:
            self._talk()
        except OSError:
            return  # The sender was killed.

    def _talk(self) -> None:
        self._answer("220 sink")
        while line := self.rfile.readline():
            command = line[:4].upper().strip()
            if command == b"DATA":
                self._answer("354 go on")
                self._keep()
            self._answer("221 bye" if command == b"QUIT" else "250 ok")

    def _keep(self) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        self.server.mails.append(email.message_from_bytes(b"".join(lines)))
        self.server.answers.wait(60)

    def _answer(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def running() -> Iterator[Sink]:
    """Run a sink for the duration of the block."""
    with Sink() as sink:
        thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sink
        finally:
            sink.answers.set()
            sink.shutdown()
            thread.join()
