"""The lesson of measuring first."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from web.http import SaverRequest
from web.lab import one_request, speeds
from web.views.lab.showing import show


def measure(request: SaverRequest) -> HttpResponse:
    """One request as each tool shows it, and on request the latency and the throughput of every page."""
    chosen = request.GET.get("page", "")
    chosen = chosen if chosen in one_request.PAGES else "naive"
    name, title = one_request.PAGES[chosen]
    browser = one_request.browser_of(request)
    made = one_request.make_request(browser, reverse(name))
    # First: the toolbar keeps the newest requests only.
    sights = made.sights()
    timed = speeds.speeds(browser, rounds=speeds.ROUNDS) if request.GET.get("do") == "time" else {}
    context = {
        "lesson": "measure",
        "pages": [(word, title) for word, (_, title) in one_request.PAGES.items()],
        "chosen": chosen,
        "title": title,
        "made": made,
        "sights": sights,
        "trace_url": one_request.trace_url(made.trace_id),
        "speeds": list(timed.values()),
        "speed": timed.get(chosen),
        "rounds": speeds.ROUNDS,
    }
    return show(request, "lab/measure.html", context)
