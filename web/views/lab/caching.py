"""The lesson of caching."""

from __future__ import annotations

from django.http import HttpResponse

from web.http import SaverRequest
from web.lab import boards
from web.lab.measure import compare
from web.views.lab.showing import ROUNDS, show


def leaderboard(request: SaverRequest) -> HttpResponse:
    """The top of the largest circle, computed and cached."""
    circle = boards.largest()
    context = {
        "comparison": compare(boards.WAYS, circle, rounds=ROUNDS) if circle else None,
        "circle": circle,
        "is_in_redis": circle is not None and boards.is_in_redis(circle),
    }
    return show(request, "lab/leaderboard.html", context)
