"""Well-known files and URLs that tools request."""

from __future__ import annotations

import datetime
import re
import urllib.robotparser

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings.models import User
from tests.factories import start_circle

pytestmark = pytest.mark.django_db

PATH = "/.well-known/security.txt"


def test_security_txt_says_whom_to_tell_and_until_when_that_holds(client: Client, settings: Settings) -> None:
    settings.SECURITY_CONTACTS = ["mailto:security@savings.example", "https://savings.example/report"]
    response = client.get(PATH)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    fields = [line.split(": ", 1) for line in response.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == settings.SECURITY_CONTACTS
    values = dict(fields)
    expires = datetime.datetime.fromisoformat(values["Expires"])
    assert timezone.now() < expires < timezone.now() + datetime.timedelta(days=365)
    assert values["Canonical"] == f"{settings.SITE_URL}{PATH}"


def test_without_a_contact_there_is_no_security_txt(client: Client) -> None:
    assert client.get(PATH).status_code == 404


def test_password_managers_find_where_to_change_the_password(client: Client) -> None:
    response = client.get("/.well-known/change-password")
    assert (response.status_code, response["Location"]) == (302, "/accounts/password/change/")


def test_nothing_else_is_well_known(client: Client) -> None:
    path = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/favicon.ico", "image/vnd.microsoft.icon"),
        ("/apple-touch-icon.png", "image/png"),
        ("/apple-touch-icon-precomposed.png", "image/png"),
        ("/robots.txt", "text/plain"),
    ],
)
def test_files_that_tools_ask_for_are_there(client: Client, path: str, content_type: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"].split(";")[0] in {content_type, "image/x-icon"}
    assert len(response.getvalue()) > 100


def test_robots_may_look_at_public_pages_alone(client: Client) -> None:
    rules = urllib.robotparser.RobotFileParser()
    rules.parse(client.get("/robots.txt").getvalue().decode().splitlines())
    assert rules.can_fetch("Any", "/")
    for path in ("/dashboard/", "/plans/3/", "/circles/join/code/", "/messages/unsubscribe/x/", "/admin/"):
        assert not rules.can_fetch("Any", path), path


@pytest.mark.parametrize(
    "path",
    [
        "/statements/verify/",
        "/statements/verify/ABCD/",
        "/accounts/password/reset/",
        "/accounts/password/reset/confirm/",
        "/accounts/login/?next=/circles/join/secret/",
        "/circles/join/secret/",
        "/messages/unsubscribe/x/",
        "/nowhere/secret/",
    ],
)
def test_search_engines_list_no_page_with_a_code(client: Client, path: str) -> None:
    assert "noindex" in client.get(path)["X-Robots-Tag"]


def test_an_invitation_is_not_listed_either(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    response = saver_client.get(f"/circles/join/{circle.invite_code}/")
    assert "noindex" in response["X-Robots-Tag"]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/"])
def test_a_public_page_may_be_listed_and_describes_itself(client: Client, path: str) -> None:
    page = client.get(path)
    assert "X-Robots-Tag" not in page
    described = re.findall(r'<meta name="description" content="([^"]{50,160})">', page.text)
    assert len(described) == 1


def test_public_pages_describe_themselves_differently(client: Client) -> None:
    pages = [client.get(path).text for path in ("/", "/accounts/login/", "/accounts/signup/")]
    assert len({re.findall(r'name="description" content="([^"]+)"', page)[0] for page in pages}) == 3
