"""Experiment: change the status of transactions by reference, in the copies without and with an index."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from web.lab import lookups, query_plans, table_loads
from web.lab.lookups import LOOKUPS, PAIR
from web.lab.measure import Comparison, Headline, Rows, Way, compare, milliseconds_text
from web.lab.table_loads import INDEXED, PLAIN

_HEADLINE_ROWS = 100_000
_ROUNDS = 5


def without_index(references: list[str]) -> Rows:
    changed = []
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute(
                "UPDATE lab_transactions SET status = 'reversed' WHERE reference = %s", [reference]
            )
            changed.append((reference, cursor.rowcount))
    return changed


def with_index(references: list[str]) -> Rows:
    changed = []
    with connection.cursor() as cursor:
        for reference in references:
            cursor.execute(
                "UPDATE lab_transactions_indexed SET status = 'reversed' WHERE reference = %s", [reference]
            )
            changed.append((reference, cursor.rowcount))
    return changed


def _explain(references: list[str], table: str) -> str:
    """Return the query plan for the first of the references. PostgreSQL updates the row to say it."""
    # The table is one of our two constants.
    sql = f"UPDATE {table} SET status = 'reversed' WHERE reference = %s"  # noqa: S608
    return query_plans.explain(sql, references[:1])


WAYS = [
    Way(
        "Without an index",
        "The database reads every row to find the one to change.",
        without_index,
        lambda references: _explain(references, PLAIN),
    ),
    Way(
        "With an index",
        "The database finds the row by the index, and adds an entry to the index of the status.",
        with_index,
        lambda references: _explain(references, INDEXED),
    ),
]


def measured(*, rounds: int) -> Comparison:
    """Return the cost of both ways, in a transaction that is rolled back: the copies stay as they are."""
    with transaction.atomic():
        found = compare(WAYS, lookups.sample(), rounds=rounds, pair=PAIR)
        transaction.set_rollback(True)
    return found


def headlines() -> Iterator[Headline]:
    """Yield the figures of updates in 100,000 rows. Removes the copies, also those of the page."""
    table_loads.make_copies(_HEADLINE_ROWS)
    try:
        found = measured(rounds=_ROUNDS)
    finally:
        table_loads.clean()
    what = f"{LOOKUPS} updates by reference in {_HEADLINE_ROWS:,} rows, without : with the index"
    yield Headline(f"{what}, time", found.ratio_text)
    times = (milliseconds_text(found.before.milliseconds), milliseconds_text(found.after.milliseconds))
    yield Headline(f"{what}, milliseconds", " : ".join(times))
