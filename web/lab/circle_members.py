"""Experiment: circles with the names of their members, a many-to-many relation."""

from __future__ import annotations

from itertools import groupby

from django.db.models import FETCH_PEERS

from web.lab.lab_models import LabCircle
from web.lab.measure import Rows, Way


def naive(rows: int) -> Rows:
    circles = LabCircle.objects.order_by("-id")[:rows]
    return [(circle.name, sorted(saver.name for saver in circle.members.all())) for circle in circles]


def with_prefetch_related(rows: int) -> Rows:
    circles = LabCircle.objects.prefetch_related("members").order_by("-id")[:rows]
    return [(circle.name, sorted(saver.name for saver in circle.members.all())) for circle in circles]


def with_fetch_peers(rows: int) -> Rows:
    circles = LabCircle.objects.order_by("-id").fetch_mode(FETCH_PEERS)[:rows]
    return [(circle.name, sorted(saver.name for saver in circle.members.all())) for circle in circles]


def with_values(rows: int) -> Rows:
    shown = LabCircle.objects.order_by("-id").values("pk")[:rows]
    found = LabCircle.objects.filter(pk__in=shown).order_by("-id").values_list("pk", "name", "members__name")
    circles = [list(lines) for _, lines in groupby(found, key=lambda line: line[0])]
    return [(lines[0][1], sorted(line[2] for line in lines)) for lines in circles]


PAIR = ("Naive", "prefetch_related")
WAYS = [
    Way("Naive", "One query for the circles, and one more for the members of each.", naive),
    Way("prefetch_related", "A second query fetches the members of all circles.", with_prefetch_related),
    Way(
        "FETCH_PEERS",
        "No help here: it covers foreign keys, not the managers of many-to-many and reverse relations.",
        with_fetch_peers,
    ),
    Way("values", "A JOIN returns a line per member, which Python groups.", with_values),
]
