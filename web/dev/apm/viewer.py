"""The viewer's server and its pages: the cost of each route, the latest traces, and one trace as a waterfall."""

from __future__ import annotations

import datetime
import logging
import mimetypes
import re
from typing import Any, override
from urllib.parse import parse_qs, quote, urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from web.dev.apm.intake import Handler, Intake, events
from web.dev.apm.traces import Route, Step, Trace, Traces

logger = logging.getLogger(__name__)

_STATIC = {"/static/css/app.css": "css/app.css", "/static/img/logo.svg": "img/logo.svg"}
_TRACE = re.compile(r"/traces/([0-9a-f]{32})/")
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# A name of another site that leads to this machine must not read the traces from a browser.
_HOSTS = {"127.0.0.1", "localhost"}
_DEEPEST = 4
# The narrowest bar of a waterfall, in thousandths of its width.
_NARROWEST = 4


class Viewer(Intake):
    """An APM server for one developer: what it received last, in memory, with pages."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port, _Handler)
        self.traces = Traces()

    def receive(self, text: str) -> int:
        for kind, event in events(text):
            self.traces.add(kind, event)
        return 202


class _Handler(Handler):
    """Answers the agent, and the browser."""

    server: Viewer

    @override
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _HOSTS:
            self.answer_json(400, {})
        elif address.path == "/" and "text/html" not in self.headers.get("Accept", ""):
            super().do_GET()
        elif address.path in _STATIC:
            self._static(_STATIC[address.path])
        else:
            self._page(address.path, parse_qs(address.query).get("route", [""])[0])

    def _page(self, path: str, route: str) -> None:
        found = _TRACE.fullmatch(path)
        trace = self.server.traces.trace(found[1]) if found else None
        if "text/html" not in self.headers.get("Accept", ""):
            self.answer_json(200 if trace else 404, figures(trace) if trace else {})
            return
        if path == "/":
            status, html = 200, front_page(self.server.traces, route)
        elif trace:
            status, html = 200, render_to_string("apm/trace.html", _shown(trace))
        else:
            status, html = 404, render_to_string("apm/gone.html", {"static_url": "/static/"})
        self.answer(
            status,
            html.encode(),
            "text/html; charset=utf-8",
            Content_Security_Policy=_POLICY,
            Cache_Control="no-store",
        )

    def _static(self, name: str) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.answer(200, (settings.BASE_DIR / "static" / name).read_bytes(), kind)


def figures(trace: Trace) -> dict[str, Any]:
    """Return the labels of a trace's first transaction, and its duration as `ms`; nothing before it has arrived."""
    return next((step.labels | {"ms": round(step.ms, 2)} for step in trace.steps if step.labels), {})


def front_page(traces: Traces, route: str) -> str:
    """Return the table of routes and the latest traces, of one route if it is named."""
    routes = traces.routes()
    shown = [
        {"trace": trace, "url": f"/traces/{trace.trace_id}/", "at": _local(trace.started_at)}
        for trace in traces.latest(route)
    ]
    context = {
        "requests": [_line(cost, route) for cost in routes if not cost.is_task],
        "tasks": [_line(cost, route) for cost in routes if cost.is_task],
        "traces": shown,
        "route": route,
    }
    return render_to_string("apm/home.html", context | _SHARED)


def _line(cost: Route, chosen: str) -> dict[str, Any]:
    return {"cost": cost, "url": f"/?route={quote(cost.name)}", "is_chosen": cost.name == chosen}


def _shown(trace: Trace) -> dict[str, Any]:
    rows = [_row(step, trace.ms) for step in trace.steps]
    return {"trace": trace, "rows": rows, "at": _local(trace.started_at)} | _SHARED


def _row(step: Step, whole_ms: float) -> dict[str, Any]:
    """Return a step with its bar, in thousandths of the width."""
    scale = 1000 / (whole_ms or 1)
    width = max(_NARROWEST, round(step.ms * scale))
    start = min(round(step.start_ms * scale), 1000 - width)
    return {
        "step": step,
        "start": max(0, start),
        "width": width,
        "depth": min(step.depth, _DEEPEST),
        "colour": _COLOURS.get(step.kind, "other"),
    }


_COLOURS = {
    "request": "request",
    "task": "task",
    "postgresql": "sql",
    "sqlite": "sql",
    "redis": "redis",
    "mail": "mail",
}
_SHARED = {"static_url": "/static/", "site_url": settings.SITE_URL}


def _local(seconds: float) -> datetime.datetime:
    return timezone.localtime(datetime.datetime.fromtimestamp(seconds, datetime.UTC))
