"""Experiment: a low-level value, a fragment, a whole page and a 304, each with an empty cache and from the cache."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, cast

from django.conf import settings
from django.contrib.messages.storage import default_storage
from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import resolve, reverse
from django_htmx.middleware import HtmxDetails

from savings.models import Transaction, User
from web.auth.sessions import SessionStore
from web.caching import form_tokens, reads
from web.http import SaverRequest
from web.lab.measure import Headline, Rows, Way, compare

SECONDS = 60
PAGE = "transactions:index"
_ROUNDS = 15


class Visitor(NamedTuple):
    """A user, and the ETag of the page that their browser has stored."""

    user: User
    tag: str


def value_computed(visitor: Visitor) -> Rows:
    months = count_by_month(visitor.user)
    cache.set(months_key(visitor.user), months, SECONDS)
    return [tuple(month) for month in months]


def value_cached(visitor: Visitor) -> Rows:
    months = cache.get(months_key(visitor.user)) or []
    return [tuple(month) for month in months]


def fragment_rendered(visitor: Visitor) -> Rows:
    return [(fragment(with_empty_cache(visitor.user)),)]


def fragment_cached(visitor: Visitor) -> Rows:
    return [(fragment(visitor.user),)]


def page_rendered(visitor: Visitor) -> Rows:
    response = visit(with_empty_cache(visitor.user))
    return [(form_tokens.without_tokens(response.content),)]


def page_cached(visitor: Visitor) -> Rows:
    response = visit(visitor.user)
    return [(form_tokens.without_tokens(response.content),)]


def page_sent_again(visitor: Visitor) -> Rows:
    response = visit(visitor.user)
    return [(response.get("ETag"),)]


def page_not_modified(visitor: Visitor) -> Rows:
    response = visit(visitor.user, tag=visitor.tag)
    return [(response.get("ETag"),)]


WAYS = {
    "value": [
        Way(
            "Computed",
            "A query counts the transactions of each month, and the counts are cached.",
            value_computed,
        ),
        Way("From the cache", "One call to Redis, and no query.", value_cached),
    ],
    "fragment": [
        Way("Rendered", "The part of the page is rendered and cached.", fragment_rendered),
        Way(
            "From the cache",
            "The tag finds the finished HTML, so the query inside it is not made.",
            fragment_cached,
        ),
    ],
    "page": [
        Way(
            "Rendered",
            "The view runs, and the page is cached with the version of the user’s data.",
            page_rendered,
        ),
        Way(
            "From the cache",
            "The page cache finds the page of this version. The view does not run.",
            page_cached,
        ),
    ],
    "not-modified": [
        Way("Sent again", "The browser has no copy, so the cached page is sent.", page_sent_again),
        Way("304", "The browser names its copy. It is current, so the answer is empty.", page_not_modified),
    ],
}


def count_by_month(user: User) -> list[list[object]]:
    """Return pairs of a month and the number of the user's transactions in it."""
    by_month = user.transactions.order_by().annotate(month=TruncMonth("created_on")).values_list("month")
    return [[f"{month:%Y-%m}", count] for month, count in by_month.annotate(Count("pk")).order_by("month")]


def months_key(user: User) -> str:
    """Return the key of the counts. It names their owner, and the version of the owner's data."""
    return f"lab:months:{user.pk}:{user.shown_as}"


def fragment(user: User) -> str:
    """Return the list of months as HTML, cached by `{% cache %}` as on the product's pages."""
    context = {"owner": user.shown_as, "months": partial(count_by_month, user)}
    # A fragment is stored only while the page around it records its reads; here it is alone.
    with reads.recording(lambda _: []):
        return render_to_string("lab/_months.html", context)


def visit(user: User, *, tag: str = "") -> HttpResponse:
    """Call the view of the Activity page with its page cache, without the middleware, as a user's browser would."""
    path = reverse(PAGE)
    request = cast("SaverRequest", RequestFactory().get(path, headers={"If-None-Match": tag} if tag else {}))
    request.user, request.session, request.request_id = user, SessionStore(), "lab"
    request.htmx, request.resolver_match = HtmxDetails(request), resolve(path)
    request.META["CSRF_COOKIE"] = "x" * 32
    request._messages = default_storage(request)  # type: ignore[attr-defined] # as the middleware does
    return cast("HttpResponse", request.resolver_match.func(request))


def with_empty_cache(user: User) -> User:
    """Return a copy of a user whose part of the keys is new, so that nothing is cached for it."""
    newcomer = copy.copy(user)
    newcomer.shown_as = f"lab:{uuid.uuid4()}"
    return newcomer


def visitor_of(user: User, kind: str) -> Visitor:
    """Return a visitor for whom this kind is in the cache, or in the browser."""
    visitor = Visitor(user, visit(user).get("ETag", "") if kind == "not-modified" else "")
    WAYS[kind][-1].run(visitor)
    return visitor


def headlines() -> Iterator[Headline]:
    """Measure each kind for the user with the most transactions. Nothing but cached values is written."""
    busiest = (
        Transaction.objects.exclude(user=None).values("user").annotate(rows=Count("pk")).order_by("-rows")[:1]
    )
    user = User.objects.filter(pk__in=[row["user"] for row in busiest]).first()
    if user is None or not settings.KEEPS_PAGES:
        return
    user.shown_as = f"lab:{uuid.uuid4()}"
    for kind, ways in WAYS.items():
        found = compare(ways, visitor_of(user, kind), rounds=_ROUNDS)
        cold, warm = found.outcomes
        what = kind.replace("-", " ")
        yield Headline(f"{what}, queries without and with the cache", f"{cold.queries} : {warm.queries}")
        yield Headline(f"{what}, time without : with the cache", cold.times_text)
        yield Headline(f"{what}, {cold.name.lower()}", cold.time_text)
        yield Headline(f"{what}, {warm.name.lower()}", warm.time_text)
