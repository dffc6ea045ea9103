"""Counting: the cost of a request is correct, visible only to the right people, and contains no personal data."""

from __future__ import annotations

import datetime
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from savings import leaderboards
from savings.models import User
from tests import factories
from web.counts import Counts, counting, current_counts
from web.observability import request_costs
from web.observability.request_costs import CountingMiddleware
from web.urls import handler400, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls


def ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def two_queries(request: HttpRequest) -> HttpResponse:
    ask()
    ask()
    return HttpResponse("x")


def caches(request: HttpRequest) -> HttpResponse:
    cache.set("there", 1)
    cache.get("there")
    cache.get("not there", "else")
    cache.get_many(["there", "nor this", "nor that"])
    return HttpResponse("x")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def rows() -> Iterator[bytes]:
        for _ in range(3):
            ask()
            yield b"x"

    ask()
    return StreamingHttpResponse(rows())


def crash(request: HttpRequest) -> HttpResponse:
    ask()
    raise RuntimeError("a secret")


def unchanged(request: HttpRequest) -> HttpResponse:
    ask()
    return HttpResponseNotModified()


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def within(request: HttpRequest) -> HttpResponse:
    ask()
    Client().get("/test/two-queries/")
    ask()
    ask()
    return HttpResponse("x")


def board(request: HttpRequest) -> HttpResponse:
    leaderboards.ping()
    return HttpResponse("x")


urlpatterns = [
    *site_urls,
    path("test/two-queries/", two_queries),
    path("test/caches/", caches),
    path("test/stream/", stream),
    path("test/crash/", crash),
    path("test/unchanged/", unchanged),
    path("test/empty/", empty),
    path("test/within/", within),
    path("test/board/", board),
    path("test/<str:reference>/<slug:code>/", two_queries),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[list[Counts]]:
    """The counts of each finished request, without other middleware."""
    last = f"{CountingMiddleware.__module__}.{CountingMiddleware.__name__}"
    settings.MIDDLEWARE = site.MIDDLEWARE[: site.MIDDLEWARE.index(last) + 1]
    found: list[Counts] = []

    def note(*, counts: Counts, **_: Any) -> None:
        found.append(counts)

    request_costs.response_measured.connect(note)
    yield found
    request_costs.response_measured.disconnect(note)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines of the request log as in production."""
    caplog.set_level(logging.INFO, "asusu.request")
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    request_costs.logger.addHandler(handler)
    yield found
    request_costs.logger.removeHandler(handler)


def test_queries_are_counted_and_timed(client: Client, counted: list[Counts]) -> None:
    client.get("/test/two-queries/")
    assert counted[0].sql_count == 2
    assert 0 < counted[0].sql_seconds < counted[0].seconds


def test_hits_misses_and_calls_are_counted(client: Client, counted: list[Counts]) -> None:
    client.get("/test/caches/")
    counts = counted[0]
    assert (counts.cache_calls, counts.cache_hits, counts.cache_misses) == (4, 2, 3)
    assert 0 < counts.cache_seconds < counts.seconds


def test_commands_to_the_boards_are_counted(client: Client, counted: list[Counts]) -> None:
    client.get("/test/board/")
    assert counted[0].redis_calls == 1
    assert counted[0].redis_seconds > 0


def test_a_stream_is_counted_to_its_end(client: Client, counted: list[Counts]) -> None:
    response = client.get("/test/stream/")
    assert not counted
    assert b"".join(response) == b"xxx"
    assert [counts.sql_count for counts in counted] == [4]
    assert current_counts.get() is None


def test_a_stream_that_nobody_reads_is_counted_once(client: Client, counted: list[Counts]) -> None:
    client.get("/test/stream/").close()
    assert [counts.sql_count for counts in counted] == [1]


def test_a_crash_is_counted(counted: list[Counts]) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/test/crash/").status_code == 500
    assert [counts.sql_count for counts in counted] == [1]


@pytest.mark.parametrize(
    ("address", "expected"), [("/test/unchanged/", (304, 1)), ("/test/empty/", (204, 0))]
)
def test_answers_without_a_body_are_counted(
    client: Client, counted: list[Counts], settings: Settings, address: str, expected: tuple[int, int]
) -> None:
    settings.DEBUG = True
    response = client.get(address)
    assert (response.status_code, counted[0].sql_count) == expected
    assert f'{expected[1]} queries"' in response["Server-Timing"]


def test_a_request_within_a_request_has_counts_of_its_own(client: Client, counted: list[Counts]) -> None:
    client.get("/test/within/")
    assert [counts.sql_count for counts in counted] == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_counts_of_its_own() -> None:
    found = []

    def work(queries: int) -> None:
        try:
            with counting() as counts:
                for _ in range(queries):
                    ask()
            found.append((queries, counts.sql_count))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[queries]) for queries in (1, 5, 20)]
    with counting() as mine:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [(1, 1), (5, 5), (20, 20)]
    assert mine.sql_count == 0


def test_a_reopened_connection_counts_once() -> None:
    assert connection.execute_wrappers.count(request_costs._count_query) == 1
    request_costs._count_queries(connection=connection)
    assert connection.execute_wrappers.count(request_costs._count_query) == 1


def test_only_staff_see_what_a_page_cost(saver_client: Client, client: Client, settings: Settings) -> None:
    settings.DEBUG = False
    assert "Server-Timing" not in saver_client.get("/dashboard/")
    assert "Server-Timing" not in Client().get("/")
    client.force_login(factories.make_user(is_staff=True))
    assert client.get("/dashboard/")["Server-Timing"].startswith("db;dur=")


def test_development_sees_what_a_page_cost(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    assert "total;dur=" in client.get("/")["Server-Timing"]


def test_a_line_of_json_says_what_a_request_cost(saver_client: Client, lines: list[str]) -> None:
    response = saver_client.get("/test/two-queries/")
    said = [json.loads(line) for line in lines]
    assert len(said) == 1
    assert said[0].pop("ms") > said[0].pop("sql_ms") > 0
    assert said[0].pop("cache_ms") >= 0
    assert datetime.datetime.fromisoformat(said[0].pop("@timestamp")).tzinfo
    assert said[0] == {
        "log.level": "info",
        "message": "GET test/two-queries/ 200",
        "request_id": response["X-Request-ID"],
        "method": "GET",
        "route": "test/two-queries/",
        "status": 200,
        "sql_count": said[0]["sql_count"],
        "cache_hits": 0,
        "cache_misses": 0,
        "redis_calls": 0,
    }
    assert said[0]["sql_count"] >= 2


def test_no_line_holds_anything_personal(saver: User, saver_client: Client, lines: list[str]) -> None:
    for address in ("/test/STK0REFERENCE/code7/?q=a-word", "/nowhere/STK0REFERENCE/?q=a-word"):
        saver_client.get(address, headers={"Cookie": "x=a-cookie"})
    said = " ".join(lines)
    assert "test/<str:reference>/<slug:code>/" in said
    assert '"route": "-", "status": 404' in said
    session = saver_client.cookies[site.SESSION_COOKIE_NAME].value
    for secret in (saver.email, saver.name, "STK0REFERENCE", "code7", "a-word", "a-cookie", session):
        assert secret not in said


def test_development_writes_no_lines() -> None:
    assert not request_costs.logger.isEnabledFor(logging.INFO)
