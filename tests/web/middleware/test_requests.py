"""Middleware: ids, caches, and redirects that htmx can follow."""

import io
import logging
import logging.config
import re
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from pytest_django.fixtures import Settings

from web.http import SaverRequest, render_part
from web.observability.log_lines import PatternFilter, RequestIdFilter
from web.urls import handler400, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls

HTMX = {"HX-Request": "true"}


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret")


def own_cache(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x", headers={"Cache-Control": "private, max-age=60"})


def page(request: SaverRequest) -> HttpResponse:
    return render_part(request, "page.html", "part")


urlpatterns = [
    *site_urls,
    path("test/crash/", crash),
    path("test/own-cache/", own_cache),
    path("test/page/", page),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("sample_page")]


@pytest.fixture
def signed_in(saver_client: Client) -> Client:
    """The saver's browser, which receives the error page instead of the exception."""
    saver_client.raise_request_exception = False
    return saver_client


def test_each_answer_has_an_id_of_its_own(client: Client) -> None:
    first, second = (client.get("/", headers={"X-Request-ID": "mine"})["X-Request-ID"] for _ in range(2))
    assert re.fullmatch(r"[0-9A-F]{8}", first)
    assert first != second


def test_djangos_log_line_of_a_refused_request_has_no_code_of_its_url(
    signed_in: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(PatternFilter())
    with caplog.at_level(logging.WARNING, logger="django.request"):
        signed_in.get("/circles/join/secret/")
        signed_in.get("/nowhere/secret/")
    said = [record.getMessage() for record in caplog.records]
    assert said == ["Not Found: /circles/join/<str:code>/", "Not Found: /-"]


def test_log_lines_carry_the_id(signed_in: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestIdFilter())
    with caplog.at_level(logging.ERROR, logger="django.request"):
        response = signed_in.get("/test/crash/")
    assert {vars(record)["request_id"] for record in caplog.records} == {response["X-Request-ID"]}


def test_djangos_log_line_after_a_request_has_its_id(settings: Settings) -> None:
    stream = io.StringIO()
    handlers = settings.LOGGING["handlers"]
    console = handlers["console"] | {"stream": stream}
    logging.config.dictConfig(settings.LOGGING | {"handlers": handlers | {"console": console}})
    try:
        environ = RequestFactory().get("/nowhere/secret/").environ
        headers: dict[str, str] = {}
        server: Any = WSGIHandler()
        list(server(environ, lambda status, given: headers.update(given)))
    finally:
        logging.config.dictConfig(settings.LOGGING)
    assert stream.getvalue() == f"WARNING django.request [{headers['X-Request-ID']}] Not Found: /-\n"


def test_pages_differ_for_htmx(client: Client) -> None:
    assert "HX-Request" in client.get("/")["Vary"]


def test_nothing_of_a_signed_in_person_is_kept_by_the_browser(signed_in: Client) -> None:
    for address in ("/", "/accounts/password/change/", "/nowhere/"):
        assert signed_in.get(address)["Cache-Control"] == "private, no-store", address


def test_a_public_page_may_be_stored_by_browsers(client: Client) -> None:
    assert "Cache-Control" not in client.get("/")


def test_a_view_may_say_otherwise(signed_in: Client) -> None:
    assert signed_in.get("/test/own-cache/")["Cache-Control"] == "private, max-age=60"


def test_a_visitor_is_sent_to_sign_in(client: Client) -> None:
    response = client.get("/test/own-cache/?x=1")
    assert (response.status_code, response["Location"]) == (
        302,
        "/accounts/login/?next=/test/own-cache/%3Fx%3D1",
    )


def test_htmx_takes_the_whole_page_to_sign_in_and_back_to_the_page(client: Client) -> None:
    page = "http://testserver/transactions/?kind=top_up"
    response = client.get("/test/own-cache/", headers={**HTMX, "HX-Current-URL": page})
    assert response.status_code == 200
    assert "Location" not in response
    assert response["HX-Redirect"] == "/accounts/login/?next=/transactions/%3Fkind%3Dtop_up"


def test_htmx_is_never_sent_back_to_another_site(client: Client) -> None:
    response = client.get(
        "/test/own-cache/", headers={**HTMX, "HX-Current-URL": "https://evil.example/plans/"}
    )
    assert response["HX-Redirect"] == "/accounts/login/?next=/test/own-cache/"


def test_any_redirect_becomes_htmx_own(signed_in: Client) -> None:
    response = signed_in.get("/", headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (200, "/dashboard/")


def test_the_content_policy_is_strict(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy


def test_restoring_from_the_history_gets_the_whole_page(signed_in: Client) -> None:
    response = signed_in.get("/test/page/", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in response.text
