"""Experiment: create an index while another connection writes, with the same lookup and writes before and after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

from django.db import connection, transaction

from web.lab import lookups, query_plans, table_loads
from web.lab.index_writer import TABLE, Writer, Writes
from web.lab.measure import Headline, Outcome, Rows, Way, compare, milliseconds_text, size_text, times_text

INDEX = "lab_building_by_reference"
PLAIN, CONCURRENT = "CREATE INDEX", "CREATE INDEX CONCURRENTLY"
WRITTEN_ROWS = 5_000
_ROUNDS = 5
# How often each statement creates the index for the headlines, in turns.
_BUILDS = 3
_HEADLINE_ROWS = 1_000_000
# The rows of one insert whose time shows what the index costs, under ids that no other row has.
_FIRST_NEW_ID = 10_000_000
_INSERT_MANY = f"""
INSERT INTO {TABLE} SELECT id + {_FIRST_NEW_ID}, reference, kind, status, amount_kobo
FROM {table_loads.PLAIN} LIMIT {WRITTEN_ROWS}
"""  # noqa: S608 - our constants
_one_at_a_time = threading.Lock()


class Side(NamedTuple):
    """What the table costs before or after the index is there: a lookup with its plan, and the ms of an insert."""

    lookup: Outcome
    is_by_index: bool
    insert_ms: float

    @property
    def insert_text(self) -> str:
        return milliseconds_text(self.insert_ms)


class Build(NamedTuple):
    """An index that was created: how, in how many ms, and the costs around it."""

    statement: str
    rows: int
    milliseconds: float
    index_bytes: int | None
    before: Side
    after: Side
    writes: Writes

    @property
    def time_text(self) -> str:
        return milliseconds_text(self.milliseconds)

    @property
    def size_text(self) -> str:
        return "" if self.index_bytes is None else size_text(self.index_bytes)

    @property
    def lookup_times(self) -> float:
        """How many times as long the lookup took before as after."""
        return self.before.lookup.milliseconds / self.after.lookup.milliseconds

    @property
    def insert_times(self) -> float:
        """How many times as long the insert takes after as before."""
        return self.after.insert_ms / self.before.insert_ms

    @property
    def lookup_times_text(self) -> str:
        return times_text(self.lookup_times)

    @property
    def insert_times_text(self) -> str:
        return times_text(self.insert_times)


def create(writer: Writer) -> float:
    # On SQLite, the transaction locks the whole file.
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # CREATE INDEX takes the same lock. Taken before it, the writer comes after the lock for certain.
            cursor.execute("LOCK TABLE lab_building IN SHARE MODE")
        writer.start()
        cursor.execute("CREATE INDEX lab_building_by_reference ON lab_building (reference)")
        return time.perf_counter()


def create_concurrently(writer: Writer) -> float:
    writer.start()
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX CONCURRENTLY lab_building_by_reference ON lab_building (reference)")
        return time.perf_counter()


def statements() -> dict[str, Callable[[Writer], float]]:
    """Return the statements of this database that create the index."""
    found: dict[str, Callable[[Writer], float]] = {PLAIN: create}
    return found | {CONCURRENT: create_concurrently} if connection.vendor == "postgresql" else found


def built(statement: str, *, rounds: int) -> Build:
    """Create the index in a copy of the loaded rows while a second connection writes. Removes the copy."""
    with _one_at_a_time:
        try:
            rows = _copy()
            references, writer = lookups.sample(), Writer()
            before, begun_at = _side(references, rounds=rounds), time.perf_counter()
            built_at = statements()[statement](writer)
            writes = writer.stop(built_at=built_at)
            _execute(f"ANALYZE {TABLE}")
            return Build(
                statement=statement,
                rows=rows,
                milliseconds=(built_at - begun_at) * 1000,
                index_bytes=query_plans.size_bytes(INDEX),
                before=before,
                after=_side(references, rounds=rounds),
                writes=writes,
            )
        finally:
            clean()


def look_up(references: list[str]) -> Rows:
    found = []
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute("SELECT id, status FROM lab_building WHERE reference = %s", [reference])
            found += cursor.fetchall()
    return found


def _explain(references: list[str]) -> str:
    return query_plans.explain(f"SELECT id, status FROM {TABLE} WHERE reference = %s", references[:1])  # noqa: S608


def _side(references: list[str], *, rounds: int) -> Side:
    lookup = compare([Way("Lookup", "", look_up, _explain)], references, rounds=rounds).outcomes[0]
    inserts = median(_insert_many() for _ in range(rounds))
    return Side(lookup, query_plans.is_by_index(lookup.plan), inserts)


def _insert_many() -> float:
    """Return the milliseconds of an insert, which commits alone. Its rows are deleted again."""
    begun_at = time.perf_counter()
    _execute(_INSERT_MANY)
    milliseconds = (time.perf_counter() - begun_at) * 1000
    _execute(f"DELETE FROM {TABLE} WHERE id > {_FIRST_NEW_ID}")  # noqa: S608 - our constants
    return milliseconds


def _copy() -> int:
    clean()
    _execute(f"CREATE TABLE {TABLE} AS SELECT * FROM {table_loads.PLAIN}")  # noqa: S608 - our constants
    _execute(f"ANALYZE {TABLE}")
    return table_loads.loaded_rows()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def clean() -> None:
    """Remove the table of this experiment."""
    _execute(f"DROP TABLE IF EXISTS {TABLE}")


def headlines() -> Iterator[Headline]:
    """Yield what each statement takes in 1,000,000 rows, and how long a write waits meanwhile: medians of builds."""
    table_loads.make_copies(_HEADLINE_ROWS)
    try:
        turns = [[built(statement, rounds=_ROUNDS) for statement in statements()] for _ in range(_BUILDS)]
    finally:
        table_loads.clean()
    for builds in zip(*turns, strict=True):
        what = f"{builds[0].statement} on {builds[0].rows:,} rows"
        taken = median(build.milliseconds for build in builds)
        waited = median(build.writes.longest_ms for build in builds)
        done = median(build.writes.done_meanwhile for build in builds)
        yield Headline(f"{what}, time", milliseconds_text(taken))
        yield Headline(f"{what}, longest wait of a write meanwhile", milliseconds_text(waited))
        yield Headline(f"{what}, writes of another connection meanwhile", f"{done:,.0f}")
    plain = [builds[0] for builds in turns]
    yield Headline(
        "The lookup before : after, time", times_text(median(build.lookup_times for build in plain))
    )
    what = f"Inserting {WRITTEN_ROWS:,} rows, after : before, time"
    yield Headline(what, times_text(median(build.insert_times for build in plain)))
