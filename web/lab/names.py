"""Experiment: transactions with the names of their plans, which is the article's example of a foreign key."""

from __future__ import annotations

from django.core.exceptions import FieldFetchBlocked
from django.db.models import FETCH_ONE, FETCH_PEERS, FETCH_RAISE

from web.lab.lab_models import LabTransaction
from web.lab.measure import Rows, Way


def naive(rows: int) -> Rows:
    transactions = LabTransaction.objects.order_by("-id").fetch_mode(FETCH_ONE)[:rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_select_related(rows: int) -> Rows:
    transactions = LabTransaction.objects.select_related("plan").order_by("-id")[:rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_prefetch_related(rows: int) -> Rows:
    transactions = LabTransaction.objects.prefetch_related("plan").order_by("-id")[:rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_fetch_peers(rows: int) -> Rows:
    transactions = LabTransaction.objects.order_by("-id").fetch_mode(FETCH_PEERS)[:rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_values(rows: int) -> Rows:
    transactions = LabTransaction.objects.order_by("-id")
    return list(transactions.values_list("reference", "plan__name")[:rows])


def with_fetch_raise(rows: int) -> str:
    transactions = LabTransaction.objects.order_by("-id").fetch_mode(FETCH_RAISE)[:rows]
    try:
        return str([(movement.reference, movement.plan.name) for movement in transactions])
    except FieldFetchBlocked as error:
        return f"{type(error).__name__}: {error}"


PAIR = ("Naive", "select_related")
WAYS = [
    Way("Naive", "One query for the list, and one more for each row. In Django 6.1: FETCH_ONE.", naive),
    Way("select_related", "A JOIN loads the whole plan with each row.", with_select_related),
    Way("prefetch_related", "A second query fetches the plans of all rows at once.", with_prefetch_related),
    Way(
        "FETCH_PEERS",
        "The naive loop, but reading the first plan loads the plans of all rows.",
        with_fetch_peers,
    ),
    Way("values", "The site’s way: a JOIN for two columns, without building objects.", with_values),
]
