"""Requests: asked for by one person, approved by another, and void once they would not post the same any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from savings import backoffice, ledger, payments, references
from savings.backoffice import messages
from savings.exceptions import ReferenceTaken, Refused
from savings.models import Account, AuditRow, Entry, OutboxRow, StaffRequest, Transaction, User
from tests.factories import make_user
from tests.savings.backoffice.conftest import ARRIVED, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
State = StaffRequest.State


@pytest.fixture
def request_(reviewed: Transaction, finance: User, approver: User) -> StaffRequest:
    """A request to release what arrived, which the approver may decide."""
    return ask(reviewed, finance)


def ask(movement: Transaction, by: User, action: str = "release", **values: Any) -> StaffRequest:
    values = {"transaction": movement.pk, "amount_kobo": ARRIVED, "plan": None} | values
    return backoffice.ask(action, values, asked_by=by, reason="The saver confirmed it")


def stash_kobo(user: User | None) -> int:
    account = Account.objects.filter(user=user, kind=Account.Kind.STASH).first()
    return (account.balance_kobo or 0) if account else 0


def test_a_preview_posts_nothing(reviewed: Transaction, finance: User, approver: User) -> None:
    entries = Entry.objects.count()
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}

    found = backoffice.preview("release", values, asked_by=finance, reason="It is hers")

    assert found.lines == [["suspense:", f"stash:{reviewed.user_id}", ARRIVED, "primary"]]
    assert Entry.objects.count() == entries
    assert not Transaction.objects.filter(part_of=reviewed).exists()
    assert not OutboxRow.objects.filter(kind="top_up_received").exists()


def test_a_preview_has_the_mails_that_the_saver_would_get(
    reviewed: Transaction, finance: User, approver: User
) -> None:
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    for action, begins in (("release", "₦20,000.00 received"), ("send_back", "A refund of ₦20,000.00")):
        ((subject, text),) = backoffice.preview(action, values, asked_by=finance).mails
        assert subject.startswith(begins)
        assert "Hello" in text
    assert not OutboxRow.objects.filter(kind="by_staff").exists()


def test_the_same_reference_asks_once(reviewed: Transaction, finance: User, approver: User) -> None:
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    usual: dict[str, Any] = {
        "asked_by": finance,
        "reason": "Hers",
        "reference": references.new("stash_deposit"),
    }
    first = backoffice.ask("release", values, **usual)

    assert backoffice.ask("release", values, **usual) == first
    assert StaffRequest.objects.count() == 1
    for changed in ({"reason": "Not hers"}, {"asked_by": make_staff("Finance")}):
        with pytest.raises(ReferenceTaken):
            backoffice.ask("release", values, **usual | changed)
    with pytest.raises(ReferenceTaken):
        backoffice.ask("release", values | {"amount_kobo": 1_00}, **usual)


def test_what_was_not_seen_is_not_asked_for(reviewed: Transaction, finance: User, approver: User) -> None:
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    seen = backoffice.preview("release", values, asked_by=finance)

    with pytest.raises(backoffice.PreviewChanged):
        backoffice.ask("release", values | {"amount_kobo": 1_00}, asked_by=finance, reason="Hers", seen=seen)
    assert backoffice.ask("release", values, asked_by=finance, reason="Hers", seen=seen).is_waiting


def test_an_approved_request_posts_what_it_showed(request_: StaffRequest, approver: User) -> None:
    done = backoffice.approve(request_, by=approver)

    assert (done.state, done.decided_by) == (State.DONE, approver)
    assert done.transaction is not None
    assert done.transaction.reference == request_.reference
    assert stash_kobo(done.saver) == ARRIVED
    posting = done.transaction.manual_posting
    assert (posting.asked_by, posting.approved_by) == (request_.asked_by, approver)
    assert OutboxRow.objects.filter(kind="top_up_received", transaction=done.transaction).count() == 1


def test_the_steps_of_a_request_are_in_the_audit_log(request_: StaffRequest, approver: User) -> None:
    backoffice.approve(request_, by=approver)

    rows = AuditRow.objects.filter(subject=f"request:{request_.pk}").order_by("pk")
    assert [(row.verb, row.staff) for row in rows] == [
        ("request_made", request_.asked_by),
        ("request_approved", approver),
    ]


def test_nobody_approves_their_own_request(request_: StaffRequest) -> None:
    asker = request_.asked_by
    User.objects.filter(pk=asker.pk).update(is_superuser=True)

    with pytest.raises(Refused, match="Somebody else"):
        backoffice.approve(request_, by=User.objects.get(pk=asker.pk))
    with pytest.raises(IntegrityError), transaction.atomic():
        StaffRequest.objects.filter(pk=request_.pk).update(
            state=State.DONE, decided_by=asker, ended_at=timezone.now()
        )
    assert not Transaction.objects.filter(part_of_id=request_.values["transaction"]).exists()


def test_a_request_is_approved_once(request_: StaffRequest, approver: User) -> None:
    backoffice.approve(request_, by=approver)

    with pytest.raises(Refused, match="over"):
        backoffice.approve(request_, by=approver)
    with pytest.raises(Refused, match="over"):
        backoffice.refuse(request_, by=approver, answer="Too late")
    assert stash_kobo(request_.saver) == ARRIVED


def test_a_request_is_void_when_the_facts_have_changed(
    request_: StaffRequest, reviewed: Transaction, finance: User, approver: User
) -> None:
    payments.release_from_suspense(
        reviewed,
        reference=references.new("stash_deposit"),
        asked_by=finance,
        approved_by=approver,
        reason="By another way",
        amount_kobo=1_000_00,
    )

    ended = backoffice.approve(request_, by=approver)

    assert (ended.state, ended.answer) == (State.VOID, messages.FACTS_CHANGED)
    assert ended.decided_by is None
    assert stash_kobo(ended.saver) == 1_000_00


def test_a_request_expires(request_: StaffRequest, approver: User) -> None:
    later = timezone.now() + timedelta(hours=settings.STAFF.request_hours, minutes=1)
    with time_machine.travel(later):
        assert backoffice.approve(request_, by=approver).state == State.EXPIRED
    assert stash_kobo(request_.saver) == 0


def test_the_sweep_ends_requests_that_nobody_decided(request_: StaffRequest) -> None:
    later = timezone.now() + timedelta(hours=settings.STAFF.request_hours, minutes=1)

    assert backoffice.expire_requests(timezone.now()) == 0
    assert backoffice.expire_requests(later) == 1
    assert backoffice.expire_requests(later) == 0


def test_a_refusal_needs_its_reason(request_: StaffRequest, approver: User) -> None:
    with pytest.raises(Refused) as refused:
        backoffice.refuse(request_, by=approver, answer="  ")
    assert refused.value.field == "answer"

    assert backoffice.refuse(request_, by=approver, answer="Not hers").state == State.REFUSED
    assert stash_kobo(request_.saver) == 0


def test_only_the_person_who_asked_withdraws(request_: StaffRequest, approver: User) -> None:
    with pytest.raises(Refused, match="who asked"):
        backoffice.withdraw(request_, by=approver)
    assert backoffice.withdraw(request_, by=request_.asked_by).state == State.WITHDRAWN


def test_one_request_about_a_payment_waits_at_a_time(
    request_: StaffRequest, reviewed: Transaction, finance: User
) -> None:
    with pytest.raises(Refused, match="waits for approval already"):
        ask(reviewed, make_staff("Finance"), "send_back")
    backoffice.withdraw(request_, by=finance)
    assert ask(reviewed, finance, "send_back").is_waiting


def test_more_than_arrived_is_refused_at_once(reviewed: Transaction, finance: User, approver: User) -> None:
    with pytest.raises(Refused) as refused:
        ask(reviewed, finance, amount_kobo=ARRIVED + 1)
    assert refused.value.field == "amount_kobo"
    assert not StaffRequest.objects.exists()


def test_money_is_allocated_to_another_person(reviewed: Transaction, finance: User, approver: User) -> None:
    other = make_user()

    done = backoffice.approve(ask(reviewed, finance, "allocate", user=other.pk), by=approver)

    assert (done.saver, stash_kobo(other), stash_kobo(reviewed.user)) == (other, ARRIVED, 0)
    reviewed.refresh_from_db()
    assert reviewed.status == Transaction.Status.CLOSED


def test_money_is_sent_back_and_the_saver_told(reviewed: Transaction, finance: User, approver: User) -> None:
    done = backoffice.approve(ask(reviewed, finance, "send_back"), by=approver)

    assert done.lines == [["suspense:", "refunds_due:", ARRIVED, "hold"]]
    assert done.transaction is not None
    assert done.transaction.kind == Transaction.Kind.REFUND
    mail = OutboxRow.objects.get(kind="by_staff", transaction=done.transaction)
    assert "₦20,000.00" in mail.payload["text"]


def test_nobody_acts_on_their_own_money(reviewed: Transaction, approver: User) -> None:
    payers = User.objects.filter(transactions=reviewed)
    payers.update(is_staff=True, is_superuser=True)
    saver = payers.get()

    with pytest.raises(Refused, match="your own money"):
        ask(reviewed, saver)
    request = ask(reviewed, make_staff("Finance"))
    with pytest.raises(Refused, match="your own money"):
        backoffice.approve(request, by=saver)


@pytest.mark.parametrize("role", ["Support", "Auditor", "Operations", "Finance"])
def test_other_roles_do_not_approve(request_: StaffRequest, role: str) -> None:
    with pytest.raises(Refused, match="role"):
        backoffice.approve(request_, by=make_staff(role))


@pytest.mark.parametrize("role", ["Approver", "Auditor", "Operations"])
def test_other_roles_do_not_ask_for_money(reviewed: Transaction, approver: User, role: str) -> None:
    with pytest.raises(Refused, match="role"):
        ask(reviewed, make_staff(role))


def test_without_a_second_person_nothing_can_be_asked_for(reviewed: Transaction, finance: User) -> None:
    with pytest.raises(Refused, match="second active member"):
        ask(reviewed, finance)


def test_a_request_of_somebody_who_left_is_void(request_: StaffRequest, approver: User) -> None:
    User.objects.filter(pk=request_.asked_by_id).update(is_active=False)

    assert backoffice.approve(request_, by=approver).answer == messages.ASKER_GONE


def test_the_house_moves_its_money_with_two_people(finance: User, approver: User) -> None:
    values = {"purpose": "capital_in", "amount_kobo": 500_000_00, "bank": "own", "document": "Slip 12"}

    done = backoffice.approve(
        backoffice.ask("treasury", values, asked_by=finance, reason="Start"), by=approver
    )

    assert done.lines == [["bank:own", "capital:", 500_000_00, "primary"]]
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.CAPITAL)) == 500_000_00


def test_the_audit_log_is_never_changed(request_: StaffRequest) -> None:
    row = AuditRow.objects.latest("pk")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditRow.objects.filter(pk=row.pk).update(text="Nothing happened")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        row.delete()
