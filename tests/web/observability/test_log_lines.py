"""Log lines: one JSON object per line in production, and no code or token of a URL."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from web.observability import log_lines
from web.urls import handler400, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls


def crash(request: HttpRequest, code: str) -> HttpResponse:
    raise ValueError(f"no such code: {code}")


def crash_in_the_database(request: HttpRequest, code: str) -> HttpResponse:
    raise ValueError(f"duplicate key\nDETAIL:  Key (email)=({code}@example.com) already exists.")


def crash_with_the_url(request: HttpRequest, code: str) -> HttpResponse:
    raise ValueError(request.build_absolute_uri(), request.path, [code])


urlpatterns = [
    *site_urls,
    path("healthz/crash/<str:code>/", crash),
    path("healthz/database/<str:code>/", crash_in_the_database),
    path("healthz/url/<str:code>/", crash_with_the_url),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(params=[log_lines.JsonFormatter, log_lines.LineFormatter], ids=["server", "development"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log lines of a request, from the production and the development formatter."""
    # These routes stand for public pages, where an attacker's code may cause an error.
    monkeypatch.setattr("web.auth.sign_in.SignInMiddleware.process_view", lambda *_: None)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    handler.addFilter(log_lines.RequestIdFilter())
    handler.addFilter(log_lines.PatternFilter())
    logger = logging.getLogger("django")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def ask(url: str) -> None:
    Client(raise_request_exception=False).get(url, headers={"Cookie": "sessionid=secret-session"})


@pytest.mark.parametrize(
    "url",
    [
        "/healthz/crash/SECRET-7QK4/",
        "/healthz/crash/SECRET-7QK4/?token=SECRET-7QK4",
        "/healthz/crash/SECRET-%E1%BB%8D7QK4/",
        "/healthz/crash/SECRET-%0A7QK4/",
        "/healthz/crash/SECRET-%277QK4/",
        "/healthz/database/SECRET-7QK4/",
        "/healthz/url/SECRET-7QK4/?token=SECRET-7QK4",
        "/nowhere/SECRET-7QK4/",
        "/circles/join/SECRET-7QK4/",
        "/messages/unsubscribe/SECRET-7QK4/",
    ],
)
def test_no_line_of_a_request_that_failed_contains_its_code(log: io.StringIO, url: str) -> None:
    ask(url)
    said = log.getvalue()
    assert said
    assert "SECRET" not in said
    assert "7QK4" not in said
    assert "secret-session" not in said


def test_a_traceback_is_inside_the_object_of_its_line() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log_lines.JsonFormatter())
    handler.addFilter(log_lines.RequestIdFilter())
    logger = logging.getLogger("savings.tests")
    logger.addHandler(handler)
    try:
        raise RuntimeError("two\nlines")
    except RuntimeError:
        logger.exception("row %d\nfailed", 7)
    finally:
        logger.removeHandler(handler)
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["log.level"], said["message"], said["request_id"]) == ("error", "row 7\nfailed", "-")
    assert said["error"]["type"] == "RuntimeError"
    assert "test_log_lines.py" in said["error"]["stack_trace"]


def test_another_handlers_traceback_is_not_taken_over(log: io.StringIO) -> None:
    first = logging.StreamHandler(io.StringIO())
    logging.getLogger("django").handlers.insert(0, first)
    try:
        ask("/healthz/crash/SECRET-7QK4/")
    finally:
        logging.getLogger("django").removeHandler(first)
    assert "SECRET" not in log.getvalue()
