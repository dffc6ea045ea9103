"""The pages of random savers at the end of a simulated year: each answers with 200."""

from __future__ import annotations

import random
from collections.abc import Iterator

from django.test import Client

from savings.models import AutosaveRule, Membership, Plan, Statement, Transaction, User
from tests.soak.redis_databases import empty_redis

_PEOPLE, _PLANS, _RECEIPTS = 20, 3, 6
_PATHS = (
    "/dashboard/",
    "/plans/",
    "/stash/",
    "/transactions/",
    "/circles/",
    "/statements/",
    "/auto-save/",
    "/cards/",
    "/messages/",
    "/profile/",
    "/stash/accounts/",
    "/calendar/",
)


def wrong(chance: random.Random) -> Iterator[str]:
    """Yield each page that is not rendered."""
    savers = list(User.objects.filter(is_staff=False).order_by("pk"))
    for user in chance.sample(savers, min(_PEOPLE, len(savers))):
        # Each starts without the requests of the others in the limits.
        empty_redis()
        client = Client(raise_request_exception=False)
        client.force_login(user)
        for path in _paths(user, chance):
            answer = client.get(path)
            is_missing = path == "/calendar/" and answer.status_code == 404
            if answer.status_code != 200 and not is_missing:
                yield f"{path} of user {user.pk} answers {answer.status_code}"


def _paths(user: User, chance: random.Random) -> Iterator[str]:
    yield from _PATHS
    plans = list(Plan.objects.filter(user=user).order_by("pk").values_list("pk", flat=True))
    for plan_id in chance.sample(plans, min(_PLANS, len(plans))):
        yield f"/plans/{plan_id}/"
        yield f"/plans/{plan_id}/interest/"
    movements = list(Transaction.objects.filter(user=user).order_by("pk").values_list("reference", flat=True))
    for reference in chance.sample(movements, min(_RECEIPTS, len(movements))):
        yield f"/transactions/{reference}/"
    for member in Membership.objects.current().filter(user=user).select_related("circle").order_by("pk"):
        yield f"/circles/{member.circle.slug}/"
        yield f"/circles/{member.circle.slug}/leaderboard/"
    for rule in AutosaveRule.objects.filter(user=user).order_by("pk"):
        yield f"/auto-save/{rule.pk}/"
    for statement in Statement.objects.filter(user=user).order_by("pk")[:3]:
        yield f"/statements/{statement.pk}/"
