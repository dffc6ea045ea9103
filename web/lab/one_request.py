"""Experiment: one request as the debug toolbar, the Server-Timing header, the log and Elastic APM show it."""

from __future__ import annotations

import contextlib
import contextvars
import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from savings import demo, leaderboards, tracing
from savings.models import User
from web.counts import Counts
from web.lab.measure import Headline
from web.observability import page_costs, request_costs

# The pages to look at, by the word in the page's query string: their URL names and titles.
PAGES = {
    "naive": ("lab:naive_transactions", "Activity, the naive way"),
    "activity": ("transactions:index", "Activity"),
    "dashboard": ("dashboard:home", "Dashboard"),
    "plans": ("plans:index", "Plans"),
    "circles": ("circles:index", "Circles"),
    "statements": ("statements:index", "Statements"),
}
# How often the viewer is asked for a trace, which arrives some tenths of a second after its request.
_ASKED, _BETWEEN_SECONDS = 10, 0.15
_TRACE_ID = re.compile(r"00-([0-9a-f]{32})-.*")


class Sight(NamedTuple):
    """What one tool shows of a request, milliseconds as it prints them; `numbers` is empty if the tool is off."""

    tool: str
    where: str
    numbers: dict[str, float]
    raw: str = ""

    @property
    def text(self) -> dict[str, str]:
        """The figures as text, by their names."""
        units = {"queries": "", "sql_ms": " ms", "cache_hits": "", "ms": " ms"}
        return {
            name: f"{self.numbers[name]:g}{unit}" if name in self.numbers else "–"
            for name, unit in units.items()
        }


class Request(NamedTuple):
    """A request that was made, and what was noted at its end."""

    response: Any
    milliseconds: float
    labels: dict[str, int | float]
    line: dict[str, Any]
    trace_id: str

    def sights(self) -> list[Sight]:
        """Return what each tool shows of the request; Elastic APM may take a second."""
        return [_in_toolbar(self), _in_header(self), _in_log(self), _in_apm(self)]


def make_request(browser: Client, path: str) -> Request:
    """Request a page through all of the site's middleware, in this thread.

    The context is a copy, so that the figures of the request around this one stay as they are.
    """
    noted: dict[str, Any] = {}
    thread = threading.get_ident()

    def note(*, request: HttpRequest, response: Any, counts: Counts, **_: Any) -> None:
        if threading.get_ident() == thread:
            noted["line"] = request_costs.log_line(request, response, counts)
            noted["labels"] = counts.labels()
            noted["traceparent"] = tracing.follower.traceparent()

    request_costs.response_measured.connect(note)
    try:
        response = contextvars.copy_context().run(browser.get, path)
    finally:
        request_costs.response_measured.disconnect(note)
    trace = _TRACE_ID.match(noted["traceparent"])
    return Request(response, noted["line"]["ms"], noted["labels"], noted["line"], trace[1] if trace else "")


def browser_of(request: HttpRequest) -> Client:
    """Return a browser with the cookies of a request, so that it is signed in as the same user."""
    browser = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0], raise_request_exception=False)
    for name, value in request.COOKIES.items():
        browser.cookies[name] = value
    return browser


def trace_url(trace_id: str) -> str:
    """Return the URL of a trace in the viewer of `make apm`; empty without a trace or with a server elsewhere."""
    server = str(settings.ELASTIC_APM["SERVER_URL"])
    return f"{server}/traces/{trace_id}/" if trace_id and urlsplit(server).hostname == "127.0.0.1" else ""


def _in_toolbar(made: Request) -> Sight:
    where = "At the right edge of each page: History, then SQL, Cache and Time"
    request_id = made.response.headers.get("djdt-request-id")
    if not request_id:
        return Sight("Debug toolbar", "Off. Start the site with DEBUG_TOOLBAR=1.", {})
    # Only development has the package, and only if it is on.
    return Sight("Debug toolbar", where, import_module("web.observability.toolbar").figures(request_id))


def _in_header(made: Request) -> Sight:
    """Read the header that the browser gets, so that nothing is compared with itself."""
    where = "In the browser: developer tools, Network, the request, Timing"
    header = made.response.headers.get("Server-Timing", "")
    times = {name: float(ms) for name, ms in re.findall(r"(\w+);dur=([\d.]+)", header)}
    queries, hits = re.search(r"(\d+) queries", header), re.search(r"(\d+) hits", header)
    if not (queries and hits):
        return Sight("Server-Timing", where, {}, header)
    numbers = {
        "queries": int(queries[1]),
        "sql_ms": times["db"],
        "cache_hits": int(hits[1]),
        "ms": times["total"],
    }
    return Sight("Server-Timing", where, numbers, header)


def _in_log(made: Request) -> Sight:
    where = "In the log of a server, one JSON object per request. Development does not print it."
    return Sight("Log line", where, _of_labels(made.line), json.dumps(made.line))


def _in_apm(made: Request) -> Sight:
    if not made.trace_id:
        return Sight(
            "Elastic APM", "Off. Start the site with make apm. Its viewer is pictured in docs/apm.md.", {}
        )
    received = _received(trace_url(made.trace_id))
    where = f"In the viewer of make apm or in Kibana: trace {made.trace_id}"
    return Sight("Elastic APM", where, _of_labels(received), json.dumps(received) if received else "")


def _received(url: str) -> dict[str, Any]:
    """Ask the viewer what it has received of a trace. It comes within a second; nothing if the server is no viewer."""
    for _ in range(_ASKED if url else 0):
        time.sleep(_BETWEEN_SECONDS)
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 (a server of this machine)
                found: dict[str, Any] = json.load(answer)
            if found:
                return found
    return {}


def _of_labels(labels: dict[str, Any]) -> dict[str, float]:
    names = {"queries": "sql_count", "sql_ms": "sql_ms", "cache_hits": "cache_hits", "ms": "ms"}
    return {name: labels[label] for name, label in names.items() if label in labels}


def headlines() -> Iterator[Headline]:
    """Count the queries of each page for the first user of the demo, without the page cache and with it."""
    user = demo_user()
    if user is None:
        return
    for name, title in PAGES.values():
        with page_costs.fresh_caches(), page_costs.browser(user) as browser:
            first = make_request(browser, reverse(name))
            again = make_request(browser, reverse(name))
        yield Headline(
            f"{title}: queries at the first request, and at the next",
            f"{first.labels['sql_count']}, then {again.labels['sql_count']}",
        )


def demo_user() -> User | None:
    """Return the first user of the demo, or of the site, with the boards of their circles in Redis.

    A worker would have built them: a page that shows a board is cached only if the board is in Redis.
    """
    user = User.objects.filter(email=demo.ADA.email).first() or User.objects.order_by("pk").first()
    if user is not None:
        for circle_id in user.memberships.current().values_list("circle_id", flat=True):
            with contextlib.suppress(leaderboards.BoardsUnavailable):
                leaderboards.rebuild_board(circle_id)
    return user
