"""URLs without the final slash: redirected, or served directly if a redirect would lose the body."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from savings.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def patterns(resolver: URLResolver, prefix: str = "") -> list[str]:
    """Every URL of the site without arguments."""
    found = []
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found += patterns(entry, path)
        elif isinstance(entry, URLPattern) and path.endswith("/"):
            found.append(path)
    return [path for path in found if "<" not in path and "(" not in path and path != "/"]


# The admin has its own redirects, and no program posts to it.
PATHS = [path for path in patterns(get_resolver()) if not path.startswith(("__", "admin/"))]


@pytest.mark.parametrize("path", PATHS)
def test_a_post_without_the_final_slash_is_answered_like_one_with_it(client: Client, path: str) -> None:
    bare = client.post(f"/{path.rstrip('/')}", {"x": "1"})
    whole = client.post(f"/{path}", {"x": "1"})
    assert bare.status_code == whole.status_code
    assert bare.get("Location") == whole.get("Location")


def test_a_get_is_redirected(client: Client) -> None:
    assert client.get("/accounts/login?next=/stash/").headers["Location"] == "/accounts/login/?next=/stash/"


def test_a_form_without_the_final_slash_still_needs_its_token(saver: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(saver)
    assert browser.post("/profile/theme", {"theme": "dark"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/no-such-page", "/payments/webhook/paystackx", "/payments/webhook/paystack/x"]
)
def test_a_missing_object_is_404(client: Client, path: str) -> None:
    assert client.post(path).status_code == 404
