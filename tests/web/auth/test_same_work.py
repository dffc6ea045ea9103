"""A response takes the same work whether or not an email address has an account; `manage.py bench signup` times it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from savings.models import OutboxRow, User
from tests.factories import PASSWORD, make_user
from tests.hashers import CountedHasher
from tests.web.mails import subjects

pytestmark = pytest.mark.django_db

UNKNOWN = "nobody@example.com"
# "never confirmed" is an account with an unconfirmed email address.
KNOWN = ["taken", "never confirmed", "closed", "without a password"]
WORDS = "mango tractor river"


@pytest.fixture(autouse=True)
def _counted(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["tests.hashers.CountedHasher"]


@pytest.fixture(params=KNOWN)
def known(request: pytest.FixtureRequest) -> str:
    """An email address that has an account."""
    user = make_user(is_active=request.param != "closed")
    if request.param == "never confirmed":
        user.emailaddress_set.update(verified=False)
    if request.param == "without a password":
        User.objects.filter(pk=user.pk).update(password=make_password(None))
    return user.email


def work(step: Callable[[], Any]) -> tuple[int, int, int]:
    """Take a step, and return its status, its hashes and its queries."""
    hashes = CountedHasher.runs
    with CaptureQueriesContext(connection) as queries:
        status = step().status_code
    return status, CountedHasher.runs - hashes, len(queries)


def sign_up(email: str) -> list[tuple[int, int, int]]:
    """The work of signing up, of two wrong codes and of a code sent again."""
    client = Client()
    typed = {"name": "Ngozi Eze", "email": email, "password1": WORDS}
    return [
        work(lambda: client.post("/accounts/signup/", typed)),
        work(lambda: client.get("/accounts/confirm-email/")),
        work(lambda: client.post("/accounts/confirm-email/", {"code": "nonsense"})),
        work(lambda: client.post("/accounts/confirm-email/", {"action": "resend"})),
        work(lambda: client.post("/accounts/confirm-email/", {"code": "nonsense"})),
        work(lambda: client.post("/accounts/confirm-email/", {"code": "nonsense"})),
    ]


def reset(email: str) -> list[tuple[int, int, int]]:
    """The work of requesting a new password, and of three wrong codes."""
    client = Client()
    path = "/accounts/password/reset/confirm/"
    return [
        work(lambda: client.post("/accounts/password/reset/", {"email": email})),
        work(lambda: client.get(path)),
        *(work(lambda: client.post(path, {"code": "AAAA-AAAA"})) for _ in range(3)),
    ]


def sign_in(email: str) -> list[tuple[int, int, int]]:
    """The work of a wrong password, in an unknown browser and in a device of another user."""
    typed = {"login": email, "password": "wrong"}
    other, used = make_user(), Client()
    used.post("/accounts/login/", {"login": other.email, "password": PASSWORD})
    used.post("/accounts/logout/")
    return [work(partial(client.post, "/accounts/login/", typed)) for client in (Client(), used)]


def change_email(email: str) -> list[tuple[int, int, int]]:
    """The work of changing to an email address, of a wrong code and of a code sent again."""
    user, client = make_user(), Client()
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return [
        work(lambda: client.post("/accounts/email/", {"action_add": "1", "email": email})),
        work(lambda: client.post("/accounts/confirm-email/", {"code": "nonsense"})),
        work(lambda: client.post("/accounts/confirm-email/", {"action": "resend"})),
    ]


@pytest.mark.parametrize("steps", [sign_up, reset, sign_in, change_email])
def test_known_and_unknown_addresses_take_the_same_work(
    known: str, steps: Callable[[str], list[tuple[int, int, int]]]
) -> None:
    # Warm up what a process does only once.
    steps("first@example.com")
    assert steps(known) == steps(UNKNOWN)


def test_a_sign_up_hashes_the_password_once(known: str) -> None:
    assert [sign_up(email)[0][:2] for email in (known, UNKNOWN)] == [(302, 1)] * 2


def test_a_wrong_password_is_hashed_once(known: str) -> None:
    assert [sign_in(email)[0][1] for email in (known, UNKNOWN)] == [1, 1]


def test_a_sign_up_with_a_taken_address_leaves_nothing_but_the_mail(known: str) -> None:
    before = User.objects.count(), OutboxRow.objects.count()
    Client().post("/accounts/signup/", {"name": "Mallory", "email": known, "password1": WORDS})
    assert (User.objects.count(), OutboxRow.objects.count()) == (before[0], before[1] + 1)
    assert not User.objects.filter(name="Mallory").exists()


def test_a_code_sent_again_is_a_mail_also_for_a_taken_address(known: str) -> None:
    sign_up(known)
    assert subjects(known) == ["You already have an account"] * 2


def test_the_owner_who_proved_an_address_gets_its_mails() -> None:
    owner, other = make_user("ada@example.com"), make_user("bola@example.com")
    # Staff have entered Ada's email address for Bola; Ada's own account has another one.
    User.objects.filter(pk=owner.pk).update(email="old@example.com")
    User.objects.filter(pk=other.pk).update(email="ada@example.com")
    reset("ada@example.com")
    assert OutboxRow.objects.get(to="ada@example.com").user == owner
