"""Experiment: four queries for which the planner leaves an index alone, each beside one that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from web.lab import query_plans, table_loads
from web.lab.measure import Headline
from web.lab.table_loads import INDEXED, SMALL


class Explained(NamedTuple):
    """A statement with its query plan."""

    sql: str
    plan: str
    is_by_index: bool


class Case(NamedTuple):
    """A query that the index does not help, why, what to do, and a query that it helps."""

    name: str
    why: str
    remedy: str
    unhelped: Explained
    helped: Explained


def cases() -> list[Case]:
    """Return the cases with their plans, from the lab's loaded tables."""
    # SQLite's LIKE ignores case, so that no index in the usual order helps it; GLOB does not.
    start = "GLOB 'INTLAB*'" if connection.vendor == "sqlite" else "LIKE 'INTLAB%'"
    rows = f"SELECT SUM(amount_kobo) FROM {INDEXED} WHERE"  # noqa: S608 - our constant
    one = f"SELECT id, status FROM {INDEXED} WHERE"  # noqa: S608 - our constant
    return [
        Case(
            "Most rows fulfil the condition",
            "Going through the index to nearly every row costs more than reading the table from end to end. "
            "PostgreSQL knows how many rows have each value. SQLite knows only the average, and uses the index.",
            "A partial index for the rare values, or none.",
            _explained(f"{rows} status = 'success'"),
            _explained(f"{rows} status = 'review'"),
        ),
        Case(
            "A function on the column",
            "The index is in the order of the references, not of what the function makes of them.",
            "Compare the column itself, or index the expression: CREATE INDEX … ON … (lower(reference)).",
            _explained(f"{one} lower(reference) = 'top-lab-7'"),
            _explained(f"{one} reference = 'TOP-LAB-7'"),
        ),
        Case(
            "A wildcard at the beginning",
            "A tree in alphabetical order finds beginnings. The end of a text may be anywhere in it.",
            "Search by the beginning, or use an index for text search (pg_trgm).",
            _explained(f"{one} reference LIKE '%LAB-7'"),
            _explained(f"{one} reference {start}"),
        ),
        Case(
            "A small table",
            "The whole table is one page on disk, and the index would be a second one.",
            "None needed. PostgreSQL decides by its statistics; SQLite uses the index anyway.",
            _explained(f"SELECT id, status FROM {SMALL} WHERE reference = 'TOP-LAB-7'"),  # noqa: S608
            _explained(f"{one} reference = 'TOP-LAB-7'"),
        ),
    ]


def _explained(sql: str) -> Explained:
    plan = query_plans.explain(sql)
    return Explained(sql, plan, query_plans.is_by_index(plan))


def headlines() -> Iterator[Headline]:
    """Yield for each case whether the planner used the index, with 100,000 rows."""
    table_loads.make_copies(table_loads.DEFAULT_ROWS)
    try:
        found = cases()
    finally:
        table_loads.clean()
    for case in found:
        used = "index used" if case.unhelped.is_by_index else "index not used"
        yield Headline(case.name, used)
