"""What staff do to a person's account: with a reason, never to their own, once, and with a mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from savings import backoffice, users
from savings.backoffice import Verb, messages
from savings.exceptions import Refused
from savings.models import AuditRow, EmailChange, OutboxRow, User
from tests.factories import make_user
from tests.savings.backoffice.conftest import make_staff

pytestmark = pytest.mark.django_db

WITHDRAWALS, MOVEMENTS = User.Frozen.WITHDRAWALS, User.Frozen.MOVEMENTS
WHY = "Her phone was stolen"


@pytest.fixture
def support(db: None) -> User:
    return make_staff("Support")


@pytest.fixture
def saver(db: None) -> User:
    return make_user("ada@example.com")


def logged() -> list[tuple[str, str]]:
    return list(AuditRow.objects.order_by("id").values_list("verb", "text"))


def test_a_freeze_is_stored_logged_and_mailed_once(saver: User, support: User) -> None:
    version = User.objects.get(pk=saver.pk).version
    for _ in range(2):
        backoffice.freeze(saver.pk, MOVEMENTS, by=support, reason=WHY)
    saver.refresh_from_db()
    assert saver.frozen == MOVEMENTS
    # Cached pages of the saver have the version in their key.
    assert saver.version > version
    assert logged() == [(Verb.FROZEN, f"movements: {WHY}")]
    assert OutboxRow.objects.get(kind="by_staff").payload["subject"] == "Your account is frozen"


def test_a_freeze_of_another_kind_replaces_the_first(saver: User, support: User) -> None:
    backoffice.freeze(saver.pk, MOVEMENTS, by=support, reason=WHY)
    backoffice.freeze(saver.pk, WITHDRAWALS, by=support, reason=WHY)
    backoffice.unfreeze(saver.pk, by=support, reason="It was found")
    backoffice.unfreeze(saver.pk, by=support, reason="It was found")
    saver.refresh_from_db()
    assert saver.frozen == ""
    assert [verb for verb, _ in logged()] == [Verb.FROZEN, Verb.FROZEN, Verb.UNFROZEN]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_each_action_needs_a_reason(saver: User, support: User, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        backoffice.freeze(saver.pk, MOVEMENTS, by=support, reason=reason)
    assert refused.value.field == "reason"
    assert not logged()


def test_nobody_acts_on_their_own_account(support: User) -> None:
    with pytest.raises(Refused, match="Somebody else"):
        backoffice.unfreeze(support.pk, by=support, reason=WHY)


def test_only_a_superuser_acts_on_the_account_of_staff(support: User) -> None:
    other, root = make_staff("Support"), make_user(is_staff=True, is_superuser=True)
    with pytest.raises(PermissionDenied):
        backoffice.freeze(other.pk, MOVEMENTS, by=support, reason=WHY)
    with pytest.raises(PermissionDenied):
        backoffice.end_sessions(root.pk, by=support, reason=WHY, reference="ADM1")
    backoffice.freeze(other.pk, MOVEMENTS, by=root, reason=WHY)
    assert User.objects.get(pk=other.pk).frozen == MOVEMENTS


def test_former_staff_act_on_nobody(saver: User, support: User) -> None:
    User.objects.filter(pk=support.pk).update(is_active=False)
    with pytest.raises(PermissionDenied):
        backoffice.freeze(saver.pk, MOVEMENTS, by=support, reason=WHY)


def test_a_form_sent_twice_ends_the_sessions_once(saver: User, support: User) -> None:
    UserSession.objects.create(user=saver, ip="127.0.0.1", session_key="x" * 32)
    for _ in range(2):
        backoffice.end_sessions(saver.pk, by=support, reason=WHY, reference="ADM1")
    assert not UserSession.objects.filter(user=saver).exists()
    assert logged() == [(Verb.SIGN_IN_HELPED, f"sessions ended: {WHY}")]
    saver.refresh_from_db()
    # Withdrawals wait from then on.
    assert saver.credentials_changed_at is not None


def test_a_lost_second_step_is_removed_after_a_check(saver: User, support: User) -> None:
    TOTP.activate(saver, "ASUSUTESTSTAFFKEYASUSUTESTSTAFF2")
    with pytest.raises(Refused) as refused:
        backoffice.remove_second_step(saver.pk, by=support, check=" ", reason=WHY)
    assert refused.value.field == "check"
    backoffice.remove_second_step(saver.pk, by=support, check="passport on a call", reason=WHY)
    assert not Authenticator.objects.filter(user=saver).exists()
    assert logged() == [(Verb.SIGN_IN_HELPED, f"second step removed, checked by passport on a call: {WHY}")]
    assert OutboxRow.objects.filter(to=saver.email).count() == 1
    with pytest.raises(Refused, match=messages.NO_SECOND_STEP):
        backoffice.remove_second_step(saver.pk, by=support, check="passport", reason=WHY)
    assert OutboxRow.objects.filter(to=saver.email).count() == 1


def test_the_confirmation_of_a_new_address_is_sent_again(saver: User, support: User) -> None:
    with pytest.raises(Refused, match=messages.NO_PROPOSAL):
        backoffice.resend_confirmation(saver.pk, by=support, reason=WHY)
    users.propose_email(saver.pk, "new@example.com", by=support)
    backoffice.resend_confirmation(saver.pk, by=support, reason=WHY)
    assert OutboxRow.objects.filter(to="new@example.com").count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=80)):
        backoffice.resend_confirmation(saver.pk, by=support, reason=WHY)
        backoffice.resend_confirmation(saver.pk, by=support, reason=WHY)
    assert OutboxRow.objects.filter(to="new@example.com").count() == 2
    assert EmailChange.objects.filter(ended_at=None).count() == 1


def test_a_hostile_change_of_address_is_undone(saver: User, support: User) -> None:
    users.change_email(saver.pk, "thief@example.com")
    change = backoffice.undoable_changes(saver).get()
    with pytest.raises(Refused) as refused:
        backoffice.undo_email_change(saver.pk, change.pk, by=support, check="x" * 121, reason=WHY)
    assert refused.value.field == "check"
    backoffice.undo_email_change(saver.pk, change.pk, by=support, check="passport", reason=WHY)
    saver.refresh_from_db()
    assert saver.email == "ada@example.com"
    assert not saver.has_usable_password()
    with pytest.raises(Refused) as refused:
        backoffice.undo_email_change(saver.pk, change.pk, by=support, check="passport", reason=WHY)
    assert refused.value.field == "change"


def test_the_change_of_another_person_is_not_undone(saver: User, support: User) -> None:
    other = make_user()
    users.change_email(other.pk, "elsewhere@example.com")
    change = backoffice.undoable_changes(other).get()
    with pytest.raises(Refused):
        backoffice.undo_email_change(saver.pk, change.pk, by=support, check="passport", reason=WHY)
