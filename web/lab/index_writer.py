"""The other connection that writes while the lab creates an index, and notes how long it waits."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.db import OperationalError, connection, transaction

from web.lab.measure import milliseconds_text

TABLE = "lab_building"
_INSERT = f"INSERT INTO {TABLE} VALUES (0, 'TOP-MEANWHILE', 'top_up', 'success', 100)"  # noqa: S608 - our constant
# Longer than SQLite takes to build the index of a million rows.
_PATIENCE_MS = 60_000


class Writes(NamedTuple):
    """What another connection wrote meanwhile, a row at a time: whether it found the table locked, and its waits."""

    found_lock: bool
    done_meanwhile: int
    longest_ms: float

    @property
    def longest_text(self) -> str:
        return milliseconds_text(self.longest_ms)


class Writer:
    """Inserts a row again and again over a connection of its own, until it is told to stop."""

    def __init__(self) -> None:
        self._is_started, self._is_over = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._writes: list[tuple[bool, float, float]] = []

    def start(self) -> None:
        """Return once the writer has tried for the first time: from then on it waits if it has to."""
        self._running = self._pool.submit(self._write_all)
        self._is_started.wait()

    def stop(self, *, built_at: float) -> Writes:
        """Return what was written. `built_at` is when the index was there, by `time.perf_counter`."""
        self._is_over.set()
        self._running.result()
        self._pool.shutdown()
        return Writes(
            found_lock=any(found for found, _, _ in self._writes),
            done_meanwhile=sum(done_at < built_at for _, _, done_at in self._writes),
            longest_ms=max(waited_ms for _, waited_ms, _ in self._writes),
        )

    def _write_all(self) -> None:
        try:
            while not self._writes or not self._is_over.is_set():
                begun_at = time.perf_counter()
                is_locked = self._is_locked()
                self._is_started.set()
                with connection.cursor() as cursor:
                    cursor.execute(_INSERT)
                done_at = time.perf_counter()
                self._writes.append((is_locked, (done_at - begun_at) * 1000, done_at))
        finally:
            # Also after an error, which `stop` raises.
            self._is_started.set()
            connection.close()

    def _is_locked(self) -> bool:
        """Return whether a write would have to wait for the lock of another connection."""
        _be_patient(0)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(f"LOCK TABLE {TABLE} IN ROW EXCLUSIVE MODE NOWAIT")
        except OperationalError:
            return True
        finally:
            _be_patient(_PATIENCE_MS)
        return False


def _be_patient(milliseconds: int) -> None:
    """Set how long SQLite waits for a lock. PostgreSQL waits as long as it takes, unless a statement says NOWAIT."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
