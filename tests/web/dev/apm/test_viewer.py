"""The viewer of traces: what it calculates from the agent's events, what it shows, and whom it answers."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from tests import apm_intake
from web.dev.apm import traces, viewer
from web.dev.apm.viewer import Viewer

BEGUN = 1_700_000_000_000_000
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CLICK, TASK = "POST lab/mail/", "deliver_outbox_row"


def transaction(name: str, *, ms: float = 10, at_ms: float = 0, **more: Any) -> dict[str, Any]:
    event = {
        "id": f"{name}-{at_ms}",
        "trace_id": TRACE_ID,
        "name": name,
        "type": "request",
        "duration": ms,
        "timestamp": BEGUN + round(at_ms * 1000),
        "outcome": "success",
        "context": {"tags": {"sql_count": 3, "sql_ms": 1.5, "cache_hits": 1}},
    }
    return {"transaction": event | more}


def span(name: str, parent: str, *, ms: float = 1, at_ms: float = 0, **more: Any) -> dict[str, Any]:
    event = {
        "id": f"{name}-{at_ms}",
        "parent_id": parent,
        "trace_id": TRACE_ID,
        "name": name,
        "type": "db",
        "subtype": "sqlite",
        "duration": ms,
        "timestamp": BEGUN + round(at_ms * 1000),
        "outcome": "success",
    }
    return {"span": event | more}


def click_with_mail() -> list[dict[str, Any]]:
    """A request of 20 ms whose task begins 30 ms after its end, in the order in which an agent sends them."""
    task = transaction(TASK, ms=40, at_ms=50, id="task", parent_id="click", type="task")
    return [
        {"metadata": {"service": {"name": "asusu"}}},
        span("INSERT INTO savings_outboxrow", "click", at_ms=5),
        transaction(CLICK, ms=20, id="click"),
        span("Send mail", "task", ms=30, at_ms=55, type="external", subtype="mail"),
        span("SELECT FROM savings_outboxrow", "task", at_ms=51),
        task,
    ]


@pytest.fixture
def site() -> Iterator[Viewer]:
    with apm_intake.serving(Viewer()) as server:
        yield server


def send(site: Viewer, events: list[dict[str, Any]]) -> int:
    body = gzip.compress("\n".join(json.dumps(event) for event in events).encode())
    return httpx.post(f"{site.url}/intake/v2/events", content=body).status_code


def page(site: Viewer, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{site.url}{path}", headers={"Accept": "text/html"} | headers)


def test_a_trace_leads_from_the_click_to_the_mail(site: Viewer) -> None:
    assert send(site, click_with_mail()) == 202
    trace = site.traces.trace(TRACE_ID)
    assert trace
    assert (trace.name, trace.ms, trace.tasks) == (CLICK, 90, [TASK])
    assert [(step.name, step.depth, step.start_ms) for step in trace.steps] == [
        (CLICK, 0, 0),
        ("INSERT INTO savings_outboxrow", 1, 5),
        (TASK, 1, 50),
        ("SELECT FROM savings_outboxrow", 2, 51),
        ("Send mail", 2, 55),
    ]
    assert [step.waited_ms for step in trace.steps if step.kind == "task"] == [30]
    shown = page(site, f"/traces/{TRACE_ID}/").text
    figures = httpx.get(f"{site.url}/traces/{TRACE_ID}/").json()
    assert figures == {"sql_count": 3, "sql_ms": 1.5, "cache_hits": 1, "ms": 20}
    assert "begun 30.0 ms after the end of its cause" in shown
    assert '<rect class="mail" x="611" y="0" width="333" height="8"/>' in shown


def test_routes_have_latency_throughput_and_queries(site: Viewer) -> None:
    events = [
        transaction("GET plans/", ms=number, at_ms=600 * number, trace_id=f"{number:032x}")
        for number in range(1, 101)
    ]
    events.append(transaction(CLICK, ms=9_000, at_ms=51_000, trace_id="f" * 32))
    send(site, [*events, transaction(TASK, type="task", trace_id="e" * 32)])
    click, plans, task = site.traces.routes()
    assert (click.name, plans.name, task.is_task) == (CLICK, "GET plans/", True)
    assert (plans.runs, plans.p50_ms, plans.p95_ms, plans.most_ms) == (100, 50.5, 95, 100)
    assert plans.per_minute == pytest.approx(100, abs=1)
    assert (plans.queries, plans.most_queries) == (3, 3)
    front = page(site, "/").text
    assert "GET plans/" in front
    assert "Tasks of the worker" in front
    only = page(site, "/?route=POST%20lab/mail/").text
    assert only.count('<a class="b" href="/traces/') == 1
    assert '<a href="?route=POST%20lab%2Fmail%2F">load this page again</a>' in only
    assert '<a href="?">load this page again</a>' in front


def test_only_the_latest_traces_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "_MOST_TRACES", 2)
    monkeypatch.setattr(traces, "_MOST_EVENTS", 3)
    stored = traces.Traces()
    for number in range(4):
        for at_ms in range(5):
            event = transaction(f"GET {number}/", trace_id=str(number), at_ms=number * 100 + at_ms)
            stored.add("transaction", event["transaction"])
    stored.add("metricset", {"samples": {}})
    assert [trace.name for trace in stored.latest()] == ["GET 3/", "GET 2/"]
    assert len(stored.latest()[0].steps) == 3


def test_the_agent_and_a_browser_ask_for_the_same_url(site: Viewer) -> None:
    assert "version" in httpx.get(site.url).json()
    first = page(site, "/")
    assert "Nothing yet" in first.text
    assert first.headers["Content-Security-Policy"] == viewer._POLICY
    assert httpx.post(f"{site.url}/config/v1/agents", content=b"{}").json() == {}


def test_pages_need_nothing_from_elsewhere(site: Viewer) -> None:
    send(site, click_with_mail())
    for path in ("/", f"/traces/{TRACE_ID}/"):
        shown = page(site, path).text
        assert "<script" not in shown
        assert " style=" not in shown
    assert page(site, "/static/css/app.css").headers["Content-Type"] == "text/css"


def test_what_is_not_there_is_404_and_another_host_is_refused(site: Viewer) -> None:
    for path in ("/traces/", f"/traces/{TRACE_ID}/", "/static/../manage.py", "/static/css/admin.css"):
        assert page(site, path).status_code == 404
    assert page(site, "/", Host="traces.example").status_code == 400


def test_a_body_that_is_too_long_is_refused(site: Viewer) -> None:
    with socket.create_connection(("127.0.0.1", site.server_port)) as connection:
        connection.sendall(
            b"POST /intake/v2/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_the_viewer_is_for_development_only(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="for development only"):
        call_command("apm")
