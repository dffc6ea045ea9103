"""Pages through which money leaves ask for a fresh sign-in, and for the second step of users who have one."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from savings.models import User
from tests.factories import PASSWORD, make_user
from tests.web.staff import SECRET, app_code
from tests.web.withdrawing import sign_in
from web.auth.purposes import purpose_of
from web.templatetags.icons import ICONS

pytestmark = pytest.mark.django_db

WITHDRAW = "/stash/withdraw/"
PAGES = [WITHDRAW, "/stash/withdraw/confirm/", "/stash/accounts/add/"]
BY_PASSWORD, BY_CODE = "/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/"


@pytest.fixture
def app(saver: User) -> Authenticator:
    """The saver's authenticator app."""
    step: Authenticator = TOTP.activate(saver, SECRET).instance
    return step


def is_open(client: Client) -> bool:
    return client.get(WITHDRAW).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_session_alone_is_not_enough(saver_client: Client, page: str) -> None:
    assert saver_client.get(page)["Location"] == f"{BY_PASSWORD}?next={page.replace('/', '%2F')}"
    assert saver_client.post(page)["Location"].startswith(BY_PASSWORD)


def test_the_password_leads_back_to_the_page(saver_client: Client) -> None:
    asked = f"{WITHDRAW}?amount=500"
    way = saver_client.get(asked)["Location"]
    page = saver_client.get(way).text
    assert "You’re about to withdraw money to your bank." in page
    assert f'<a href="/stash/">{ICONS["back"]}Stash</a>' in page
    sent = {"password": PASSWORD, "next": asked}
    assert saver_client.post(BY_PASSWORD, sent)["Location"] == asked
    assert is_open(saver_client)


@pytest.mark.parametrize(
    ("going_to", "sentence", "back_url"),
    [
        ("/stash/accounts/add/", "add a bank account", "/stash/accounts/"),
        ("/stash/withdraw/confirm/", "withdraw money", "/stash/"),
        ("/plans/7/top-up/?amount=900,000", "pay a large amount", "/plans/"),
        ("/stash/fund/", "pay a large amount", "/stash/"),
        ("/auto-save/new/", "an auto-save of a large amount", "/auto-save/"),
        ("/accounts/email/", "change your email address", "/profile/"),
        ("/accounts/2fa/totp/activate/", "change how you sign in", "/accounts/"),
        ("/admin/", "open the back office", "/dashboard/"),
        ("/nowhere/", "change how you sign in", "/accounts/"),
        ("https://[", "change how you sign in", "/accounts/"),
        ("", "change how you sign in", "/accounts/"),
    ],
)
def test_the_page_says_what_the_proof_is_for(going_to: str, sentence: str, back_url: str) -> None:
    purpose = purpose_of(going_to)
    assert sentence in purpose.sentence
    assert purpose.back_url == back_url


def test_a_sign_in_a_moment_ago_is_fresh(client: Client, saver: User) -> None:
    client.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    assert is_open(client)


def test_a_proof_is_fresh_for_ten_minutes(client: Client, saver: User) -> None:
    for ago in (0, 590, 610):
        sign_in(saver, client, ago=ago)
        assert is_open(client) == (ago < 600)


def test_a_second_step_cannot_be_replaced_by_the_password(
    client: Client, saver: User, app: Authenticator
) -> None:
    sign_in(saver, client)
    assert client.get(WITHDRAW)["Location"].startswith(BY_CODE)
    client.post(BY_PASSWORD, {"password": PASSWORD})
    assert not is_open(client)
    assert client.post(BY_CODE, {"code": app_code(), "next": WITHDRAW})["Location"] == WITHDRAW
    assert is_open(client)


def test_a_second_step_is_fresh_for_ten_minutes(client: Client, saver: User, app: Authenticator) -> None:
    for ago in (0, 590, 610):
        sign_in(saver, client, "mfa", id=app.pk, type=app.type, ago=ago)
        assert is_open(client) == (ago < 600)


def test_a_second_step_that_was_removed_does_not_count(
    client: Client, saver: User, app: Authenticator
) -> None:
    sign_in(saver, client, "mfa", id=app.pk + 1_000, type=app.type)
    assert not is_open(client)


def test_a_passkey_is_a_second_step(client: Client, saver: User) -> None:
    passkey = Authenticator.objects.create(user=saver, type="webauthn", data={"name": "Mine"})
    sign_in(saver, client)
    assert client.get(WITHDRAW)["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/")
    # Signing in with the passkey, without a password.
    sign_in(saver, client, "mfa", id=passkey.pk, type="webauthn", passwordless=True)
    assert is_open(client)


def test_the_proof_of_another_user_does_not_count(client: Client, saver: User) -> None:
    sign_in(make_user(), client)
    records = dict(client.session)
    client.force_login(saver)
    session = client.session
    session.update({key: value for key, value in records.items() if key.startswith(("account", "_account"))})
    session.save()
    assert not is_open(client)


def test_a_user_without_a_password_or_second_step_chooses_a_password(client: Client, saver: User) -> None:
    saver.set_unusable_password()
    saver.save()
    client.force_login(saver)
    assert client.get(WITHDRAW)["Location"].startswith("/accounts/password/set/")


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
def test_a_form_that_comes_too_late_is_told_that_nothing_has_moved(
    client: Client, saver: User, headers: dict[str, str]
) -> None:
    sign_in(saver, client, ago=700)
    late = client.post(WITHDRAW, {"amount": "500"}, headers=headers)
    way = late["HX-Redirect" if headers else "Location"]
    assert way == f"{BY_PASSWORD}?next=%2Fstash%2Fwithdraw%2F"
    assert "Nothing has moved yet" in client.get(way).text
