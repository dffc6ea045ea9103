"""Counts what a request or a task costs: queries, cache calls and Redis commands, and how long each kind took.

Counts are kept in a context variable, so that threads, coroutines and requests within requests do not mix. Outside of
`counting()` nothing is counted, and each query or call pays for one look at that variable.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.cached_db import KEY_PREFIX
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import Signal, receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from savings import leaderboards
from web.caching import attempt_counters, reads

# One line of JSON for each request in production; see LOGGING in the settings.
logger = logging.getLogger("asusu.request")

# Sent with `request`, `response` and `counts` when an answer is complete, its stream included.
finished = Signal()

_MISSING = object()


@dataclasses.dataclass(slots=True)
class Counts:
    """What has been spent so far. Calls for the session are apart: a page makes one whatever it caches."""

    begun: float = dataclasses.field(default_factory=time.perf_counter)
    sql_count: int = 0
    sql_seconds: float = 0.0
    cache_calls: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    cache_seconds: float = 0.0
    session_calls: int = 0
    redis_calls: int = 0
    redis_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def labels(self) -> dict[str, int | float]:
        """Return the figures under the names that logs and Elastic APM know them by, in milliseconds."""
        return {
            "sql_count": self.sql_count,
            "sql_ms": round(self.sql_seconds * 1000, 2),
            "cache_hits": self.cache_hits,
            "cache_misses": self.cache_misses,
            "cache_ms": round(self.cache_seconds * 1000, 2),
            "redis_calls": self.redis_calls,
        }

    def server_timing(self) -> str:
        """Return the figures so far as the value of a Server-Timing header, which browsers show beside the network."""
        cache = f"{self.cache_hits} hits, {self.cache_misses} misses, {self.session_calls} for the session"
        return ", ".join(
            f'{name};dur={seconds * 1000:.1f};desc="{what}"'
            for name, seconds, what in (
                ("db", self.sql_seconds, f"{self.sql_count} queries"),
                ("cache", self.cache_seconds, f"{self.cache_calls + self.session_calls} calls: {cache}"),
                ("redis", self.redis_seconds, f"{self.redis_calls} commands for boards"),
                ("total", self.seconds, "all of it"),
            )
        )


_at_hand: ContextVar[Counts | None] = ContextVar("counts", default=None)


@contextmanager
def counting() -> Iterator[Counts]:
    """Count until the end of the block."""
    counts = Counts()
    token = _at_hand.set(counts)
    try:
        yield counts
    finally:
        _at_hand.reset(token)


def route(request: HttpRequest) -> str:
    """Return the pattern of a request's address, which holds no id, reference or code; "-" where none fits."""
    match = request.resolver_match
    return match.route or match.view_name if match else "-"


class CountingMiddleware:
    """Counts what each answer costs, and says so: to developers and staff in its headers, in production in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with counting() as counts:
            response = self.get_response(request)
            if settings.DEBUG or _is_staff(request):
                response["Server-Timing"] = counts.server_timing()
        if response.streaming:
            # What it costs to make the rest is known when it has been sent.
            _finish_with_the_stream(request, response, counts)
        else:
            _finish(request, response, counts)
        return response


def _is_staff(request: HttpRequest) -> bool:
    # Only if this request has looked: asking now could cost a query, on a page that needed none.
    user = vars(request).get("_cached_user")
    return user is not None and user.is_staff


def _finish_with_the_stream(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> None:
    # Not counting(): its end must lie in the context of its beginning, which the end of a stream need not.
    before = _at_hand.get()
    _at_hand.set(counts)

    def finish() -> None:
        _at_hand.set(before)
        _finish(request, response, counts)

    # Called when the answer is closed, also where nobody has read it to its end.
    response._resource_closers.append(finish)  # type: ignore[attr-defined]


def _finish(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> None:
    finished.send_robust(CountingMiddleware, request=request, response=response, counts=counts)
    if logger.isEnabledFor(logging.INFO):
        # The pattern and not the address: it holds no id, reference or code, and no query.
        # Written as JSON here: a formatter of the logging module takes ten times as long.
        pattern = route(request)
        line = {
            "@timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "log.level": "info",
            "message": f"{request.method} {pattern} {response.status_code}",
            "request_id": request.request_id,  # type: ignore[attr-defined]
            "method": request.method,
            "route": pattern,
            "status": response.status_code,
            "ms": round(counts.seconds * 1000, 2),
        }
        logger.info(json.dumps(line | counts.labels()))


# A wrapper put on each connection once. One per request would cost 3 µs each time, and miss other threads.


@receiver(connection_created)
def _count_queries(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _count_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count_query)


def _count_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    reads.note_query(sql)
    counts = _at_hand.get()
    if counts is None:
        return execute(sql, params, many, context)
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        counts.sql_count += 1
        counts.sql_seconds += time.perf_counter() - begun


@receiver(leaderboards.command_sent)
def _count_command(*, seconds: float, **_: Any) -> None:
    reads.note_board()
    counts = _at_hand.get()
    if counts is not None:
        counts.redis_calls += 1
        counts.redis_seconds += seconds


def _counted(verb: str) -> Callable[..., Any]:
    """Return a method that leaves the work to the one of that name below, and counts the call."""
    as_ever = getattr(attempt_counters.Cache, verb)

    def call(cache: Cache, key: Any, *args: Any, **kwargs: Any) -> Any:
        counts = _at_hand.get()
        if counts is None:
            return as_ever(cache, key, *args, **kwargs)
        begun = time.perf_counter()
        try:
            return as_ever(cache, key, *args, **kwargs)
        finally:
            counts.cache_seconds += time.perf_counter() - begun
            if _is_session(key):
                counts.session_calls += 1
            else:
                counts.cache_calls += 1

    return call


class Cache(attempt_counters.Cache):
    """The cache of the site, counted."""

    add = _counted("add")
    set = _counted("set")
    set_many = _counted("set_many")
    delete = _counted("delete")
    delete_many = _counted("delete_many")
    has_key = _counted("has_key")
    incr = _counted("incr")
    touch = _counted("touch")
    _look_up = _counted("get")
    _look_up_many = _counted("get_many")

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = self._look_up(key, _MISSING, *args, **kwargs)
        if not _is_session(key):
            reads.note_cached(key)
            _note(hits=found is not _MISSING, asked=1)
        return default if found is _MISSING else found

    def get_many(self, keys: Iterable[str], *args: Any, **kwargs: Any) -> Any:
        keys = list(keys)
        found = self._look_up_many(keys, *args, **kwargs)
        for key in keys:
            reads.note_cached(key)
        _note(hits=len(found), asked=len(keys))
        return found


def _is_session(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(KEY_PREFIX)


def _note(*, hits: int, asked: int) -> None:
    counts = _at_hand.get()
    if counts is not None:
        counts.cache_hits += hits
        counts.cache_misses += asked - hits
