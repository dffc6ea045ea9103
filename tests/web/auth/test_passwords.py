"""Forgotten and changed passwords, and changed email addresses."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client

from savings.models import OutboxRow, User
from tests.factories import PASSWORD, make_user
from tests.web.mails import code_sent_to, newest, subjects

pytestmark = pytest.mark.django_db

NEW = "four quiet old words"


def signed_in(user: User) -> Client:
    client = Client()
    response = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert response["Location"] == "/dashboard/"
    return client


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_a_code_lets_one_choose_a_new_password_and_in(client: Client, saver: User) -> None:
    client.post("/accounts/password/reset/", {"email": saver.email})
    response = client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(saver.email)})
    assert response["Location"] == "/accounts/password/reset/complete/"
    response = client.post("/accounts/password/reset/complete/", {"password1": NEW})
    assert response["Location"] == "/dashboard/"
    saver.refresh_from_db()
    assert saver.check_password(NEW)
    assert is_in(client)


def test_the_code_may_be_typed_in_small_letters_without_the_dash(client: Client, saver: User) -> None:
    client.post("/accounts/password/reset/", {"email": saver.email})
    code = code_sent_to(saver.email)
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", code)
    response = client.post("/accounts/password/reset/confirm/", {"code": code.lower().replace("-", " ")})
    assert response["Location"] == "/accounts/password/reset/complete/"


def test_the_code_is_not_in_the_subject(client: Client, saver: User) -> None:
    client.post("/accounts/password/reset/", {"email": saver.email})
    assert code_sent_to(saver.email) not in newest(saver.email).subject


def test_three_wrong_codes_end_it(client: Client, saver: User) -> None:
    client.post("/accounts/password/reset/", {"email": saver.email})
    code = code_sent_to(saver.email)
    statuses = [
        client.post("/accounts/password/reset/confirm/", {"code": "AAAA-AAAA"}).status_code for _ in range(3)
    ]
    assert statuses == [422, 422, 302]
    client.post("/accounts/password/reset/confirm/", {"code": code})
    assert client.get("/accounts/password/reset/complete/").status_code == 302


def test_without_the_code_there_is_no_way_to_the_last_step(client: Client, saver: User) -> None:
    client.post("/accounts/password/reset/", {"email": saver.email})
    client.post("/accounts/password/reset/complete/", {"password1": NEW})
    saver.refresh_from_db()
    assert saver.check_password(PASSWORD)


def answers(email: str) -> list[tuple[int, str, str]]:
    """The page after requesting a new password, without the email address and the tokens."""
    client = Client()
    seen = [
        client.post("/accounts/password/reset/", {"email": email}),
        client.get("/accounts/password/reset/confirm/"),
        *(client.post("/accounts/password/reset/confirm/", {"code": "AAAA-AAAA"}) for _ in range(3)),
        client.get("/accounts/login/"),
    ]
    return [
        (
            page.status_code,
            str(page.get("Location")),
            re.sub(r'value="[^"]{64}"|[0-9A-F]{8}', "", page.text.replace(email, "")),
        )
        for page in seen
    ]


def test_a_known_address_is_answered_as_an_unknown_one(saver: User) -> None:
    assert answers(saver.email) == answers("nobody@example.com")
    assert subjects("nobody@example.com") == ["There is no account with this address"]


def test_a_mailbox_is_not_filled_through_us(saver: User) -> None:
    statuses = [
        Client().post("/accounts/password/reset/", {"email": saver.email}).status_code for _ in range(6)
    ]
    assert statuses == [302] * 5 + [429]
    assert len(subjects(saver.email)) == 5


def test_a_reset_ends_every_session_and_is_notified(client: Client, saver: User) -> None:
    others = [signed_in(saver), signed_in(saver)]
    client.post("/accounts/password/reset/", {"email": saver.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(saver.email)})
    client.post("/accounts/password/reset/complete/", {"password1": NEW})
    assert [is_in(other) for other in others] == [False, False]
    assert Session.objects.count() == 1 + len([o for o in others if o.session.session_key])
    assert "Your password was reset" in subjects(saver.email)


def test_a_second_step_is_asked_for_after_a_reset_too(client: Client, saver: User) -> None:
    saver.authenticator_set.create(type="totp", data={"secret": "x"})
    client.post("/accounts/password/reset/", {"email": saver.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(saver.email)})
    response = client.post("/accounts/password/reset/complete/", {"password1": NEW})
    assert response["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(client)


def test_a_change_ends_the_other_sessions_and_keeps_this_one(saver: User) -> None:
    here, elsewhere = signed_in(saver), signed_in(saver)
    response = here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW})
    assert response["Location"] == "/accounts/"
    assert is_in(here)
    assert not is_in(elsewhere)
    assert [label for _, label, *_ in here.get("/accounts/").context["sessions"]] == ["An unknown browser"]
    assert "Your password was changed" in subjects(saver.email)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"oldpassword": "not this one", "password1": NEW}, "Wrong password."),
        ({"oldpassword": PASSWORD, "password1": "short"}, "too short"),
        ({"oldpassword": PASSWORD, "password1": "password123"}, "easy to guess"),
        ({"oldpassword": PASSWORD, "password1": "ngozi.eze@example"}, "mostly your name, your email"),
        ({"oldpassword": "", "password1": ""}, "Enter your current password."),
    ],
)
def test_an_error_is_shown_beside_its_field(typed: dict[str, str], sentence: str) -> None:
    user = make_user("ngozi.eze@example.com")
    response = signed_in(user).post("/accounts/password/change/", typed)
    assert response.status_code == 422
    assert sentence in response.text
    assert NEW not in response.text
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_new_email_address_counts_after_its_code_and_the_old_one_is_notified(saver: User) -> None:
    client, old = signed_in(saver), saver.email
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    response = client.post("/accounts/email/", {"action_add": "1", "email": "New@example.com"})
    assert response["Location"] == "/accounts/confirm-email/"
    saver.refresh_from_db()
    assert saver.email == old
    version = saver.version
    response = client.post("/accounts/confirm-email/", {"code": code_sent_to("new@example.com")})
    assert response["Location"] == "/accounts/"
    saver.refresh_from_db()
    assert saver.email == "new@example.com"
    assert saver.version > version
    assert [address.email for address in EmailAddress.objects.all()] == ["new@example.com"]
    told = newest(old)
    assert told.subject == "Your email address was changed"
    assert told.user == saver
    assert not OutboxRow.objects.filter(kind="welcome").exists()


def test_a_change_of_address_asks_for_the_password_first(saver: User) -> None:
    client = signed_in(saver)
    response = client.post("/accounts/email/", {"action_add": "1", "email": "new@example.com"})
    assert response["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    assert subjects("new@example.com") == []
    # The typed text is still there.
    response = client.post(response["Location"], {"password": PASSWORD})
    assert response["Location"] == "/accounts/confirm-email/"
    assert "is your code" in subjects("new@example.com")[0]


def test_a_taken_address_is_answered_as_a_free_one(saver: User) -> None:
    make_user("taken@example.com")
    client = signed_in(saver)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    response = client.post("/accounts/email/", {"action_add": "1", "email": "taken@example.com"})
    assert response["Location"] == "/accounts/confirm-email/"
    saver.refresh_from_db()
    assert saver.email != "taken@example.com"


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@example.com"])
def test_an_invalid_email_address_is_refused(saver: User, email: str) -> None:
    client = signed_in(saver)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    response = client.post("/accounts/email/", {"action_add": "1", "email": email})
    assert response.status_code == 422
    assert email in response.text
