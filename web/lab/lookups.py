"""Experiment: find transactions by reference in two copies of the table, one with an index and one without.

Plain SQL makes the copies on demand. They are not models, so that no other code depends on them.
"""

from __future__ import annotations

from django.db import connection, transaction

from web.lab.measure import Rows, Way

# Enough rows for a scan to be noticeable, and few enough to create in a second.
ROWS = 100_000
LOOKUPS = 10

_MAKE = """
DROP TABLE IF EXISTS {table};
CREATE TABLE {table} (
    id bigint, reference varchar(40), kind varchar(20), status varchar(10), amount_kobo bigint
)
"""
# The latest transactions, repeated with a number after the reference until there are enough rows.
_FILL = """
INSERT INTO lab_transactions
WITH RECURSIVE
    latest AS (SELECT * FROM savings_transaction ORDER BY id DESC LIMIT {rows}),
    turns(turn) AS (
        SELECT 0 UNION ALL
        SELECT turn + 1 FROM turns WHERE (turn + 1) * (SELECT NULLIF(COUNT(*), 0) FROM latest) < {rows}
    )
SELECT id, CASE turn WHEN 0 THEN reference ELSE reference || '-' || turn END, kind, status, amount_kobo
FROM turns CROSS JOIN latest
LIMIT {rows}
"""
_INDEX = """
INSERT INTO lab_transactions_indexed SELECT * FROM lab_transactions;
CREATE INDEX lab_by_reference ON lab_transactions_indexed (reference);
ANALYZE lab_transactions;
ANALYZE lab_transactions_indexed
"""


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


def make_copies() -> None:
    """Make both copies again."""
    script = "".join(
        _MAKE.format(table=table) + ";" for table in ("lab_transactions", "lab_transactions_indexed")
    )
    script += _FILL.format(rows=ROWS) + ";" + _INDEX
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in script.split(";"):
            cursor.execute(statement)


def sample() -> list[str]:
    """Return some references from the copies; none if there are no copies yet."""
    with connection.cursor() as cursor:
        if "lab_transactions_indexed" not in connection.introspection.table_names(cursor):
            return []
        cursor.execute("SELECT reference FROM lab_transactions_indexed LIMIT %s", [LOOKUPS])
        return [reference for (reference,) in cursor.fetchall()]


def _explain(references: list[str], table: str) -> str:
    """Return the query plan for the first of the references."""
    command = "EXPLAIN (ANALYZE)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        # The table is one of our two constants.
        cursor.execute(f"{command} SELECT id, status FROM {table} WHERE reference = %s", references[:1])  # noqa: S608
        # SQLite numbers its lines; the text is the last column in both databases.
        return "\n".join(line[-1] for line in cursor.fetchall())


WAYS = [
    Way(
        "Without an index",
        "The database reads every row to find one.",
        without_index,
        lambda references: _explain(references, "lab_transactions"),
    ),
    Way(
        "With an index",
        "The database follows a tree of references straight to the row.",
        with_index,
        lambda references: _explain(references, "lab_transactions_indexed"),
    ),
]
