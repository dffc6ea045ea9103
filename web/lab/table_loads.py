"""Loads the lab's two copies of the transactions, one without and one with indexes, in steps that a page can follow.

Plain SQL makes them. They are not models, so that no other code depends on them. A small load is done in the request.
A large one runs in a thread of the development server, statement by statement, so that the page can be closed and
opened again meanwhile, and on SQLite no other write waits longer than one step. If the server restarts, the load is
gone, and the page asks to start it again.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Iterator

from django.db import connection

from web.lab import query_plans

logger = logging.getLogger(__name__)

PLAIN, INDEXED, SMALL = "lab_transactions", "lab_transactions_indexed", "lab_transactions_small"
SMALL_ROWS = 20
# The marks of the slider.
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
DEFAULT_ROWS = 100_000
# The largest load that the request itself does.
_WAITED_ROWS = 10_000
_STEP_ROWS = 50_000

COLUMNS = "id bigint, reference varchar(40), kind varchar(20), status varchar(10), amount_kobo bigint"
_SOURCE, _SOURCE_ROWS = "lab_source", 10_000
# The newest transactions, numbered, which the copies repeat. Without any transaction it is one invented row.
_MAKE_SOURCE = """
DROP TABLE IF EXISTS {source};
CREATE TABLE {source} (
    position bigint PRIMARY KEY, reference varchar(40), kind varchar(20), status varchar(10), amount_kobo bigint
);
INSERT INTO {source}
SELECT row_number() OVER (ORDER BY id DESC) - 1, reference, kind, status, amount_kobo
FROM savings_transaction ORDER BY id DESC LIMIT {rows};
INSERT INTO {source}
SELECT 0, 'TOP-LAB', 'top_up', 'success', 2500000 WHERE NOT EXISTS (SELECT 1 FROM {source});
ANALYZE {source}
"""
# Numbers make the references different. One row in 1,000 is in review, so that there is a rare status.
_FILL = """
INSERT INTO {table}
WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
SELECT n, reference || '-' || n, kind, CASE n % 1000 WHEN 0 THEN 'review' ELSE status END, amount_kobo
FROM numbers JOIN {source} ON position = n % (SELECT COUNT(*) FROM {source})
"""
BY_REFERENCE, BY_STATUS, BY_START = "lab_by_reference", "lab_by_status", "lab_by_reference_like"
BY_ID = "lab_by_id"


@dataclasses.dataclass
class Load:
    """The progress of a load of so many rows."""

    rows: int
    steps: int
    done: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def is_running(self) -> bool:
        return self.done < self.steps and not self.error

    @property
    def percent(self) -> int:
        return 100 * self.done // self.steps


_current: Load | None = None
_lock = threading.Lock()


def start(rows: int) -> Load:
    """Make both copies again with so many rows, and return the progress. A load that already runs goes on instead."""
    global _current  # noqa: PLW0603 - one load per development server
    with _lock:
        if _current is not None and _current.is_running:
            return _current
        load = _current = Load(rows, steps=len(list(_statements(rows))))
    if rows <= _WAITED_ROWS:
        _run(load)
    else:
        threading.Thread(target=_run_in_thread, args=(load,), daemon=True).start()
    return load


def current() -> Load | None:
    """Return the latest load of this process."""
    return _current


def make_copies(rows: int) -> float:
    """Make both copies with so many rows, and return the seconds that it took."""
    _run(load := Load(rows, steps=len(list(_statements(rows)))))
    return load.seconds


def loaded_rows() -> int:
    """Return how many rows each copy has; 0 before the first load has finished."""
    with connection.cursor() as cursor:
        # The source goes last: while it is there, a load is not finished.
        is_unfinished = _SOURCE in connection.introspection.table_names(cursor)
        if is_unfinished or BY_ID not in query_plans.indexes_of(INDEXED):
            return 0
        cursor.execute(f"SELECT COUNT(*) FROM {PLAIN}")  # noqa: S608 - our constant
        return int(cursor.fetchone()[0])


def clean() -> None:
    """Remove the tables, unless a load is running."""
    global _current  # noqa: PLW0603
    with _lock:
        if _current is not None and _current.is_running:
            return
        _current = None
    with connection.cursor() as cursor:
        for table in (PLAIN, INDEXED, SMALL, _SOURCE):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def _run_in_thread(load: Load) -> None:
    try:
        _run(load)
    except Exception:
        logger.exception("the lab's load of %d rows stopped", load.rows)
    finally:
        connection.close()


def _run(load: Load) -> None:
    begun = time.perf_counter()
    try:
        with connection.cursor() as cursor:
            for statement in _statements(load.rows):
                cursor.execute(statement)
                load.seconds = time.perf_counter() - begun
                load.done += 1
    except Exception as error:
        load.error = type(error).__name__
        raise


def _statements(rows: int) -> Iterator[str]:
    """Yield the statements of a load. Each commits alone."""
    yield from make_source(_SOURCE)
    for table in (PLAIN, INDEXED):
        yield f"DROP TABLE IF EXISTS {table}"
        yield f"CREATE TABLE {table} ({COLUMNS})"
        for first in range(1, rows + 1, _STEP_ROWS):
            yield fill(table, _SOURCE, first=first, last=min(first + _STEP_ROWS - 1, rows))
    # An index of a full table is built at once, which is faster than row by row.
    yield f"CREATE INDEX {BY_REFERENCE} ON {INDEXED} (reference)"
    yield f"CREATE INDEX {BY_STATUS} ON {INDEXED} (status)"
    yield f"CREATE INDEX {BY_ID} ON {INDEXED} (id)"
    if connection.vendor == "postgresql":
        # Django's db_index adds it to a CharField, for searches by the beginning of a text.
        yield f"CREATE INDEX {BY_START} ON {INDEXED} (reference varchar_pattern_ops)"
    # A few of the rows with the same index, for a query that does not need it.
    yield f"DROP TABLE IF EXISTS {SMALL}"
    yield f"CREATE TABLE {SMALL} ({COLUMNS})"
    yield f"INSERT INTO {SMALL} SELECT * FROM {INDEXED} WHERE id <= {SMALL_ROWS}"  # noqa: S608 - our constants
    yield f"CREATE INDEX lab_small_by_reference ON {SMALL} (reference)"
    yield from (f"ANALYZE {table}" for table in (PLAIN, INDEXED, SMALL))
    yield f"DROP TABLE {_SOURCE}"


def make_source(source: str) -> list[str]:
    """Return the statements that make the table whose rows `fill` repeats."""
    return _MAKE_SOURCE.format(source=source, rows=_SOURCE_ROWS).split(";")


def fill(table: str, source: str, *, first: int, last: int) -> str:
    """Return the statement that inserts the rows of two numbers and all between them."""
    return _FILL.format(table=table, source=source, first=first, last=last)
