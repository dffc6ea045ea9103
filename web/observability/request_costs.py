"""Measures the cost of each request: counts its queries and Redis commands, and reports it in a header and the log."""

from __future__ import annotations

import datetime
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import Signal, receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from savings import leaderboards
from web.caching import reads
from web.counts import Counts, counting, current_counts

# In production, one line of JSON per request; see web/observability/log_lines.py.
logger = logging.getLogger("asusu.request")

# Sent with `request`, `response` and `counts` when a response is complete, including its stream.
response_measured = Signal()


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
    before = current_counts.get()
    current_counts.set(counts)

    def finish() -> None:
        current_counts.set(before)
        _finish(request, response, counts)

    # Django calls this when the response is closed, even if the client did not read all of it.
    response._resource_closers.append(finish)  # type: ignore[attr-defined]


def _finish(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> None:
    response_measured.send_robust(CountingMiddleware, request=request, response=response, counts=counts)
    if logger.isEnabledFor(logging.INFO):
        logger.info(json.dumps(log_line(request, response, counts)))


def log_line(request: HttpRequest, response: HttpResponseBase, counts: Counts) -> dict[str, Any]:
    """Return what the log of a server says of a request."""
    # The pattern instead of the URL, because it contains no id, reference, code or query. A dictionary, which is
    # written as JSON without a formatter of the logging module, which takes ten times as long.
    pattern = route(request)
    return {
        "@timestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "log.level": "info",
        "message": f"{request.method} {pattern} {response.status_code}",
        "request_id": request.request_id,  # type: ignore[attr-defined]
        "method": request.method,
        "route": pattern,
        "status": response.status_code,
        "ms": round(counts.seconds * 1000, 2),
        **counts.labels(),
    }


# The wrapper is installed once per connection. One per request would cost 3 µs each and miss other threads.


@receiver(connection_created)
def _count_queries(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _count_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count_query)


def _count_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    reads.note_query(sql)
    counts = current_counts.get()
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
    counts = current_counts.get()
    if counts is not None:
        counts.redis_calls += 1
        counts.redis_seconds += seconds
