"""`manage.py migrate`: Django's, but one at a time, and without blocking a site in use.

Servers, workers and units that each migrate at their start do so at the same moment. Without the lock the second one
fails at a table that the first has just created, or changes data twice.

A migration that waits for a table blocks all pages that come after it, and deadlocks with those that have the table. So
it locks all the tables that it changes at its start or not at all, and then begins again.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

# Any number that no other lock of this database uses.
_LOCK = 0x6173757375  # "asusu"
_LOOK_SECONDS = 0.5
# For the rows and tables that its code uses: shorter than PostgreSQL's `deadlock_timeout` of a second, after which the
# page's transaction might be ended instead.
_LOCK_MILLISECONDS = 500
_MOST_TRIES = 100
# PostgreSQL's codes for a lock that was not free in time, and for a deadlock.
_IN_USE = {"55P03", "40P01"}


class Command(migrate.Command):
    """Django's command under a lock. What only reads the plan does not wait."""

    # The migration whose transaction begins with the next statement, and whether the current one can begin again.
    _next: Migration | None = None
    _is_atomic = False

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        connection = connections[options["database"]]
        with (
            _one_at_a_time(connection, self._report_waiting),
            _wrapped_by(connection, self._lock_tables),
        ):
            for _ in range(_MOST_TRIES):
                try:
                    super().handle(*args, **options)
                except OperationalError as error:
                    if not self._is_atomic or getattr(error.__cause__, "sqlstate", None) not in _IN_USE:
                        raise
                    self._report("A table is in use. The migration begins again.")
                    time.sleep(_LOOK_SECONDS)
                else:
                    return
            raise CommandError("A table was in use each time. Find its long transaction in pg_stat_activity.")

    def migration_progress_callback(
        self,
        action: str,
        migration: Migration | None = None,
        fake: bool = False,  # noqa: FBT001 - Django's
    ) -> None:
        # A migration without a transaction may leave a part of its work behind, such as an invalid index. It waits.
        if action == "apply_start" and migration is not None:
            self._is_atomic = migration.atomic
            self._next = migration if migration.atomic else None
        super().migration_progress_callback(action, migration, fake)

    def _lock_tables(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Lock the tables of the migration before its first statement, and limit its later waits."""
        connection, migration = statement[-1]["connection"], self._next
        if migration is not None and connection.in_atomic_block and connection.vendor == "postgresql":
            self._next = None
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                tables = _tables_of(migration) & set(connection.introspection.table_names(cursor))
                if tables:
                    names = ", ".join(map(connection.ops.quote_name, sorted(tables)))
                    cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE NOWAIT")
        return execute(*statement)

    def _report_waiting(self) -> None:
        self._report("Another migrate is running. Waiting for its end.")

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _tables_of(migration: Migration) -> set[str]:
    """Return the tables that a migration changes or refers to, as today's models name them."""
    models: set[tuple[str, str]] = set()
    for operation in migration.operations:
        models.add((migration.app_label, getattr(operation, "model_name_lower", "")))
        fields = [field for _, field in getattr(operation, "fields", [])]
        for field in [*fields, getattr(operation, "field", None)]:
            target = field.remote_field.model if field is not None and field.remote_field else ""
            if isinstance(target, str) and "." in target:
                label, _, name = target.lower().partition(".")
                models.add((label, name))
    known = {
        (model._meta.app_label, model._meta.model_name): model._meta.db_table for model in apps.get_models()
    }
    return {known[model] for model in models if model in known}


@contextmanager
def _wrapped_by(connection: BaseDatabaseWrapper, wrapper: Callable[..., Any]) -> Iterator[None]:
    """Do what `execute_wrapper` does, but remove this wrapper at the end, and not the last one.

    A connection that opens during the block adds the wrapper that counts the site's queries.
    """
    connection.execute_wrappers.append(wrapper)
    try:
        yield
    finally:
        connection.execute_wrappers.remove(wrapper)


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
    own = connection.copy()
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
