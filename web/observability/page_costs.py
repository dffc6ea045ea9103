"""Measures the cost of the pages in `budgets.py` for one user, in this process, with the existing data.

It leaves nothing behind except what the pages themselves write: its session is deleted, and its caches have keys of
their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.cache import caches
from django.db.models import Manager, QuerySet
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_redis.cache import RedisCache

from savings.mails import KINDS, switch_url
from savings.models import Circle, Membership, User
from web.auth import fresh_sign_in
from web.auth.sessions import SessionStore
from web.auth.sign_in import PUBLIC
from web.counts import Counts
from web.observability import request_costs
from web.observability.budgets import Budget


class Cost(NamedTuple):
    """The measured cost of a page, in the units of its budget."""

    cold: int
    warm: int
    calls: int
    size: int

    def excess(self, budget: Budget) -> list[str]:
        """Return the names of the figures that exceed the budget."""
        return [name for name in self._fields if getattr(self, name) > getattr(budget, name)]


def measure(user: User, budgets: Iterable[Budget]) -> Iterator[tuple[Budget, Cost | None]]:
    """Return the cost of each page for this user, or None if the page does not exist for them."""
    things = _things(user)
    for budget in budgets:
        address = _address(budget, things)
        yield budget, _cost(user, budget, address) if address else None


def _cost(user: User, budget: Budget, address: str) -> Cost | None:
    with fresh_caches(), browser(None if budget.route in PUBLIC else user) as client:
        cold, response = _ask(client, address)
        if response.status_code != 200:
            return None
        # Request it once more, because the first request caches values for the rest of the day.
        _ask(client, address)
        warm, response = _ask(client, address)
    calls = warm.session_calls + warm.cache_calls + warm.redis_calls
    return Cost(cold.sql_count, warm.sql_count, calls, len(response.content))


def _ask(client: Client, address: str) -> tuple[Counts, Any]:
    """Request a page without an ETag, and return its cost and the response."""
    seen: list[Counts] = []

    def note(*, counts: Counts, **_: Any) -> None:
        seen.append(counts)

    request_costs.response_measured.connect(note)
    try:
        response = client.get(address)
    finally:
        request_costs.response_measured.disconnect(note)
    return seen[0], response


@contextmanager
def browser(user: User | None) -> Iterator[Client]:
    """Return a browser in which this user is signed in, without the mails and records of a real sign-in."""
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    if user is None:
        yield client
        return
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update(fresh_sign_in.session_of_password(user))
    session.set_expiry(60 * 60)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    try:
        yield client
    finally:
        session.delete()


@contextmanager
def fresh_caches() -> Iterator[None]:
    """Make pages as a server does, without the tools of development, from caches of their own, deleted afterwards.

    The caches have a key prefix of their own, so that no user's pages are affected.
    """
    prefix = f"budgets-{secrets.token_hex(8)}"
    own = {name: options | {"KEY_PREFIX": prefix} for name, options in settings.CACHES.items()}
    middleware = [name for name in settings.MIDDLEWARE if name != "web.observability.toolbar.Middleware"]
    with override_settings(CACHES=own, MIDDLEWARE=middleware, DEBUG=False):
        try:
            yield
        finally:
            for name in own:
                cast("RedisCache", caches[name]).delete_pattern("*")


def _things(user: User) -> dict[str, dict[str, Any] | None]:
    """Return the URL arguments of pages about one object, by budget name: the latest object of this user."""
    mine = user.memberships.current()
    own = mine.filter(circle__owner=user)
    others = Membership.objects.current().filter(circle__in=own.values("circle")).exclude(user=user)
    to_join = Circle.objects.public().exclude(pk__in=mine.values("circle"))
    mails = user.outbox_rows.filter(kind__in=KINDS)
    plan, circle = _latest(user.plans, plan_id="pk"), _latest(mine, slug="circle__slug")
    saved_card = _latest(user.cards.filter(removed_at=None), card_id="pk")
    own_circle = _latest(own, slug="circle__slug")
    token = switch_url(user.pk, "weekly_digest").rstrip("/").rpartition("/")[2]
    return {
        **dict.fromkeys(("plans:detail", "plans:interest", "plans:top_up", "plans:edit"), plan),
        "plans:give_notice": _latest(user.plans.filter(notice_hours__gt=0), plan_id="pk"),
        "autosave:start": plan,
        **dict.fromkeys(("autosave:detail", "autosave:edit"), _latest(user.autosave_rules, rule_id="pk")),
        "plans:withdraw": _latest(user.plans.filter(matures_on=None), plan_id="pk"),
        "plans:quote_exit": _latest(user.plans.filter(matures_on__gt=timezone.localdate()), plan_id="pk"),
        **dict.fromkeys(
            ("circles:detail", "circles:leaderboard", "circles:members", "circles:appearance"), circle
        ),
        **dict.fromkeys(("cards:rename", "cards:remove"), saved_card),
        "circles:edit": own_circle,
        "circles:member": _latest(others, slug="circle__slug", membership_id="pk"),
        "circles:join": _latest(to_join, slug="slug"),
        "circles:join_by_code": _latest(to_join, code="invite_code"),
        "transactions:index?before": _latest(user.transactions, before="pk"),
        "transactions:receipt": _latest(user.transactions, reference="reference"),
        "statements:detail": _latest(user.statements, statement_id="pk"),
        "messages:detail": _latest(mails, message_id="pk"),
        "messages:unsubscribe": {"token": token},
    }


def _latest(rows: QuerySet[Any] | Manager[Any], **columns: str) -> dict[str, Any] | None:
    found = rows.order_by("-pk").values(*columns.values()).first()
    return {argument: found[column] for argument, column in columns.items()} if found else None


def _address(budget: Budget, things: dict[str, dict[str, Any] | None]) -> str | None:
    known = things.get(budget.name, {})
    if known is None:
        return None
    if budget.name != budget.route:
        return f"{reverse(budget.route)}?{urlencode(known)}"
    return reverse(budget.route, kwargs=known)
