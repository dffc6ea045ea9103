"""A whole page, written both ways."""

from __future__ import annotations

from django.http import HttpResponse

from web.http import SaverRequest
from web.lab import whole_pages
from web.lab.measure import source
from web.views.lab.showing import show

# More than for single queries, because a page varies more.
_ROUNDS = 5


def whole_page(request: SaverRequest) -> HttpResponse:
    """The naive transactions page, and what each change to it brings; runs once `?asked=` is there, with `?on=`."""
    is_asked = "asked" in request.GET
    chosen = request.GET.getlist("on") if is_asked else list(whole_pages.SWITCHES)
    steps, ours = whole_pages.measured(request, chosen, rounds=_ROUNDS) if is_asked else ([], None)
    context = {
        "lesson": "pages",
        "switches": whole_pages.SWITCHES,
        "chosen": chosen,
        "steps": steps,
        "both": [("naive", "The naive way", steps[0]), ("ours", "The site’s way", ours)] if ours else [],
        "rounds": _ROUNDS,
        "codes": [
            ("The naive way", *source(whole_pages.naive)),
            ("The site’s way", *source(whole_pages.slim)),
        ],
        "rows": request.user.transactions.count(),
    }
    return show(request, "lab/whole_page.html", context)


def naive_transactions(request: SaverRequest) -> HttpResponse:
    """The transactions page as a beginner would write it, which `bench pages` compares ours with."""
    return whole_pages.naive(request)
