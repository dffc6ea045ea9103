"""A stand-in for the Elastic APM server that stores what the agent sends, and can fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from web.dev.apm import intake

Event = intake.Event


class Intake(intake.Intake):
    """Listens on a free local port. `status` and `waits_seconds` simulate a failing or slow server."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 202
        self.waits_seconds = 0.0
        # All received bodies as text. Personal data must not be anywhere in it.
        self.text = ""
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def receive(self, text: str) -> int:
        time.sleep(self.waits_seconds)
        if self.status == 202:
            with self._lock:
                self.text += text
        return self.status

    def note_request(self, method: str, path: str) -> None:
        self.asked.append(f"{method} {path}")

    def events(self, kind: str) -> list[Event]:
        """Return the received events of a kind: metadata, transaction, span, error or metricset."""
        with self._lock:
            found = list(intake.events(self.text))
        return [event for name, event in found if name == kind]


def running() -> AbstractContextManager[Intake]:
    """Run an intake for the duration of the block."""
    return serving(Intake())


@contextmanager
def serving[Server: intake.Intake](one: Server) -> Iterator[Server]:
    """Let a server answer in a thread for the duration of the block."""
    with one as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
