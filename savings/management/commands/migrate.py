"""`manage.py migrate`: Django's, but one at a time: a second one waits, and then finds nothing to do.

Servers, workers and units that each migrate at their start do so at the same moment. Without the lock the second one
fails at a table that the first has just created, or changes data twice.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Any number that no other lock of this database uses.
_LOCK = 0x6173757375  # "asusu"
_LOOK_SECONDS = 0.5


class Command(migrate.Command):
    """Django's command under a lock. What only reads the plan does not wait."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with _one_at_a_time(connections[options["database"]], self._report_waiting):
            super().handle(*args, **options)

    def _report_waiting(self) -> None:
        self.stdout.write("Another migrate is running. Waiting for its end.")
        self.stdout.flush()


@contextmanager
def _one_at_a_time(connection: BaseDatabaseWrapper, report_waiting: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of a database during the block; it ends with the process. `report_waiting` is called once."""
    lock = _postgresql_lock if connection.vendor == "postgresql" else _file_lock
    with lock(connection) as take:
        if not take():
            report_waiting()
            # Asked again and again: a statement that waits for the lock is a snapshot that `CREATE INDEX CONCURRENTLY`
            # in the other process would wait for.
            while not take():
                time.sleep(_LOOK_SECONDS)
        yield


@contextmanager
def _postgresql_lock(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Yield a function that takes an advisory lock, and returns whether it did.

    It belongs to a transaction on a connection of its own: a pooler in transaction mode gives two statements outside
    of a transaction to two sessions. The transaction is idle and has no snapshot, so it holds up no migration.
    """
    own = connection.copy()  # type: ignore[no-untyped-call]  # Django's
    try:
        own.set_autocommit(False)

        def take() -> bool:
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
                return bool(cursor.fetchone()[0])

        yield take
    finally:
        own.close()


@contextmanager
def _file_lock(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    """Yield a function that locks a file beside the database of SQLite, and returns whether it did."""
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        yield lambda: True
        return
    with Path(f"{name}.migrate-lock").open("w") as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield take
