"""Sign-up: a name, an email address confirmed by a code, a password, then signed in."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings.models import Account, OutboxRow, User
from tests.factories import make_user
from tests.web.mails import code_sent_to
from web.forms.users import SignupForm

pytestmark = pytest.mark.django_db

PERSON = {"name": "Ngozi Eze", "email": "Ngozi@Example.com", "password1": "three quiet words"}


def test_a_code_proves_the_address_and_lets_one_in(client: Client) -> None:
    response = client.post("/accounts/signup/", PERSON)
    assert response["Location"] == "/accounts/confirm-email/"
    response = client.post("/accounts/confirm-email/", {"code": code_sent_to("ngozi@example.com")})
    assert response["Location"] == "/dashboard/"
    user = User.objects.get(email="ngozi@example.com")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert user.name == "Ngozi Eze"


def test_the_stash_is_open_and_one_welcome_is_sent(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    user = User.objects.get(email="ngozi@example.com")
    assert not OutboxRow.objects.filter(kind="welcome").exists()
    client.post("/accounts/confirm-email/", {"code": code_sent_to(user.email)})
    assert OutboxRow.objects.filter(kind="welcome", user=user).count() == 1
    assert Account.objects.filter(user=user, kind=Account.Kind.STASH).exists()


def test_the_first_device_is_not_news(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    client.post("/accounts/confirm-email/", {"code": code_sent_to("ngozi@example.com")})
    assert not OutboxRow.objects.filter(kind="new_device").exists()


def test_the_code_is_eight_digits_and_in_the_subject(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    row = OutboxRow.objects.get(to="ngozi@example.com")
    assert re.fullmatch(r"\d{4}-\d{4}", row.payload["secret"])
    assert row.payload["secret"] in row.subject
    assert row.payload["secret"] in row.html


def test_the_name_is_not_in_the_mail_to_an_unconfirmed_email_address(client: Client) -> None:
    client.post("/accounts/signup/", PERSON | {"name": "Win at evil.example"})
    row = OutboxRow.objects.get(to="ngozi@example.com")
    assert "evil" not in row.subject + row.text + row.html


def test_a_wrong_code_is_refused_beside_its_field(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    response = client.post("/accounts/confirm-email/", {"code": "0000-000x"})
    assert response.status_code == 422
    assert "That code didn’t work" in response.text
    assert "_auth_user_id" not in client.session


def test_three_wrong_codes_end_it(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    code = code_sent_to("ngozi@example.com")
    for _ in range(3):
        client.post("/accounts/confirm-email/", {"code": "nonsense"})
    response = client.post("/accounts/confirm-email/", {"code": code})
    assert response["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session


def test_a_new_code_can_be_asked_for_but_not_at_once(client: Client) -> None:
    client.post("/accounts/signup/", PERSON)
    first = code_sent_to("ngozi@example.com")
    client.post("/accounts/confirm-email/", {"action": "resend"})
    assert code_sent_to("ngozi@example.com") == first
    with time_machine.travel(timezone.now() + datetime.timedelta(seconds=11)):
        client.post("/accounts/confirm-email/", {"action": "resend"})
        second = code_sent_to("ngozi@example.com")
        assert second != first
        assert client.post("/accounts/confirm-email/", {"code": second})["Location"] == "/dashboard/"


def test_a_mistyped_address_can_be_put_right(client: Client) -> None:
    client.post("/accounts/signup/", PERSON | {"email": "ngozi@exampel.com"})
    assert client.get("/accounts/signup/").status_code == 302
    client.post("/accounts/logout/", {"next": "/accounts/signup/"})
    client.post("/accounts/signup/", PERSON)
    client.post("/accounts/confirm-email/", {"code": code_sent_to("ngozi@example.com")})
    assert User.objects.get(pk=client.session["_auth_user_id"]).email == "ngozi@example.com"


def answers(email: str) -> list[tuple[int, str]]:
    """The page after signing up with an email address, without the email address and the tokens."""
    client = Client()
    seen = [client.post("/accounts/signup/", PERSON | {"email": email}, follow=True)]
    seen += [client.post("/accounts/confirm-email/", {"code": "nonsense"}) for _ in range(2)]
    seen.append(client.post("/accounts/confirm-email/", {"action": "resend"}, follow=True))
    return [
        (page.status_code, re.sub(r'value="[^"]{64}"|[0-9A-F]{8}', "", page.text.replace(email, "")))
        for page in seen
    ]


def test_a_taken_address_is_answered_as_a_new_one_and_told_by_mail() -> None:
    make_user("ngozi@example.com")
    assert answers("ngozi@example.com") == answers("nobody@example.com")
    assert User.objects.filter(email="ngozi@example.com").count() == 1
    assert OutboxRow.objects.get(to="ngozi@example.com").subject == "You already have an account"


def test_the_slower_of_two_sign_ups_at_once_is_answered_as_one_for_a_taken_address(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user("ngozi@example.com")
    # As if the account had been created after this form was validated.
    monkeypatch.setattr(SignupForm, "validate_unique_email", lambda form, email: email.lower())
    response = client.post("/accounts/signup/", PERSON)
    assert response["Location"] == "/accounts/confirm-email/"
    assert User.objects.count() == 1
    assert OutboxRow.objects.get().subject == "You already have an account"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Enter a name."),
        ("   ", "Enter a name."),
        ("x" * 200, "at most 80 characters"),
        ("Ada \u202egnp.exe", "invisible characters"),
        ("Ada\u2066 Obi", "invisible characters"),
        ("Ada\x07", "invisible characters"),
        ("Ada\u200b", "invisible characters"),
        ("!!!", "the name you go by"),
    ],
)
def test_a_name_that_could_mislead_is_refused(client: Client, name: str, sentence: str) -> None:
    response = client.post("/accounts/signup/", PERSON | {"name": name})
    assert response.status_code == 422
    assert sentence in response.text
    assert 'value="Ngozi@Example.com"' in response.text
    assert "three quiet words" not in response.text
    assert not User.objects.exists()


def test_a_name_with_html_is_only_a_name(client: Client) -> None:
    client.post("/accounts/signup/", PERSON | {"name": "<b>Ada</b> <script>alert(1)</script>"})
    client.post("/accounts/confirm-email/", {"code": code_sent_to("ngozi@example.com")})
    page = client.get("/profile/").text
    assert "<script>alert" not in page
    assert "&lt;b&gt;Ada" in page


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@example.com"])
def test_an_invalid_email_address_is_refused(client: Client, email: str) -> None:
    response = client.post("/accounts/signup/", PERSON | {"email": email})
    assert response.status_code == 422
    assert f'value="{email}"' in response.text or not email
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "password123", "1234567890", "ngozi@example.com"])
def test_a_weak_password_is_refused(client: Client, password: str) -> None:
    response = client.post("/accounts/signup/", PERSON | {"password1": password})
    assert response.status_code == 422
    assert not User.objects.exists()


def test_sign_up_can_be_closed(client: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False
    assert "No new accounts" in client.get("/accounts/signup/").text
    client.post("/accounts/signup/", PERSON)
    assert not User.objects.exists()
