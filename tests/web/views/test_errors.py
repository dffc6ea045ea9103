"""Error pages: in our design, with the request id, and without internal details."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pytest_django.fixtures import DjangoAssertNumQueries

from savings.models import User
from web.urls import handler400, handler403, handler404, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls
from web.views import errors


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("postgres://user:secret@db")


def forbid(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def distrust(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("too odd")


def slow_down(request: HttpRequest) -> HttpResponse:
    return render(request, "429.html", status=429)


@csrf_exempt
def forbid_without_token(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


@require_POST
def only_post(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sent")


urlpatterns = [
    *site_urls,
    path("test/crash/", crash),
    path("test/forbid/", forbid),
    path("test/distrust/", distrust),
    path("test/forbid-without-token/", forbid_without_token),
    path("test/slow-down/", slow_down),
    path("test/only-post/", only_post),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def signed_in(saver_client: Client) -> Client:
    """The saver's browser, which receives the error page instead of the exception."""
    saver_client.raise_request_exception = False
    return saver_client


@pytest.mark.parametrize(
    ("address", "status", "heading"),
    [
        ("/nowhere/", 404, "We can’t find this page"),
        ("/test/forbid/", 403, "You can’t open this page"),
        ("/test/distrust/", 400, "Something went wrong with that request"),
        ("/test/only-post/", 405, "You can’t open this page directly"),
        ("/test/slow-down/", 429, "Too many tries"),
        ("/test/crash/", 500, "Something went wrong on our side"),
    ],
)
def test_an_error_page_shows_the_status_and_the_request_id(
    signed_in: Client, address: str, status: int, heading: str
) -> None:
    response = signed_in.get(address)
    assert response.status_code == status
    assert f'<h1 id="error-h">{heading}</h1>' in response.text
    assert f"Error {status} · <code>{response['X-Request-ID']}</code>" in response.text
    assert "Content-Security-Policy" in response


def test_a_visitor_gets_the_404_page_too(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "We can’t find this page" in response.text


def test_a_crash_says_nothing_of_the_inside(signed_in: Client) -> None:
    text = signed_in.get("/test/crash/").text
    assert "secret" not in text
    assert "RuntimeError" not in text


def test_the_page_for_a_crash_needs_no_database_and_no_session(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        response = errors.server_error(request)
    assert "Something went wrong on our side" in response.text


def test_a_form_without_a_valid_token_is_explained(signed_in: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    response = strict.post("/accounts/logout/")
    assert response.status_code == 403
    assert "This page expired" in response.text


def test_a_method_that_is_not_allowed_names_those_that_are(signed_in: Client) -> None:
    assert signed_in.get("/test/only-post/")["Allow"] == "POST"


def test_a_refusal_is_shown_as_text_not_as_html() -> None:
    assert "&lt;b&gt;" in render_to_string("422.html", {"message": "<b>No.</b>"})


@pytest.mark.parametrize(
    ("address", "status"), [("/messages/unsubscribe/x/", 404), ("/test/forbid-without-token/", 403)]
)
@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "application/x-www-form-urlencoded; charset=utf-7"]
)
def test_an_error_stays_what_it_is_where_the_form_cannot_be_read(
    saver: User, address: str, status: int, content_type: str
) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(saver)
    client.get("/profile/")
    assert "csrftoken" in client.cookies
    response = client.post(address, "x", content_type=content_type)
    assert response.status_code == status
    assert f"Error {status}" in response.text
