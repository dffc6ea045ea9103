"""Experiment: what indexes cost. The same rows written to four tables with 0, 1, 2 and 4 indexes."""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
from collections.abc import Iterator

from django.db import connection

from web.lab import query_plans, table_loads
from web.lab.measure import Headline, milliseconds_text, size_text, times_text

# The rows in each table before, and those that are inserted and then updated.
BASE_ROWS, WRITTEN_ROWS = 20_000, 5_000
INDEXED_COLUMNS = ("reference", "status", "kind, id", "amount_kobo")
COUNTS = (0, 1, 2, 4)
# The runs of each way for the headlines.
_ROUNDS = 9
_SOURCE = "lab_writes_source"
_tables = {count: f"lab_writes_{count}" for count in COUNTS}
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class WriteCost:
    """The cost of writing to a table with some indexes: medians in milliseconds, and bytes on disk.

    `insert_times` and `update_times` are multiples of the table without an index. The bytes are those of the table
    with its first rows, and None where the database does not tell.
    """

    indexes: int
    columns: str
    insert_ms: float
    update_ms: float
    insert_times: float
    update_times: float
    table_bytes: int | None
    index_bytes: int | None

    @property
    def insert_text(self) -> str:
        return milliseconds_text(self.insert_ms)

    @property
    def update_text(self) -> str:
        return milliseconds_text(self.update_ms)

    @property
    def insert_times_text(self) -> str:
        return times_text(self.insert_times)

    @property
    def update_times_text(self) -> str:
        return times_text(self.update_times)

    @property
    def disk_text(self) -> str:
        return "" if self.index_bytes is None else size_text(self.index_bytes)


def insert(table: str) -> str:
    first = BASE_ROWS + 1
    return table_loads.fill(table, _SOURCE, first=first, last=BASE_ROWS + WRITTEN_ROWS)


def update(table: str) -> str:
    return f"UPDATE {table} SET status = 'reversed' WHERE id > {BASE_ROWS}"  # noqa: S608 - our constants


def measured(*, rounds: int) -> list[WriteCost]:
    """Return the cost for each number of indexes: medians of interleaved runs after a warm-up. Removes its tables."""
    with _lock:
        try:
            _make()
            sizes = {count: _sizes(table) for count, table in _tables.items()}
            _turn()
            turns = [_turn() for _ in range(rounds)]
        finally:
            clean()
    inserts = {count: statistics.median(turn[count][0] for turn in turns) for count in COUNTS}
    updates = {count: statistics.median(turn[count][1] for turn in turns) for count in COUNTS}
    return [
        WriteCost(
            indexes=count,
            columns="; ".join(INDEXED_COLUMNS[:count]),
            insert_ms=inserts[count],
            update_ms=updates[count],
            insert_times=inserts[count] / inserts[0],
            update_times=updates[count] / updates[0],
            table_bytes=sizes[count][0],
            index_bytes=sizes[count][1],
        )
        for count in COUNTS
    ]


def _make() -> None:
    statements = table_loads.make_source(_SOURCE)
    for count, table in _tables.items():
        statements += [
            f"DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {table} ({table_loads.COLUMNS})",
            table_loads.fill(table, _SOURCE, first=1, last=BASE_ROWS),
        ]
        statements += [
            f"CREATE INDEX {table}_{number} ON {table} ({columns})"
            for number, columns in enumerate(INDEXED_COLUMNS[:count])
        ]
    for statement in statements:
        _timed(statement)


def _turn() -> dict[int, tuple[float, float]]:
    """Insert and update in each table, and return the milliseconds of both by the number of indexes."""
    found = {}
    for count, table in _tables.items():
        found[count] = (_timed(insert(table)), _timed(update(table)))
        _timed(f"DELETE FROM {table} WHERE id > {BASE_ROWS}")  # noqa: S608 - our constants
    return found


def _timed(statement: str) -> float:
    """Execute a statement, which commits alone, and return its milliseconds."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return (time.perf_counter() - begun) * 1000


def _sizes(table: str) -> tuple[int | None, int | None]:
    sizes = [query_plans.size_bytes(index) for index in query_plans.indexes_of(table)]
    known = [size for size in sizes if size is not None]
    return query_plans.size_bytes(table), sum(known) if len(known) == len(sizes) else None


def clean() -> None:
    """Remove the tables of this experiment."""
    for table in (*_tables.values(), _SOURCE):
        _timed(f"DROP TABLE IF EXISTS {table}")


def headlines() -> Iterator[Headline]:
    """Yield what 1, 2 and 4 indexes cost an insert, an update and the disk, against none."""
    none, *others = measured(rounds=_ROUNDS)
    yield Headline(
        f"{WRITTEN_ROWS:,} rows inserted, updated without an index", f"{none.insert_text}, {none.update_text}"
    )
    for cost in others:
        indexes = f"{cost.indexes} index{'es' if cost.indexes > 1 else ''}"
        what = f"{indexes} : none"
        yield Headline(f"{what}, inserting {WRITTEN_ROWS:,} rows", cost.insert_times_text)
        yield Headline(f"{what}, updating their status", cost.update_times_text)
        if cost.index_bytes is not None and cost.table_bytes is not None:
            disk = f"{size_text(cost.index_bytes)} beside {size_text(cost.table_bytes)} of rows"
            yield Headline(f"Disk of {indexes} of {BASE_ROWS:,} rows", disk)
