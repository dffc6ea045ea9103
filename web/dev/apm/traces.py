"""The traces that the viewer stores: the latest of them in memory, the cost of each route, and one trace in order."""

from __future__ import annotations

import itertools
import statistics
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from web.dev.apm.intake import Event

# A click with its worker has some hundred events of a kilobyte.
_MOST_TRACES = 500
_MOST_EVENTS = 1_000
# What the table of routes is calculated from.
_MOST_TRANSACTIONS = 5_000
_MICROSECONDS = 1_000_000


class Route(NamedTuple):
    """The cost of a route or task: latency in milliseconds, and SQL statements."""

    name: str
    is_task: bool
    runs: int
    per_minute: float
    p50_ms: float
    p95_ms: float
    most_ms: float
    queries: float
    most_queries: int


class Step(NamedTuple):
    """One line of a waterfall. `start_ms` is since the trace began, and `depth` the number of its ancestors."""

    name: str
    kind: str
    depth: int
    start_ms: float
    ms: float
    # Milliseconds between the end of the request and the start of this task, for a task.
    waited_ms: float | None
    labels: dict[str, Any]
    is_failure: bool


class Trace(NamedTuple):
    """A trace: the name of its first transaction, its duration, and its steps in order."""

    trace_id: str
    name: str
    started_at: float
    ms: float
    tasks: list[str]
    steps: list[Step]


class Traces:
    """The latest events, by trace. The oldest traces make room for new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: OrderedDict[str, list[Event]] = OrderedDict()
        self._transactions: deque[Event] = deque(maxlen=_MOST_TRANSACTIONS)

    def add(self, kind: str, event: Event) -> None:
        """Store a transaction or a span."""
        if kind not in {"transaction", "span"}:
            return
        with self._lock:
            found = self._events.setdefault(event["trace_id"], [])
            if len(found) < _MOST_EVENTS:
                found.append(event | {"is_transaction": kind == "transaction"})
            self._events.move_to_end(event["trace_id"])
            while len(self._events) > _MOST_TRACES:
                self._events.popitem(last=False)
            if kind == "transaction":
                self._transactions.append(event)

    def routes(self) -> list[Route]:
        """Return the cost of each route and task; those in which most time was spent come first."""
        with self._lock:
            transactions = list(self._transactions)
        if not transactions:
            return []
        begun = min(event["timestamp"] for event in transactions)
        ended = max(event["timestamp"] + event["duration"] * 1000 for event in transactions)
        minutes = max((ended - begun) / _MICROSECONDS / 60, 1)
        of_name = defaultdict(list)
        for event in transactions:
            of_name[event["name"]].append(event)
        by_time = sorted(of_name.values(), key=lambda events: -sum(event["duration"] for event in events))
        return [_route(events, minutes) for events in by_time]

    def latest(self, name: str = "", most: int = 30) -> list[Trace]:
        """Return the latest traces, newest first; with a name only those that have a transaction of that name."""
        with self._lock:
            found = [(trace_id, list(events)) for trace_id, events in self._events.items()]
        wanted = (
            (trace_id, events)
            for trace_id, events in reversed(found)
            if any(event["is_transaction"] and name in {"", event["name"]} for event in events)
        )
        traces = [_trace(trace_id, events) for trace_id, events in itertools.islice(wanted, most)]
        return sorted(traces, key=lambda trace: -trace.started_at)

    def trace(self, trace_id: str) -> Trace | None:
        with self._lock:
            events = list(self._events.get(trace_id, ()))
        return _trace(trace_id, events) if events else None


def _route(events: list[Event], minutes: float) -> Route:
    took = sorted(event["duration"] for event in events)
    queries = [_labels(event).get("sql_count", 0) for event in events]
    return Route(
        name=events[0]["name"],
        is_task=events[0]["type"] == "task",
        runs=len(events),
        per_minute=len(events) / minutes,
        p50_ms=statistics.median(took),
        p95_ms=took[min(len(took) - 1, round(0.95 * (len(took) - 1)))],
        most_ms=took[-1],
        queries=statistics.median(queries),
        most_queries=max(queries),
    )


def _trace(trace_id: str, events: list[Event]) -> Trace:
    begun = min(event["timestamp"] for event in events)
    ended = max(event["timestamp"] + event["duration"] * 1000 for event in events)
    first = min(events, key=lambda event: (not event["is_transaction"], event["timestamp"]))
    tasks = [event["name"] for event in events if event["is_transaction"] and event is not first]
    return Trace(
        trace_id, first["name"], begun / _MICROSECONDS, (ended - begun) / 1000, tasks, _steps(events, begun)
    )


def _steps(events: list[Event], begun: int) -> list[Step]:
    """Return the events as a tree in order of time: each below its parent."""
    known = {event["id"]: event for event in events}
    children = defaultdict(list)
    for event in sorted(events, key=lambda event: event["timestamp"]):
        parent = event.get("parent_id")
        children[parent if parent in known else None].append(event)
    return list(_in_order(children, None, 0, begun, known))


def _in_order(
    children: dict[str | None, list[Event]],
    parent: str | None,
    depth: int,
    begun: int,
    known: dict[str, Event],
) -> Iterable[Step]:
    for event in children.get(parent, ()):
        yield _step(event, depth, begun, known.get(parent or ""))
        yield from _in_order(children, event["id"], depth + 1, begun, known)


def _step(event: Event, depth: int, begun: int, parent: Event | None) -> Step:
    waited_ms = None
    if event["is_transaction"] and parent is not None:
        waited_ms = (event["timestamp"] - parent["timestamp"]) / 1000 - parent["duration"]
    return Step(
        name=event["name"],
        kind=event["type"] if event["is_transaction"] else event.get("subtype") or event["type"],
        depth=depth,
        start_ms=(event["timestamp"] - begun) / 1000,
        ms=event["duration"],
        waited_ms=waited_ms,
        labels=_labels(event) if event["is_transaction"] else {},
        is_failure=event.get("outcome") == "failure",
    )


def _labels(event: Event) -> dict[str, Any]:
    return (event.get("context") or {}).get("tags") or {}
