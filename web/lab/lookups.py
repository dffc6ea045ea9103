"""Experiment: find transactions by reference in two copies of the table, one with an index and one without."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from web.lab import query_plans, table_loads
from web.lab.measure import Headline, Rows, Way, compare, milliseconds_text
from web.lab.table_loads import INDEXED, PLAIN

LOOKUPS = 3
PAIR = ("Without an index", "With an index")
# The runs of each way for the headlines.
_ROUNDS = 5


def without_index(references: list[str]) -> Rows:
    found = []
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute("SELECT id, status FROM lab_transactions WHERE reference = %s", [reference])
            found += cursor.fetchall()
    return found


def with_index(references: list[str]) -> Rows:
    found = []
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute(
                "SELECT id, status FROM lab_transactions_indexed WHERE reference = %s", [reference]
            )
            found += cursor.fetchall()
    return found


def sample() -> list[str]:
    """Return references from all parts of the copies; none if there are no copies yet."""
    rows = table_loads.loaded_rows()
    if not rows:
        return []
    places = [1 + number * (rows - 1) // LOOKUPS for number in range(LOOKUPS)]
    marks = ", ".join(["%s"] * LOOKUPS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reference FROM {PLAIN} WHERE id IN ({marks})", places)  # noqa: S608
        return [reference for (reference,) in cursor.fetchall()]


def _explain(references: list[str], table: str) -> str:
    """Return the query plan for the first of the references."""
    # The table is one of our two constants.
    sql = f"SELECT id, status FROM {table} WHERE reference = %s"  # noqa: S608
    return query_plans.explain(sql, references[:1])


WAYS = [
    Way(
        "Without an index",
        "The database reads every row to find one.",
        without_index,
        lambda references: _explain(references, PLAIN),
    ),
    Way(
        "With an index",
        "The database follows a tree of references straight to the row.",
        with_index,
        lambda references: _explain(references, INDEXED),
    ),
]


def headlines() -> Iterator[Headline]:
    """Yield the figures of the lookup in 100,000 and 1,000,000 rows. Removes the copies, also those of the page."""
    for rows in (100_000, 1_000_000):
        seconds = table_loads.make_copies(rows)
        try:
            found = compare(WAYS, sample(), rounds=_ROUNDS, pair=PAIR)
        finally:
            table_loads.clean()
        what = f"{LOOKUPS} lookups in {rows:,} rows, without : with the index"
        yield Headline(f"{what}, time", found.ratio_text)
        times = (milliseconds_text(found.before.milliseconds), milliseconds_text(found.after.milliseconds))
        yield Headline(f"{what}, milliseconds", " : ".join(times))
        yield Headline(f"Two tables of {rows:,} rows loaded, one with indexes", f"{seconds:.1f} s")
