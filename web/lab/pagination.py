"""Experiment: a page of a long list by OFFSET and by keyset: the first, the thousandth and the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from web import keyset
from web.lab import query_plans, table_loads
from web.lab.measure import Comparison, Headline, Rows, Way, compare

PAIR = ("OFFSET", "Keyset")
# The page of the middle line; a shorter list has its last page there.
MIDDLE = 1_000
_ROUNDS = 5
_HEADLINE_ROWS = 1_000_000
_SIZE = keyset.PAGE_SIZE


class Page(NamedTuple):
    """A page of the list, by its number and by the id of the last row on the page before it."""

    number: int
    before_id: int


def by_offset(page: Page) -> Rows:
    sql = "SELECT id, reference FROM lab_transactions_indexed ORDER BY id DESC LIMIT %s OFFSET %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [_SIZE, _SIZE * (page.number - 1)])
        return list(cursor.fetchall())


def by_key(page: Page) -> Rows:
    sql = "SELECT id, reference FROM lab_transactions_indexed WHERE id < %s ORDER BY id DESC LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [page.before_id, _SIZE])
        return list(cursor.fetchall())


def _explain(columns: str, *params: int) -> str:
    return query_plans.explain(f"SELECT id, reference FROM {table_loads.INDEXED} {columns}", params)  # noqa: S608


WAYS = [
    Way(
        PAIR[0],
        "The database reads all rows before the page, and throws them away.",
        by_offset,
        lambda page: _explain("ORDER BY id DESC LIMIT %s OFFSET %s", _SIZE, _SIZE * (page.number - 1)),
    ),
    Way(
        PAIR[1],
        "The link to the page has the id of the last row before it. The index leads straight there.",
        by_key,
        lambda page: _explain("WHERE id < %s ORDER BY id DESC LIMIT %s", page.before_id, _SIZE),
    ),
]


def pages(rows: int) -> list[Page]:
    """Return the first, the thousandth and the last page of so many rows, each once. Their ids begin with 1."""
    last = -(-rows // _SIZE)
    return [Page(number, rows + 1 - _SIZE * (number - 1)) for number in sorted({1, min(MIDDLE, last), last})]


def measured(rows: int, *, rounds: int) -> list[tuple[Page, Comparison]]:
    """Return the cost of both ways for each page of the loaded copy."""
    return [(page, compare(WAYS, page, rounds=rounds, pair=PAIR)) for page in pages(rows)]


def headlines() -> Iterator[Headline]:
    """Yield the figures of the pages of 1,000,000 rows. Removes the copies, also those of the page."""
    table_loads.make_copies(_HEADLINE_ROWS)
    try:
        found = measured(_HEADLINE_ROWS, rounds=_ROUNDS)
    finally:
        table_loads.clean()
    for page, comparison in found:
        what = f"Page {page.number:,} of {_HEADLINE_ROWS:,} rows, OFFSET : keyset"
        yield Headline(f"{what}, time", comparison.ratio_text)
        yield Headline(
            f"{what}, milliseconds", f"{comparison.before.time_text} : {comparison.after.time_text}"
        )
