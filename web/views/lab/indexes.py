"""The lesson of indexes."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from web.http import SaverRequest, redirect
from web.lab import lookups
from web.lab.measure import compare
from web.views.lab.showing import ROUNDS, show


def lookup(request: SaverRequest) -> HttpResponse:
    """Transactions by reference, with and without an index; POST makes the copies of the table."""
    if request.method == "POST":
        lookups.make_copies()
        return redirect(request, reverse("lab:lookup"))
    wanted = lookups.sample()
    context = {
        "comparison": compare(lookups.WAYS, wanted, rounds=ROUNDS) if wanted else None,
        "rows": lookups.ROWS,
    }
    return show(request, "lab/lookup.html", context)
