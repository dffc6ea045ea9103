"""Experiment: the top of a circle's leaderboard, ranked by SQL at each request or stored in Redis."""

from __future__ import annotations

import contextlib

from django.db.models import Count, F, Q, Window
from django.db.models.functions import Rank

from savings import leaderboards
from savings.models import Circle
from web.lab.measure import Rows, Way


def computed(circle: Circle) -> Rows:
    rank = Window(Rank(), order_by=F("saved_kobo").desc())
    ranked = circle.memberships.ranked().annotate(rank=rank)
    return list(ranked.values_list("rank", "pk", "saved_kobo")[: leaderboards.TOP])


def cached(circle: Circle) -> Rows:
    board = leaderboards.read_board(circle_id=circle.pk)
    return [(line.rank, line.membership_id, line.saved_kobo) for line in board.lines]


def largest() -> Circle | None:
    """Return the circle with the most members, annotated as `members`, after loading its board into Redis."""
    members = Count("memberships", filter=Q(memberships__left_at__isnull=True))
    circle = Circle.objects.annotate(members=members).order_by("-members", "pk").first()
    if circle is not None:
        with contextlib.suppress(leaderboards.BoardsUnavailable):
            leaderboards.rebuild_board(circle.pk)
    return circle


def is_in_redis(circle: Circle) -> bool:
    """Return whether the board is in Redis; otherwise the cached way uses SQL as well."""
    return leaderboards.version(circle.pk) is not None


WAYS = [
    Way("Ranked by SQL", "rank() reads every member of the circle at each request.", computed),
    Way(
        "Stored in Redis",
        "One EVAL reads the first ranks of a sorted set that each contribution updates.",
        cached,
    ),
]
