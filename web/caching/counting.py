"""Counts the queries, cache calls and Redis commands of a request or task, and the time each kind took.

The counts are in a context variable, so threads, coroutines and nested requests do not mix. Outside of `counting()`
nothing is counted; a query or call then costs one lookup of that variable.
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

# In production, one line of JSON per request; see web/observability/log_lines.py.
logger = logging.getLogger("asusu.request")

# Sent with `request`, `response` and `counts` when a response is complete, including its stream.
response_measured = Signal()

_MISSING = object()


@dataclasses.dataclass(slots=True)
class Counts:
    """The cost so far. Session calls are counted apart, because a page makes one whether or not it is cached."""

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
        """Return the figures under the names used in logs and Elastic APM; durations are in milliseconds."""
        return {
            "sql_count": self.sql_count,
            "sql_ms": round(self.sql_seconds * 1000, 2),
            "cache_hits": self.cache_hits,
            "cache_misses": self.cache_misses,
            "cache_ms": round(self.cache_seconds * 1000, 2),
            "redis_calls": self.redis_calls,
        }

    def server_timing(self) -> str:
        """Return the figures so far as a Server-Timing header, which browsers show in their network panel."""
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
    """Count the cost of the block."""
    counts = Counts()
    token = _at_hand.set(counts)
    try:
        yield counts
    finally:
        _at_hand.reset(token)


def route(request: HttpRequest) -> str:
    """Return the URL pattern of a request, which contains no id, reference or code; "-" if no pattern matches."""
    match = request.resolver_match
    return match.route or match.view_name if match else "-"


class CountingMiddleware:
    """Counts the cost of each response. Developers and staff see it in a header; production writes it to the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with counting() as counts:
            response = self.get_response(request)
            if settings.DEBUG or _is_staff(request):
                response["Server-Timing"] = counts.server_timing()
        if response.streaming:
            # The rest of the cost is known once the stream has been sent.
            _finish_with_the_stream(request, response, counts)
        else:
            _finish(request, response, counts)
        return response


def _is_staff(request: HttpRequest) -> bool:
    # Only if this request has already loaded the user: loading it here could cost a query on a page that needs none.
    user = vars(request).get("_cached_user")
    return user is not None and user.is_staff


def _finish_with_the_stream(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> None:
    # `counting()` cannot be used here: its token must be reset in the same context, and a stream may end in another.
    before = _at_hand.get()
    _at_hand.set(counts)

    def finish() -> None:
        _at_hand.set(before)
        _finish(request, response, counts)

    # Django calls this when the response is closed, even if the client did not read all of it.
    response._resource_closers.append(finish)  # type: ignore[attr-defined]


def _finish(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> None:
    response_measured.send_robust(CountingMiddleware, request=request, response=response, counts=counts)
    if logger.isEnabledFor(logging.INFO):
        # The pattern instead of the URL, because it contains no id, reference, code or query. The JSON is written here
        # because a formatter of the logging module takes ten times as long.
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


# The wrapper is installed once per connection. One per request would cost 3 µs each and miss other threads.


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


@receiver(leaderboards.command_sent, sender=leaderboards.BoardClient)
def _count_command(*, seconds: float, **_: Any) -> None:
    reads.note_board()
    counts = _at_hand.get()
    if counts is not None:
        counts.redis_calls += 1
        counts.redis_seconds += seconds


def _counted(verb: str) -> Callable[..., Any]:
    """Return a method that calls the method of the same name in the parent class and counts the call."""
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
    """The site's cache, with its calls counted."""

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
