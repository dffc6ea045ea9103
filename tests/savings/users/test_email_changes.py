"""Changes of email addresses: both tables agree, the old address can undo, and the oldest one wins."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import users
from savings.exceptions import Refused
from savings.models import Device, EmailChange, OutboxRow, User
from savings.users import LinkExpired
from tests.factories import PASSWORD, make_user
from tests.web.links import link_sent_to
from tests.web.mails import subjects

pytestmark = pytest.mark.django_db

A, B, C = "a@example.com", "b@example.com", "c@example.com"


@pytest.fixture
def ada() -> User:
    return make_user(A)


def agree() -> bool:
    """Return whether every user with a confirmed address has the same one in both tables."""
    rows = EmailAddress.objects.select_related("user")
    return all(row.email == row.user.email and row.primary for row in rows)


def undo(email: str) -> None:
    change = users.undoable_email_change(link_sent_to(email).split("/")[-2])
    assert change is not None
    users.undo_email_change(change)


def confirm(email: str) -> None:
    change = users.email_proposal(link_sent_to(email).split("/")[-2])
    assert change is not None
    users.confirm_email(change)


def address_of(user: User) -> str:
    user.refresh_from_db()
    return user.email


def test_a_change_is_in_both_tables_and_mailed_to_both_addresses(ada: User) -> None:
    version = ada.version
    users.change_email(ada.pk, " B@Example.com ")
    assert address_of(ada) == B
    assert agree()
    assert EmailAddress.objects.get(user=ada).verified
    assert subjects(A) == ["Your email address was changed"]
    assert subjects(B) == ["This is now your account’s email address"]
    assert ada.version > version


def test_the_link_is_only_in_the_mail(ada: User, settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    users.change_email(ada.pk, B)
    row = OutboxRow.objects.get(to=A)
    assert str(row.payload["secret"]).startswith(f"{settings.SITE_URL}/accounts/email/undo/")
    assert row.payload["secret"] in row.html


def test_a_proposal_changes_nothing_until_the_new_address_confirms(ada: User) -> None:
    users.propose_email(ada.pk, B)
    assert address_of(ada) == A
    assert agree()
    assert subjects(A) == ["Someone asked to change your email address"]
    confirm(B)
    assert address_of(ada) == B
    assert agree()
    assert subjects(A)[-1] == "Your email address was changed"


def test_a_proposal_is_confirmed_once_and_within_its_hours(ada: User) -> None:
    users.propose_email(ada.pk, B)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=73)), pytest.raises(LinkExpired):
        confirm(B)
    confirm(B)
    with pytest.raises(LinkExpired):
        confirm(B)


def test_a_proposal_ends_with_the_next_one_and_with_any_change(ada: User) -> None:
    users.propose_email(ada.pk, B)
    users.propose_email(ada.pk, C)
    with pytest.raises(LinkExpired):
        confirm(B)
    users.change_email(ada.pk, "d@example.com")
    with pytest.raises(LinkExpired):
        confirm(C)


def test_a_proposal_is_refused_if_another_user_has_the_address_by_then(ada: User) -> None:
    users.propose_email(ada.pk, B)
    make_user(B)
    with pytest.raises(Refused):
        confirm(B)
    assert address_of(ada) == A


def test_the_current_address_cancels_a_proposal_and_loses_nothing(ada: User) -> None:
    users.propose_email(ada.pk, B)
    undo(A)
    with pytest.raises(LinkExpired):
        confirm(B)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_staff_cannot_propose_for_other_staff(rights: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied):
        users.propose_email(make_user(**rights).pk, B, by=make_user(is_staff=True))
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize(
    ("whose", "changes"),
    [
        ("saver", {"is_staff": True}),
        ("saver", {"is_superuser": True}),
        ("staff", {"is_staff": False}),
        ("staff", {"is_active": False}),
    ],
)
def test_a_proposal_ends_with_the_right_to_make_it(ada: User, whose: str, changes: dict[str, bool]) -> None:
    staff = make_user(is_staff=True)
    change = users.propose_email(ada.pk, B, by=staff)
    User.objects.filter(pk=ada.pk if whose == "saver" else staff.pk).update(**changes)
    with pytest.raises(users.LinkExpired):
        confirm(B)
    with pytest.raises(users.LinkExpired):
        users.confirm_email(change)
    assert address_of(ada) == A


def test_undoing_restores_the_address_and_ends_all_access(ada: User) -> None:
    users.change_email(ada.pk, B)
    Authenticator.objects.create(user=ada, type="webauthn", data={"name": "Theirs"})
    Device.objects.create(user=ada, token_hash="x", label="Theirs")
    undo(A)
    assert address_of(ada) == A
    assert agree()
    assert EmailAddress.objects.get(user=ada).verified
    assert not ada.has_usable_password()
    assert not Authenticator.objects.exists()
    assert not ada.devices.exists()
    assert subjects(A)[-1] == "Your email address is back"
    assert subjects(B)[-1] == "This email address was removed from an account"


def test_undoing_keeps_second_steps_that_were_there_long_before(ada: User) -> None:
    month_ago = timezone.now() - datetime.timedelta(days=30)
    for kind, made_at in (("totp", month_ago), ("recovery_codes", month_ago), ("webauthn", timezone.now())):
        Authenticator.objects.create(user=ada, type=kind, data={"name": "x"}, created_at=made_at)
    users.change_email(ada.pk, B)
    undo(A)
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}


def test_undoing_works_once(ada: User) -> None:
    users.change_email(ada.pk, B)
    undo(A)
    with pytest.raises(LinkExpired):
        undo(A)


def test_undoing_works_until_the_time_is_over(ada: User, settings: Settings) -> None:
    settings.EMAIL_UNDO_DAYS = 3
    users.change_email(ada.pk, B)
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(days=3, minutes=1)),
        pytest.raises(LinkExpired),
    ):
        undo(A)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=2, hours=23)):
        undo(A)
    assert address_of(ada) == A


@pytest.mark.parametrize("order", [[A], [B, A]])
def test_of_a_chain_of_changes_the_oldest_address_wins(ada: User, order: list[str]) -> None:
    users.change_email(ada.pk, B)
    users.change_email(ada.pk, C)
    for email in order:
        undo(email)
    assert address_of(ada) == A
    with pytest.raises(LinkExpired):
        undo(B)
    assert address_of(ada) == A
    assert agree()


def test_undoing_ends_later_proposals(ada: User) -> None:
    users.change_email(ada.pk, B)
    users.propose_email(ada.pk, C)
    undo(A)
    with pytest.raises(LinkExpired):
        confirm(C)


@pytest.mark.parametrize("token", ["", "1", "1:x", "x:y:z"])
def test_a_forged_token_returns_nothing(ada: User, token: str) -> None:
    users.change_email(ada.pk, B)
    assert users.undoable_email_change(token) is None
    assert users.email_proposal(token) is None


def test_the_two_kinds_of_link_are_not_interchangeable(ada: User) -> None:
    users.propose_email(ada.pk, B)
    assert users.undoable_email_change(link_sent_to(B).split("/")[-2]) is None
    assert users.email_proposal(link_sent_to(A).split("/")[-2]) is None
