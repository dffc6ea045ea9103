"""Cases: one for each thing that waits for a person, opened and solved by the state of what it is about."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import backoffice
from savings.backoffice import cases
from savings.exceptions import Refused
from savings.models import AuditRow, Case, Dispute, OutboxRow, Transaction, User, WebhookEvent
from savings.tasks import HANDLERS
from tests.factories import make_user
from tests.payouts import ask, make_saver
from tests.savings.backoffice.conftest import ARRIVED, make_staff

pytestmark = pytest.mark.django_db


def sync() -> int:
    return backoffice.sync_cases(timezone.now())


def make_event(name: str = "charge.success", reference: str = "TOPUNKNOWN") -> WebhookEvent:
    return WebhookEvent.objects.create(
        key=f"{name}{reference}", event=name, reference=reference, body="{}", needs_staff=True, due_at=None
    )


def test_a_payment_in_review_has_one_case(reviewed: Transaction) -> None:
    assert sync() == 1
    assert sync() == 0

    case = Case.objects.get()
    assert (case.kind, case.saver, case.payment) == (Case.Kind.PAYMENT, reviewed.user, reviewed.payment)
    assert case.opened_at == reviewed.created_on
    assert "₦20,000.00 arrived" in case.summary


def test_a_case_that_another_process_has_just_opened_stays_open(reviewed: Transaction) -> None:
    sync()
    # The list of what waits was read before the payment was in review.
    assert cases._solve_others(Case.Kind.PAYMENT, [], timezone.now()) == 0
    assert Case.objects.get().is_open
    assert Transaction.objects.get(pk=reviewed.pk).status == Transaction.Status.REVIEW


def test_a_case_is_solved_by_the_action_that_settles_it(
    reviewed: Transaction, finance: User, approver: User
) -> None:
    sync()
    case = Case.objects.get()
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}

    request = backoffice.ask("release", values, asked_by=finance, reason="It is hers", case=case)
    backoffice.approve(request, by=approver)

    case.refresh_from_db()
    assert (case.state, case.outcome) == (Case.State.SOLVED, "It is over: checked.")


def test_a_case_with_a_waiting_request_is_not_solved_by_hand(finance: User, approver: User) -> None:
    saver = make_user()
    case = backoffice.open_question(saver, by=finance, summary="Where is my money?")
    request = backoffice.ask(
        "treasury",
        {"purpose": "capital_in", "amount_kobo": 1_00, "bank": "own"},
        asked_by=finance,
        reason="Test",
        case=case,
    )

    with pytest.raises(Refused, match="waits for approval"):
        backoffice.solve(case, by=approver, outcome="Answered")
    backoffice.withdraw(request, by=finance)
    backoffice.solve(case, by=approver, outcome="Answered")

    assert (case.state, case.solved_by, case.outcome) == (Case.State.SOLVED, approver, "Answered")
    with pytest.raises(Refused, match="solved already"):
        backoffice.solve(case, by=approver, outcome="Again")


def test_a_payment_case_is_not_solved_by_a_sentence(reviewed: Transaction, finance: User) -> None:
    sync()
    with pytest.raises(Refused, match="when what it is about is over"):
        backoffice.solve(Case.objects.get(), by=finance, outcome="Looks fine")


def test_an_event_about_a_payment_in_review_has_no_case_of_its_own(reviewed: Transaction) -> None:
    event = make_event(reference=reviewed.reference)
    sync()
    assert Case.objects.get().kind == Case.Kind.PAYMENT

    Transaction.objects.filter(pk=reviewed.pk).update(status=Transaction.Status.CLOSED)
    sync()

    event.refresh_from_db()
    assert not event.needs_staff
    assert not Case.objects.unsolved().exists()


def test_an_event_is_solved_by_hand_and_may_need_staff_again(finance: User) -> None:
    event = make_event()
    sync()
    case = Case.objects.get()
    backoffice.solve(case, by=finance, outcome="Another shop’s payment")
    assert sync() == 0

    WebhookEvent.objects.filter(pk=event.pk).update(needs_staff=True)
    assert sync() == 1
    case.refresh_from_db()
    assert (case.state, case.solved_at, case.outcome) == (Case.State.OPEN, None, "")
    assert case.notes.get().author is None


def test_a_dispute_alarms_a_day_before_its_deadline(
    reviewed: Transaction, caplog: pytest.LogCaptureFixture
) -> None:
    now = timezone.now()
    dispute = Dispute.objects.create(
        payment=reviewed.payment, provider_id=9, amount_kobo=ARRIVED, due_at=now + timedelta(hours=30)
    )
    backoffice.sync_cases(now)
    case = Case.objects.get(kind=Case.Kind.DISPUTE)
    assert (case.dispute, case.due_at, case.saver) == (dispute, dispute.due_at, reviewed.user)

    with caplog.at_level(logging.ERROR):
        backoffice.sync_cases(now + timedelta(hours=5))
        assert not caplog.records
        backoffice.sync_cases(now + timedelta(hours=7))
        backoffice.sync_cases(now + timedelta(hours=8))
    assert len(caplog.records) == 1

    Dispute.objects.filter(pk=dispute.pk).update(resolved_at=now)
    sync()
    case.refresh_from_db()
    assert (case.state, case.outcome) == (Case.State.SOLVED, "The claim was turned down. The money stays.")


def test_a_failed_payout_opens_one_case(finance: User) -> None:
    payout = ask(make_saver())
    row = OutboxRow.objects.create(
        kind="case_opening", dedupe_key="once", payload={"kind": "payout", "row": payout.pk}
    )
    for _ in range(2):
        assert HANDLERS["case_opening"](row) == {}

    case = Case.objects.get(key=f"payout-failed:{payout.pk}")
    assert case.payout == payout
    backoffice.solve(case, by=finance, outcome="The saver knows")
    sync()
    HANDLERS["case_opening"](row)
    case.refresh_from_db()
    assert not case.is_open


def test_cases_are_assigned_to_staff_alone(finance: User) -> None:
    case = backoffice.open_question(make_user(), by=finance, summary="Why?")
    with pytest.raises(Refused) as refused:
        backoffice.assign(case, make_user(), by=finance)
    assert refused.value.field == "assignee"

    other = make_staff("Support")
    backoffice.assign(case, other, by=finance)
    case.refresh_from_db()
    assert case.assignee == other
    backoffice.assign(case, None, by=finance)
    assert AuditRow.objects.filter(verb="case_assigned").count() == 2


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_a_note_has_text(finance: User, text: str) -> None:
    with pytest.raises(Refused) as refused:
        backoffice.write_note(text, by=finance, saver=make_user())
    assert refused.value.field == "text"


def test_many_open_cases_cost_no_more_queries_each_minute() -> None:
    make_event(name="transfer.odd")
    sync()
    with CaptureQueriesContext(connection) as few:
        sync()
    for number in range(20):
        make_event(name=f"transfer.odd{number}", reference=f"STW{number:017}")
    sync()
    with CaptureQueriesContext(connection) as many:
        sync()
    assert len(many) == len(few)
