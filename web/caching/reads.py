"""Records the tables a page reads while it is rendered, and finds those that no version in its key covers.

The page cache stores a page only if every read is covered; otherwise the page could be shown for an hour after the
data has changed. A table is covered if the view names its model and

- its rows belong to a user, and every change of them bumps that user's `User.version`, or
- everyone is shown its rows, and every change of them bumps `Installation.version`, or
- its rows belong to a circle, and the page carries the version of that circle's board (`pages.shows_circle`), or
  every change of the rows that the page shows touches the user, which the view declares with `own`.

Tables are found by their names in the SQL, so the ORM, raw SQL and templates are all covered.
`web/observability/request_costs.py` passes each statement to this module.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.apps import apps
from django.db.models import Model

from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    BoardDay,
    Circle,
    CircleEvent,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    Membership,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Product,
    ProductRate,
    RatePeriod,
    Recipient,
    SavedCard,
    TaxRate,
    Transaction,
    WebhookEvent,
)

type Models = Collection[type[Model]]

OF_THE_PERSON: Models = (
    Account,
    AutosaveRule,
    AutosaveRun,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    RatePeriod,
    Recipient,
    SavedCard,
    Transaction,
    WebhookEvent,
)
OF_EVERYBODY: Models = (Product, ProductRate, TaxRate)
OF_THE_CIRCLE: Models = (BoardDay, Circle, CircleEvent, Membership)
# Values a page may read from the default cache, by the first word of the key. Each is keyed by versions or by a day;
# where one may be older than that, the view calls `pages.shows_circle` without a version.
_CACHED = {"circle-ids", "places", "circle"}

_BOARD = "a leaderboard"
_NAME = re.compile(r"\w+")
# The name after one of these keywords is a table, even one that Django does not know.
_BEHIND = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([A-Za-z_]\w*)', re.IGNORECASE)
_DEFINED = re.compile(r'"?(\w+)"?\s+AS\s+(?:NOT\s+MATERIALIZED\s+|MATERIALIZED\s+)?\(', re.IGNORECASE)
_NO_TABLES = {"select", "lateral", "only", "set", "values"}

_read: ContextVar[set[str] | None] = ContextVar("read", default=None)
_find_uncovered: ContextVar[Callable[[set[str]], list[str]]] = ContextVar("find_uncovered")


@contextmanager
def recording(find_uncovered: Callable[[set[str]], list[str]]) -> Iterator[set[str]]:
    """Record the reads of the block: names of tables, of cached values and of leaderboards.

    `find_uncovered` returns those that the page's key does not cover.
    """
    read: set[str] = set()
    token, finding = _read.set(read), _find_uncovered.set(find_uncovered)
    try:
        yield read
    finally:
        _read.reset(token)
        _find_uncovered.reset(finding)


def all_is_covered() -> bool:
    """Return whether the page covers everything it has read so far; False if nothing is being recorded."""
    read = _read.get()
    return read is not None and not _find_uncovered.get()(read)


def note_query(sql: object) -> None:
    """Record the tables of a statement before it is executed."""
    read = _read.get()
    if read is not None:
        read |= tables_in(str(sql))


def note_board() -> None:
    """Record that a leaderboard was read."""
    read = _read.get()
    if read is not None:
        read.add(_BOARD)


def note_cached(key: str) -> None:
    """Record that a value of the default cache was read."""
    read = _read.get()
    # Fragments are checked when they are stored.
    if read is not None and not key.startswith("template.cache."):
        read.add(f"cache:{key.partition(':')[0]}")


def uncovered(read: Collection[str], named: Models, own: Models, *, with_circle: bool) -> list[str]:
    """Return the reads that are neither of the models a page names nor covered by a version it carries."""
    models = {*named, *own} if with_circle else {*named, *own} - {*OF_THE_CIRCLE} | {*own}
    covered = {model._meta.db_table for model in models} | {f"cache:{name}" for name in _CACHED}
    return sorted(set(read) - covered - ({_BOARD} if with_circle else set()))


def check_named(named: Models, own: Models) -> None:
    """Raise TypeError for a model that no version covers: a page that shows its rows cannot be cached."""
    unknown = {*named} - {*OF_THE_PERSON, *OF_EVERYBODY, *OF_THE_CIRCLE} | {*own} - {*OF_THE_CIRCLE}
    if unknown:
        names = ", ".join(sorted(model.__name__ for model in unknown))
        raise TypeError(f"No version that a page carries moves with changes of {names}.")


@functools.lru_cache(maxsize=2_000)
def tables_in(sql: str) -> frozenset[str]:
    """Return the tables that a statement names."""
    named = _known_tables().intersection(_NAME.findall(sql))
    behind = {name for name in _BEHIND.findall(sql) if name.lower() not in _NO_TABLES}
    return frozenset(named | behind.difference(_DEFINED.findall(sql)))


@functools.cache
def _known_tables() -> frozenset[str]:
    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))
