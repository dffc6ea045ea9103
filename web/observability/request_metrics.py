"""Counts each request for Prometheus, in files that the worker processes of a server share.

A scrape reaches one worker, and must be answered with the requests of all. prometheus_client's files cost microseconds
for a request and outlive a worker that dies. Counters in Redis would cost each page another call, and stop while Redis
is down, which is when they are needed.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from web.counts import Counts
from web.observability.request_costs import response_measured

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A client can send any word as its method, and each would be a series of its own.
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
# Where the library makes its files.
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# Allocated at the start: on a disk that is full later, writing to a mapped file that has holes would kill the process.
_FILE_BYTES = 2**20
_FOLDER = re.compile(r"(?P<host>.+)-(?P<server>\d+)")


def start() -> None:
    """Count the requests of this process from now on. Raises ImproperlyConfigured if its files cannot be written."""
    try:
        _metrics()
    except OSError as error:
        raise ImproperlyConfigured(
            f"METRICS_TOKEN is set, and the files for /metrics cannot be written in {_all_folders()}: {error.strerror}"
        ) from error
    response_measured.connect(_count)


def folder() -> Path:
    """Return the folder of this server's files. The workers of one server have the same parent process."""
    return _all_folders() / f"{socket.gethostname()}-{os.getppid()}"


def collect() -> Iterable[Metric]:
    """Return the metrics of the requests of all workers of this server, none if it counts none.

    Raises OSError, and ValueError or RuntimeError for a broken file.
    """
    return MultiProcessCollector(None, str(folder())).collect() if folder().is_dir() else []


class _Metrics(NamedTuple):
    """What is counted. Labels have a bounded number of values: no path, no id, no user."""

    requests: Counter
    seconds: Histogram
    queries: Counter
    query_seconds: Counter
    cache: Counter


@functools.cache
def _metrics() -> _Metrics:
    _make_files()
    counter = functools.partial(Counter, registry=None)
    return _Metrics(
        requests=counter(
            "asusu_requests", "Requests by route, method and class of status.", ["route", "method", "status"]
        ),
        seconds=Histogram(
            "asusu_request_seconds",
            "Seconds until a response was complete, by route.",
            ["route"],
            buckets=_BUCKETS,
            registry=None,
        ),
        queries=counter("asusu_request_queries", "SQL statements of requests, by route.", ["route"]),
        query_seconds=counter(
            "asusu_request_query_seconds", "Seconds in SQL statements of requests, by route.", ["route"]
        ),
        cache=counter("asusu_cache_lookups", "Keys that requests looked up in the cache.", ["result"]),
    )


def _make_files() -> None:
    _remove_old_folders()
    folder().mkdir(parents=True, exist_ok=True)
    for kind in ("counter", "histogram"):
        # One that is there is of an earlier process with this number. Its counts go on.
        with suppress(FileExistsError), (folder() / f"{kind}_{os.getpid()}.db").open("xb") as file:
            file.write(bytes(_FILE_BYTES))
    os.environ[_VARIABLE] = str(folder())
    # The library would choose so by itself if the variable had been there when it was imported.
    values.ValueClass = values.MultiProcessValue()


class _OfRoute(NamedTuple):
    """The metrics of one route, looked up once."""

    seconds: Any
    queries: Any
    query_seconds: Any


@functools.cache
def _of_route(route: str) -> _OfRoute:
    metrics = _metrics()
    return _OfRoute(
        metrics.seconds.labels(route), metrics.queries.labels(route), metrics.query_seconds.labels(route)
    )


@functools.cache
def _of_answer(route: str, method: str, status: str) -> Any:
    return _metrics().requests.labels(route, method, status)


@functools.cache
def _of_cache(result: str) -> Any:
    return _metrics().cache.labels(result)


def _count(*, request: HttpRequest, response: HttpResponseBase, counts: Counts, **_: Any) -> None:
    match = request.resolver_match
    # Static files and URLs that do not exist have none.
    route = match.view_name if match else "-"
    method = request.method if request.method in _METHODS else "other"
    _of_answer(route, method, f"{response.status_code // 100}xx").inc()
    of_route = _of_route(route)
    of_route.seconds.observe(counts.seconds)
    if counts.sql_count:
        of_route.queries.inc(counts.sql_count)
        of_route.query_seconds.inc(counts.sql_seconds)
    if counts.cache_hits:
        _of_cache("hit").inc(counts.cache_hits)
    if counts.cache_misses:
        _of_cache("miss").inc(counts.cache_misses)


def _all_folders() -> Path:
    return Path(settings.VAR_DIR) / "metrics"


def _remove_old_folders() -> None:
    """Remove the files of servers of this machine that have ended: their counts began anew with the next server."""
    for found in _all_folders().glob("*-*"):
        name = _FOLDER.fullmatch(found.name)
        if name and name["host"] == socket.gethostname() and not _is_running(int(name["server"])):
            shutil.rmtree(found, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It belongs to another user.
        return True
    return True
