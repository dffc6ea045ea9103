"""The lesson of measuring first."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from web.http import SaverRequest
from web.lab import one_request
from web.views.lab.showing import show


def measure(request: SaverRequest) -> HttpResponse:
    """One request as each tool shows it."""
    chosen = request.GET.get("page", "")
    chosen = chosen if chosen in one_request.PAGES else "naive"
    name, title = one_request.PAGES[chosen]
    made = one_request.make_request(one_request.browser_of(request), reverse(name))
    context = {
        "lesson": "measure",
        "pages": [(word, title) for word, (_, title) in one_request.PAGES.items()],
        "chosen": chosen,
        "title": title,
        "made": made,
        "sights": made.sights(),
        "trace_url": one_request.trace_url(made.trace_id),
    }
    return show(request, "lab/measure.html", context)
