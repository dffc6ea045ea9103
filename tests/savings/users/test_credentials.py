"""Changes of credentials by staff and operators: who may make them, and the mail about each."""

from __future__ import annotations

import io
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.management.commands import changepassword
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command

from savings import users
from savings.models import EmailChange, User
from tests.factories import make_user
from tests.web.mails import subjects

pytestmark = pytest.mark.django_db

NEW = "four quiet old words"


@pytest.mark.parametrize(
    ("by", "user", "may"),
    [
        ({"is_staff": True}, {}, True),
        ({"is_staff": True}, {"is_staff": True}, False),
        ({"is_staff": True}, {"is_superuser": True}, False),
        ({"is_staff": True, "is_superuser": True}, {"is_staff": True}, True),
        ({"is_staff": True, "is_superuser": True}, {"is_staff": True, "is_superuser": True}, True),
    ],
)
def test_only_superusers_change_credentials_of_staff(
    by: dict[str, Any], user: dict[str, Any], *, may: bool
) -> None:
    assert users.may_change(make_user(**by), make_user(**user)) is may


def test_staff_cannot_change_their_own_credentials() -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    assert not users.may_change(boss, boss)


def test_the_rule_is_checked_on_the_locked_row() -> None:
    staff, saver = make_user(is_staff=True), make_user()
    User.objects.filter(pk=saver.pk).update(is_staff=True)
    with pytest.raises(PermissionDenied):
        users.set_password(saver.pk, NEW, by=staff)
    with pytest.raises(PermissionDenied):
        users.set_active(saver.pk, is_active=False, by=staff)
    assert subjects(saver.email) == []


def test_a_password_set_by_staff_sends_a_mail() -> None:
    saver = make_user()
    users.set_password(saver.pk, NEW, by=make_user(is_staff=True))
    saver.refresh_from_db()
    assert saver.check_password(NEW)
    assert saver.credentials_changed_at
    assert subjects(saver.email) == ["Our staff changed your password"]


def test_closing_and_reopening_send_one_mail_each() -> None:
    saver = make_user()
    for is_active in (False, False, True, True):
        users.set_active(saver.pk, is_active=is_active)
    assert subjects(saver.email) == ["Your account was closed", "Your account is open again"]


def test_the_command_removes_second_steps_and_mails_their_owner() -> None:
    saver = make_user("boss@example.com", is_staff=True)
    for kind in ("totp", "recovery_codes", "webauthn"):
        Authenticator.objects.create(user=saver, type=kind, data={"name": "x"})
    out = io.StringIO()
    call_command("reset_second_step", " Boss@example.com", stdout=out)
    assert "Removed 3 second steps of boss@example.com" in out.getvalue()
    assert not Authenticator.objects.exists()
    assert subjects(saver.email) == ["Your second steps were removed"]


@pytest.mark.parametrize(
    "command", [["reset_second_step", "x@example.com"], ["change_email", "x@x.com", "y@y.com"]]
)
def test_a_command_for_an_unknown_user_fails(command: list[str]) -> None:
    with pytest.raises(CommandError, match="No user has the email address"):
        call_command(*command)


def test_an_operator_changes_an_address_by_the_same_path() -> None:
    user = make_user()
    call_command("change_email", user.email, "new@example.com", stdout=io.StringIO())
    assert EmailChange.objects.get().new_email == "new@example.com"
    with pytest.raises(CommandError, match="Someone else"):
        call_command("change_email", user.email, make_user().email)


def test_a_password_set_by_an_operator_sends_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *prompt: NEW)
    user = make_user()
    call_command("changepassword", user.email, stdout=io.StringIO())
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert subjects(user.email) == ["Our staff changed your password"]
