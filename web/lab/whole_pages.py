"""Experiment: the transactions page as a beginner writes it, and one change after another until it is the site's."""

from __future__ import annotations

import copy
import dataclasses
import statistics
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.contrib.sessions.backends.cache import SessionStore
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import FETCH_ONE, Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.test import RequestFactory
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from savings.models import Account, AutosaveRun, Entry, Plan, Transaction, User
from web import keyset, notices
from web.caching import pages as page_cache
from web.caching import reads
from web.counts import counting
from web.forms.transactions import FilterForm
from web.http import SaverRequest
from web.lab import page_bytes
from web.lab.measure import Headline, milliseconds_text, times_text
from web.lab.page_bytes import Encoded
from web.pages import transactions as transaction_rows
from web.pages.payments import MOST_CHECKED


class Switch(NamedTuple):
    """One change to the page, and what it does."""

    name: str
    note: str


SWITCHES = {
    "index": Switch(
        "Index",
        "The database may use its indexes. It gains little with a few hundred rows, and much with a million.",
    ),
    "joins": Switch(
        "Joins",
        "select_related loads the plan with each row, and prefetch_related the entries of all: no query per row.",
    ),
    "keyset": Switch(
        "Keyset pages",
        "No COUNT of all rows, which is a query less, and no OFFSET: a page far down costs as much as the first.",
    ),
    "slim": Switch(
        "Slim rows",
        "values_list reads the columns shown, and Python makes the texts: less work. "
        "The rows are joined and in keyset pages in any case.",
    ),
    "fragments": Switch("Fragments", "The filters come from Redis: a query less, and less to render."),
    "cache": Switch(
        "Page cache",
        "The whole page comes from Redis while the user’s version is the same: no query, nothing to render.",
    ),
}
# As the site's own view declares it.
_SHOWS = (Account, AutosaveRun, Entry, Plan, Transaction)
# The runs of each step for the headlines.
_ROUNDS = 5


def naive(
    request: SaverRequest, *, joins: bool = False, by_key: bool = False, caches_filters: bool = False
) -> HttpResponse:
    """The page with full objects, queries per row, a count of all rows, and OFFSET."""
    form = FilterForm(request.GET, user=request.user)
    movements = form.filter(request.user.transactions.order_by("-id")).fetch_mode(FETCH_ONE)
    if joins:
        movements = movements.select_related("plan", "reverses").prefetch_related("entries")
    counted = None if by_key else Paginator(movements, keyset.PAGE_SIZE).get_page(request.GET.get("page"))
    listed = keyset.page(movements, request.GET).rows if counted is None else list(counted)
    is_first = not form.is_filtered and (counted is None or counted.number == 1)
    checked = list(movements.in_review()[:MOST_CHECKED]) if is_first else []
    context = {
        "form": form,
        "page": counted,
        "checked": [_row(movement) for movement in checked],
        "rows": [_row(movement) for movement in listed if movement not in checked],
        "caches_filters": caches_filters,
    }
    return render(request, "lab/naive_transactions.html", context, status=422 if form.errors else 200)


def _row(movement: Transaction) -> tuple[Transaction, int, int]:
    """Return a transaction with the kobo that it moved, once as they are and once with the sign shown; 0 if none."""
    reversed_kind = movement.reverses.kind if movement.reverses else None
    way = transaction_rows.direction(movement.kind, reversed_kind)
    kobo = movement.amount_kobo
    if transaction_rows.moves_another_sum(movement.kind, movement.status, reversed_kind):
        entries = [entry for entry in movement.entries.all() if entry.code in transaction_rows.SUM_CODES]
        kobo = entries[0].amount_kobo if entries else kobo
    return movement, kobo, kobo * (way if movement.status == Transaction.Status.SUCCESS else min(way, 0))


def slim(request: SaverRequest) -> HttpResponse:
    """The page as `web.views.transactions.index` puts it together."""
    form = FilterForm(request.GET, user=request.user)
    found = form.filter(request.user.transactions.all())
    page = keyset.page(found.values_list(*transaction_rows.COLUMNS), request.GET)
    return render(request, "transactions/index.html", transaction_rows.listing(form, page, request.user.pk))


@dataclasses.dataclass(frozen=True)
class Step:
    """The page after one more change: its queries, the median in milliseconds, and what is sent of it."""

    name: str
    note: str
    queries: int
    milliseconds: float
    # Not compressed, with gzip, and with brotli.
    encoded: list[Encoded]
    # How many times as long the naive page took.
    times: float

    @property
    def time_text(self) -> str:
        return milliseconds_text(self.milliseconds)

    @property
    def times_text(self) -> str:
        return times_text(self.times)


def measured(
    request: SaverRequest, chosen: Collection[str] = tuple(SWITCHES), *, rounds: int
) -> tuple[list[Step], Step]:
    """Return the naive page, then a step for each chosen change with all the changes before it; and the site's way.

    Medians of interleaved runs after a warm-up, which fills the caches. Only the view and its template are measured:
    what the middleware costs is the same for each.
    """
    keys = [key for key in SWITCHES if key in chosen]
    names = [
        Switch("Naive", "No change yet."),
        *(SWITCHES[key] for key in keys),
        Switch("All", "The site’s way."),
    ]
    sets = [frozenset(keys[:count]) for count in range(len(keys) + 1)]
    if sets[-1] != {*SWITCHES}:
        sets.append(frozenset(SWITCHES))
    pages = [_page(request, on) for on in sets]
    for run in pages:
        run()
    turns = [[run() for run in pages] for _ in range(rounds)]
    medians = [statistics.median(run.milliseconds for run in runs) for runs in zip(*turns, strict=True)]
    steps = [
        Step(name, note, run.queries, median, page_bytes.encoded(run.body), medians[0] / median)
        for (name, note), run, median in zip(names, turns[-1], medians, strict=False)
    ]
    return steps[: len(keys) + 1], steps[-1]


class _Run(NamedTuple):
    queries: int
    milliseconds: float
    body: bytes


def _page(request: SaverRequest, on: frozenset[str]) -> Callable[[], _Run]:
    """Return a function that makes the page with some of the changes, and measures it."""

    def view(asked: SaverRequest) -> HttpResponse:
        return (
            slim(asked)
            if "slim" in on
            else naive(asked, joins="joins" in on, by_key="keyset" in on, caches_filters="fragments" in on)
        )

    shown = page_cache.page(shows=_SHOWS)(view) if "cache" in on else view

    def run() -> _Run:
        asked = _copy(request, on)
        with _indexes(on), _fragments(on), counting() as counts:
            begun = time.perf_counter()
            response = shown(asked)
            milliseconds = (time.perf_counter() - begun) * 1000
            return _Run(counts.sql_count, milliseconds, response.content)

    return run


def _copy(request: SaverRequest, on: frozenset[str]) -> SaverRequest:
    """Return a request of the same user for the first page of the list, under a path of its own in the page cache."""
    asked = copy.copy(request)
    asked.META = {
        name: value for name, value in request.META.items() if not name.startswith(("HTTP_HX_", "HTTP_IF_"))
    } | {"QUERY_STRING": ""}
    vars(asked).pop("headers", None)
    asked.method, asked.GET, asked.htmx = "GET", QueryDict(), HtmxDetails(asked)
    asked.path = asked.path_info = f"{reverse('lab:naive_transactions')}{'.'.join(sorted(on))}"
    if "fragments" not in on:
        # The site's template always looks for its cached filters. Under this key it finds none.
        asked.user = copy.copy(_loaded(request.user))
        asked.user.shown_as = f"{request.user.shown_as} without fragments"
    return asked


def _loaded(user: User) -> User:
    """Return the user of a request without the lazy object around it."""
    return getattr(user, "_wrapped", user)


@contextmanager
def _fragments(on: frozenset[str]) -> Iterator[None]:
    """Let a page store its fragments, which the cache takes only while it sees that the user's version covers them."""
    if "fragments" not in on:
        yield
        return
    with reads.recording(lambda read: reads.uncovered(read, _SHOWS, (), with_circle=False)):
        yield


@contextmanager
def _indexes(on: frozenset[str]) -> Iterator[None]:
    """Without "index", stop the database from using indexes in the block.

    PostgreSQL is told to, for all tables. SQLite reads the transactions in the order of their ids.
    """
    if "index" in on:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            _set_index_use(cursor, "off")
            yield
            _set_index_use(cursor, "on")
    else:
        with connection.execute_wrapper(_not_indexed):
            yield


def _set_index_use(cursor: Any, state: str) -> None:
    for scan in ("indexscan", "indexonlyscan", "bitmapscan"):
        cursor.execute(f"SET LOCAL enable_{scan} = {state}")


def _not_indexed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    table = 'FROM "savings_transaction"'
    return execute(sql.replace(table, f"{table} NOT INDEXED"), params, many, context)


def headlines() -> Iterator[Headline]:
    """Yield the figures of each step, for the user with the most transactions."""
    by_rows = Transaction.objects.exclude(user=None).values_list("user").annotate(rows=Count("pk"))
    found = by_rows.order_by("-rows").first()
    if found is None:
        return
    user_id, rows = found
    steps, _ = measured(_request(User.objects.get(pk=user_id)), rounds=_ROUNDS)
    yield Headline(f"Transactions page of {rows:,} rows, naive : ours, time", steps[-1].times_text)
    for number, step in enumerate(steps):
        queries = f"{step.queries} quer{'y' if step.queries == 1 else 'ies'}"
        yield Headline(
            f"{'+ ' if number else ''}{step.name}",
            f"{queries}, {step.time_text}, {step.encoded[0].size_text}",
        )
    for encoded in steps[-1].encoded[1:]:
        yield Headline(
            f"Sent with {encoded.name}: size, and time to compress it",
            f"{encoded.size_text}, {encoded.time_text}",
        )


def _request(user: User) -> SaverRequest:
    """Return a request of a user without a session."""
    request: Any = RequestFactory().get(reverse("lab:naive_transactions"))
    user.shown_as = f"lab {user.pk} {user.version}"
    request.user, request.session, request.htmx = user, SessionStore(), HtmxDetails(request)
    request._messages = notices.Storage(request)
    asked: SaverRequest = request
    return asked
