"""Experiment: plans with their accounts, a one-to-one relation seen from the side that has no column for it."""

from __future__ import annotations

from django.db.models import FETCH_ONE, FETCH_PEERS

from web.lab.lab_models import LabPlan
from web.lab.measure import Rows, Way


def naive(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id").fetch_mode(FETCH_ONE)[:rows]
    return [(plan.name, plan.account.balance_kobo) for plan in plans]


def with_select_related(rows: int) -> Rows:
    plans = LabPlan.objects.select_related("account").order_by("-id")[:rows]
    return [(plan.name, plan.account.balance_kobo) for plan in plans]


def with_prefetch_related(rows: int) -> Rows:
    plans = LabPlan.objects.prefetch_related("account").order_by("-id")[:rows]
    return [(plan.name, plan.account.balance_kobo) for plan in plans]


def with_fetch_peers(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id").fetch_mode(FETCH_PEERS)[:rows]
    return [(plan.name, plan.account.balance_kobo) for plan in plans]


def with_values(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id")
    return list(plans.values_list("name", "account__balance_kobo")[:rows])


PAIR = ("Naive", "select_related")
WAYS = [
    Way("Naive", "One query for the plans, and one more for the account of each.", naive),
    Way(
        "select_related", "A JOIN loads the account with its plan, also from this side.", with_select_related
    ),
    Way("prefetch_related", "A second query fetches the accounts of all plans.", with_prefetch_related),
    Way("FETCH_PEERS", "Reading the first account loads the accounts of all plans.", with_fetch_peers),
    Way("values", "A JOIN for two columns, without building objects.", with_values),
]
