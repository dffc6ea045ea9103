"""The SQL that reads the ledger entries of several accounts for a statement."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from typing import Any

from django.db import connection

from savings.models import Account

# id, posted_at, reference, kind, code, is_credit, amount_kobo, balance_kobo, account_id, other_id, plan_id, and for a
# reversal the reference and the kind of the original.
EntryRow = tuple[Any, ...]

# The entries on one side of one account, in order. Each has its own limit, so that both databases walk the index of
# that account and side and read no entry that is not needed.
_SIDE = """
SELECT * FROM (
    SELECT id, transaction_id, code, amount_kobo, {side}_balance_kobo AS balance_kobo, posted_at,
        {side}_account_id AS account_id, {other}_account_id AS other_id, {is_credit} AS is_credit
    FROM savings_entry WHERE {side}_account_id = %s AND id > %s AND id <= %s ORDER BY id {order} LIMIT %s
) side_{number}
"""
_PAGE = """
SELECT page.id, page.posted_at, moved.reference, moved.kind, page.code, page.is_credit, page.amount_kobo,
    page.balance_kobo, page.account_id, page.other_id, moved.plan_id, CASE WHEN moved.reverses_id IS NOT NULL THEN (
        SELECT reference FROM savings_transaction original WHERE original.id = moved.reverses_id
    ) END, CASE WHEN moved.reverses_id IS NOT NULL THEN (
        SELECT kind FROM savings_transaction original WHERE original.id = moved.reverses_id
    ) END
FROM (SELECT * FROM ({sides}) sides ORDER BY id LIMIT %s) page
{joined}
ORDER BY page.id
"""
# Each row's transaction is looked up separately. Without LATERAL, PostgreSQL merges the page with all transactions from
# the first one on, because it expects 5,000 look-ups to cost more: page 200 then took 200 times as long as page 1.
_JOINED = {
    "postgresql": """
CROSS JOIN LATERAL (
    SELECT reference, kind, plan_id, reverses_id FROM savings_transaction WHERE id = page.transaction_id LIMIT 1
) moved
""",
    "sqlite": "JOIN savings_transaction moved ON moved.id = page.transaction_id",
}
_COUNT = "SELECT count(*) FROM ({sides}) sides WHERE posted_at >= %s AND posted_at < %s"


def read_entries(accounts: Sequence[Account], *, after: int, to: int, limit: int) -> list[EntryRow]:
    """Return at most `limit` entries of these accounts after one entry id and up to another, ordered by id."""
    sides, parameters = _sides(accounts, after=after, to=to, limit=limit)
    with connection.cursor() as cursor:
        page = _PAGE.format(sides=sides, joined=_JOINED[connection.vendor])
        cursor.execute(page, [*parameters, limit])
        entries: list[EntryRow] = cursor.fetchall()
    if connection.vendor == "sqlite":
        entries = [(row[0], _moment(row[1]), *row[2:]) for row in entries]
    return entries


def count_newest(
    accounts: Sequence[Account],
    *,
    begins: datetime.datetime,
    ends: datetime.datetime,
    newest: int,
    limit: int,
) -> int:
    """Return how many entries of these accounts are in a period, among the newest `limit` of each account and side.

    `newest` is the id of the last entry that counts.
    """
    sides, parameters = _sides(accounts, after=0, to=newest, limit=limit, order="DESC")
    if not sides:
        return 0
    moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (begins, ends)]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(sides=sides), [*parameters, *moments])
        return int(cursor.fetchone()[0])


def _sides(
    accounts: Sequence[Account], *, after: int, to: int, limit: int, order: str = "ASC"
) -> tuple[str, list[int]]:
    sides = [
        _SIDE.format(side=side, other=other, is_credit=is_credit, order=order, number=f"{number}_{side}")
        for number in range(len(accounts))
        for side, other, is_credit in (("debit", "credit", 0), ("credit", "debit", 1))
    ]
    parameters = [[account.pk, after, to, limit] * 2 for account in accounts]
    return " UNION ALL ".join(sides), list(itertools.chain.from_iterable(parameters))


def _moment(stored: str | datetime.datetime) -> datetime.datetime:
    """Return a moment as SQLite stores it: as text, in UTC."""
    at = datetime.datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.replace(tzinfo=datetime.UTC)
