"""Experiment: four queries for which the planner leaves an index alone, each beside one that uses it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from web.lab import query_plans, table_loads
from web.lab.measure import Headline, milliseconds_text
from web.lab.table_loads import INDEXED, SMALL, SMALL_ROWS

ROUNDS = 5


class Explained(NamedTuple):
    """A statement with its query plan and its time."""

    sql: str
    plan: str
    is_by_index: bool
    # The median of a few runs.
    milliseconds: float

    @property
    def time_text(self) -> str:
        return milliseconds_text(self.milliseconds)


class Case(NamedTuple):
    """A query that the index does not help, why, what to do, and a query that it helps, with the words for it."""

    name: str
    why: str
    remedy: str
    beside: str
    unhelped: Explained
    helped: Explained


def cases() -> list[Case]:
    """Return the cases with their plans, from the lab's loaded tables."""
    # SQLite's LIKE ignores case, so that no index in the usual order helps it; GLOB does not.
    start = "GLOB 'INTLAB*'" if connection.vendor == "sqlite" else "LIKE 'INTLAB%'"
    rows = f"SELECT SUM(amount_kobo) FROM {INDEXED} WHERE"  # noqa: S608 - our constant
    one = f"SELECT id, status FROM {INDEXED} WHERE"  # noqa: S608 - our constant
    one_in_many = f"{one} reference = 'TOP-LAB-7'"
    return [
        Case(
            "Most rows fulfil the condition",
            "Going through the index to nearly every row costs more than reading the table from end to end. "
            "PostgreSQL knows how many rows have each value. SQLite knows only the average, and uses the index.",
            "A partial index for the rare values, or none.",
            "a condition that few rows fulfil",
            *_both(f"{rows} status = 'success'", f"{rows} status = 'review'"),
        ),
        Case(
            "A function on the column",
            "The index is in the order of the references, not of what the function makes of them.",
            "Compare the column itself, or index the expression: CREATE INDEX … ON … (lower(reference)).",
            "the column without the function",
            *_both(f"{one} lower(reference) = 'top-lab-7'", one_in_many),
        ),
        Case(
            "A wildcard at the beginning",
            "A tree in alphabetical order finds beginnings. The end of a text may be anywhere in it.",
            "Search by the beginning, or use an index for text search (pg_trgm).",
            "a wildcard at the end",
            *_both(f"{one} reference LIKE '%LAB-7'", f"{one} reference {start}"),
        ),
        Case(
            f"A table of {SMALL_ROWS} rows",
            "The whole table is one page on disk, and the index would be a second one.",
            "None needed. PostgreSQL decides by its statistics; SQLite uses the index anyway.",
            f"the same query in {table_loads.loaded_rows():,} rows",
            *_both(f"SELECT id, status FROM {SMALL} WHERE reference = 'TOP-LAB-7'", one_in_many),  # noqa: S608
        ),
    ]


def _both(unhelped: str, helped: str) -> tuple[Explained, Explained]:
    """Explain two statements, which also warms them up, and time them in turns."""
    plans = [query_plans.explain(sql) for sql in (unhelped, helped)]
    turns = [(_timed(unhelped), _timed(helped)) for _ in range(ROUNDS)]
    before, after = (
        Explained(sql, plan, query_plans.is_by_index(plan), statistics.median(times))
        for sql, plan, times in zip((unhelped, helped), plans, zip(*turns, strict=True), strict=True)
    )
    return before, after


def _timed(sql: str) -> float:
    """Run a query, and return its milliseconds."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()
    return (time.perf_counter() - begun) * 1000


def headlines() -> Iterator[Headline]:
    """Yield for each case whether the planner used the index, and what the query took, with 100,000 rows."""
    table_loads.make_copies(table_loads.DEFAULT_ROWS)
    try:
        found = cases()
    finally:
        table_loads.clean()
    for case in found:
        for words, query in (("", case.unhelped), (f"; for comparison, {case.beside}", case.helped)):
            used = "index used" if query.is_by_index else "index not used"
            yield Headline(f"{case.name}{words}", f"{used}, {query.time_text}")
