"""Experiment: a user's latest transactions with the names of their plans, and the queries of each way."""

from __future__ import annotations

from django.db.models import FETCH_ONE, FETCH_PEERS

from savings.models import Transaction, User
from web.lab.measure import Rows, Way

ROWS = 100


def naive(user: User) -> Rows:
    latest = Transaction.objects.filter(user=user).order_by("-id").fetch_mode(FETCH_ONE)[:ROWS]
    return [(movement.reference, movement.plan.name if movement.plan else None) for movement in latest]


def with_select_related(user: User) -> Rows:
    latest = Transaction.objects.filter(user=user).select_related("plan").order_by("-id")[:ROWS]
    return [(movement.reference, movement.plan.name if movement.plan else None) for movement in latest]


def with_prefetch_related(user: User) -> Rows:
    latest = Transaction.objects.filter(user=user).prefetch_related("plan").order_by("-id")[:ROWS]
    return [(movement.reference, movement.plan.name if movement.plan else None) for movement in latest]


def with_fetch_peers(user: User) -> Rows:
    latest = Transaction.objects.filter(user=user).order_by("-id").fetch_mode(FETCH_PEERS)[:ROWS]
    return [(movement.reference, movement.plan.name if movement.plan else None) for movement in latest]


def with_values(user: User) -> Rows:
    latest = Transaction.objects.filter(user=user).order_by("-id")
    return list(latest.values_list("reference", "plan__name")[:ROWS])


WAYS = [
    Way("Naive", "One query for the list, and one more for each row that has a plan.", naive),
    Way("select_related", "A JOIN loads the whole plan with each row.", with_select_related),
    Way("prefetch_related", "A second query fetches the plans of all rows at once.", with_prefetch_related),
    Way(
        "FETCH_PEERS",
        "The naive loop, but reading the first plan loads the plans of all rows.",
        with_fetch_peers,
    ),
    Way("values", "The site’s way: a JOIN for two columns, without building objects.", with_values),
]
