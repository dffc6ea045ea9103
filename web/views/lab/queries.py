"""The lesson of N+1 queries."""

from __future__ import annotations

from django.http import HttpResponse

from web.http import SaverRequest
from web.lab import names
from web.lab.measure import compare
from web.views.lab.showing import ROUNDS, show


def plan_names(request: SaverRequest) -> HttpResponse:
    """The user's latest transactions with their plans' names, in five ways."""
    has_rows = request.user.transactions.exists()
    comparison = compare(names.WAYS, request.user, rounds=ROUNDS) if has_rows else None
    return show(request, "lab/plan_names.html", {"comparison": comparison})
