"""Records what a page reads while it is rendered, and says what of it no version in its key covers.

The page cache stores a page only when nothing is left over: a page that shows something whose version it does not
carry could be shown for an hour after that has changed. A table is covered when the view names its model and

- its rows are a person's, so that whatever changes them moves that person's `User.version`, or
- everybody is shown them, so that whatever changes them moves `Installation.version`, or
- its rows belong to a circle, and the page carries the version of that circle's board (`caching.shows_circle`), or
  shows of them only what touches the person when it changes, which the view says with `own`.

Tables are found by their names in the SQL that is sent, whoever sends it: the ORM, raw SQL, a template.
`web/caching/counting.py` sees each statement, and tells this module.
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
    BoardDay,
    Circle,
    CircleEvent,
    Entry,
    Membership,
    OutboxRow,
    Payment,
    Plan,
    Product,
    ProductRate,
    Transaction,
    WebhookEvent,
)

type Models = Collection[type[Model]]

OF_THE_PERSON: Models = (Account, Entry, OutboxRow, Payment, Plan, Transaction, WebhookEvent)
OF_EVERYBODY: Models = (Product, ProductRate)
OF_THE_CIRCLE: Models = (BoardDay, Circle, CircleEvent, Membership)
# What a page may read from the default cache, by the first word of the key: each is keyed by versions or by a day, and
# where it may be older than that the view says so (`caching.shows_circle` with no version).
_CACHED = {"circle-ids", "places", "circle"}

_BOARD = "a leaderboard"
_NAME = re.compile(r"\w+")
# Names behind these words are tables, also those of which Django knows nothing.
_BEHIND = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([A-Za-z_]\w*)', re.IGNORECASE)
_DEFINED = re.compile(r'"?(\w+)"?\s+AS\s+(?:NOT\s+MATERIALIZED\s+|MATERIALIZED\s+)?\(', re.IGNORECASE)
_NO_TABLES = {"select", "lateral", "only", "set", "values"}

_read: ContextVar[set[str] | None] = ContextVar("read", default=None)
_find_uncovered: ContextVar[Callable[[set[str]], list[str]]] = ContextVar("find_uncovered")


@contextmanager
def recording(find_uncovered: Callable[[set[str]], list[str]]) -> Iterator[set[str]]:
    """Record what is read until the end of the block: names of tables, of cached values and of leaderboards.

    `find_uncovered` returns what of it the page's key does not cover.
    """
    read: set[str] = set()
    token, finding = _read.set(read), _find_uncovered.set(find_uncovered)
    try:
        yield read
    finally:
        _read.reset(token)
        _find_uncovered.reset(finding)


def all_is_covered() -> bool:
    """Say whether the page being rendered covers all it has read so far; False where nobody records."""
    read = _read.get()
    return read is not None and not _find_uncovered.get()(read)


def note_query(sql: object) -> None:
    """Note the tables of a statement that is about to be sent."""
    read = _read.get()
    if read is not None:
        read |= tables_in(str(sql))


def note_board() -> None:
    """Note that a leaderboard was read."""
    read = _read.get()
    if read is not None:
        read.add(_BOARD)


def note_cached(key: str) -> None:
    """Note that a value of the default cache was read."""
    read = _read.get()
    # Fragments are looked at when they are stored.
    if read is not None and not key.startswith("template.cache."):
        read.add(f"cache:{key.partition(':')[0]}")


def uncovered(read: Collection[str], named: Models, own: Models, *, with_circle: bool) -> list[str]:
    """Return what was read and is neither among the models that a page names nor covered by a version it carries."""
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
