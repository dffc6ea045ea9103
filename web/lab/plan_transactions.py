"""Experiment: plans with their transactions, the reverse of a foreign key."""

from __future__ import annotations

from itertools import groupby

from django.db.models import FETCH_PEERS

from web.lab.lab_models import LabPlan, LabTransaction
from web.lab.measure import Rows, Way


def naive(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id")[:rows]
    return [(plan.name, sorted(movement.reference for movement in plan.transactions.all())) for plan in plans]


def with_prefetch_related(rows: int) -> Rows:
    plans = LabPlan.objects.prefetch_related("transactions").order_by("-id")[:rows]
    return [(plan.name, sorted(movement.reference for movement in plan.transactions.all())) for plan in plans]


def with_fetch_peers(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id").fetch_mode(FETCH_PEERS)[:rows]
    return [(plan.name, sorted(movement.reference for movement in plan.transactions.all())) for plan in plans]


def with_values(rows: int) -> Rows:
    plans = LabPlan.objects.order_by("-id").values("pk")[:rows]
    movements = LabTransaction.objects.filter(plan__in=plans).order_by("-plan")
    found = movements.values_list("plan_id", "plan__name", "reference")
    listed = [list(lines) for _, lines in groupby(found, key=lambda line: line[0])]
    return [(lines[0][1], sorted(line[2] for line in lines)) for lines in listed]


PAIR = ("Naive", "prefetch_related")
WAYS = [
    Way("Naive", "One query for the plans, and one more for the transactions of each.", naive),
    Way("prefetch_related", "A second query fetches the transactions of all plans.", with_prefetch_related),
    Way(
        "FETCH_PEERS",
        "No help here: it covers foreign keys, not the managers of many-to-many and reverse relations.",
        with_fetch_peers,
    ),
    Way("values", "A JOIN returns a line per transaction, which Python groups by plan.", with_values),
]
