"""No text in the profile form breaks it, on any database."""

from __future__ import annotations

import pytest
from django.test import Client

from savings.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

NASTY = {
    "nothing": "",
    "nul": "a\x00@example.com",
    # The longest allowed body; see web/middleware/body_limits.py.
    "long": "x" * 4_000,
    "bidi": "\u202emoc.elpmaxe@a",
    "html": "<img src=x onerror=alert(1)>@example.com",
    "line ends": "a@example.com\r\nBcc: b@example.com",
    "full width": "１２３４－５６７８",
    "json": '{"$ne": null}',
}
FIELDS = [
    "action",
    "action_add",
    "code",
    "credential",
    "email",
    "login",
    "name",
    "next",
    "oldpassword",
    "password",
    "password1",
    "theme",
    "wants_goal_reached",
    "wants_rank_changes",
    "wants_receipts",
    "wants_weekly_digest",
]
OUTSIDE = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/confirm-email/",
    "/accounts/password/reset/confirm/",
    "/accounts/2fa/authenticate/",
    "/accounts/2fa/webauthn/login/",
]
INSIDE = [
    "/profile/",
    "/profile/theme/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
]


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("path", OUTSIDE)
def test_signed_out_pages_take_nasty_input(client: Client, path: str, value: str) -> None:
    if "confirm-email" in path:
        person = {"name": "Ngozi", "email": "ngozi@example.com", "password1": "three quiet words"}
        client.post("/accounts/signup/", person)
    response = client.post(f"{path}?next={value[:100]}", dict.fromkeys(FIELDS, value))
    assert response.status_code in {302, 422}
    assert "<img src=x" not in response.text
    assert response.get("Location", "/").startswith("/")


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("path", INSIDE)
def test_inside(saver_client: Client, saver: User, path: str, value: str) -> None:
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    response = saver_client.post(path, dict.fromkeys(FIELDS, value))
    assert response.status_code in {302, 400, 422}
    assert "<img src=x" not in response.text
    assert response.get("Location", "/").startswith("/")
