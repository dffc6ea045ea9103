"""Refunds that somebody made in the provider's dashboard: booked once, from what is left, and the rest is owed."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from django.utils import timezone

from savings import ledger, payments, plans, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import Account, Dispute, ManualPosting, Payment, Plan, Refund, Transaction, WebhookEvent
from tests import threads
from tests.factories import make_plan, make_user
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider
from tests.refunds import charge_back, house, people
from web.simulator import agenda, money_shapes, refunds, switches
from web.simulator import payments as charges
from web.simulator.events import deliver_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind, Status = Transaction.Kind, Transaction.Status


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    """A payment of ₦25,000 that is paid and booked; another one lets the provider give back all of it."""
    for one in (start(make_plan()), payment):
        provider.pay(one)
        settle(one)
    return payment


def refund_outside(payment: Payment, amount_kobo: int) -> WebhookEvent:
    """Make a refund in the provider's dashboard, and return its last event."""
    known = charges.known(payment.transaction.reference)
    refunds.create(known, amount_kobo, customer_note="", merchant_note="By hand")
    agenda.catch_up(time.time() + 60)
    deliver_due(time.time() + 120)
    payments.sweep_events(timezone.now())
    event = WebhookEvent.objects.filter(event="refund.processed").latest("pk")
    assert event.needs_staff
    return event


def book(event: WebhookEvent, **details: Any) -> Refund:
    usual = {"reference": references.new(Kind.REFUND)} | ({} if "asked_by" in details else people())
    return payments.book_outside_refund(event, **usual | details)


def entries(refund: Refund) -> list[tuple[str, str, str, int]]:
    rows = refund.transaction.entries.order_by("id").select_related("debit_account", "credit_account")
    return [(one.code, one.debit_account.kind, one.credit_account.kind, one.amount_kobo) for one in rows]


def spend(plan: Plan, amount_kobo: int) -> None:
    """Move money from the plan through the stash to another plan."""
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)
    reference = references.new(Kind.STASH_TO_PLAN)
    plans.move_to_plan(plan.user, make_plan(plan.user), amount_kobo=amount_kobo, reference=reference)


def test_it_is_taken_from_the_saver_and_from_clearing(paid: Payment, plan: Plan) -> None:
    before = house("clearing", "paystack")
    refund = book(refund_outside(paid, 10_000_00))
    assert entries(refund) == [
        ("hold", "plan", "refunds_due", 10_000_00),
        ("primary", "refunds_due", "clearing", 10_000_00),
    ]
    assert (refund.transaction.status, refund.transaction.refunds) == (Status.SUCCESS, paid.transaction)
    assert (refund.payment, refund.provider_status, refund.next_poll_at) == (paid, "processed", None)
    assert ledger.balance_kobo(plan.account) == AMOUNT - 10_000_00
    assert (before - house("clearing", "paystack"), house("refunds_due")) == (10_000_00, 0)
    assert ManualPosting.objects.get(transaction=refund.transaction).reason == "Paid twice"
    assert all(not line.difference_kobo for line in payments.reconcile())


def test_the_event_needs_nobody_any_more_and_the_refund_is_known(provider: Provider, paid: Payment) -> None:
    event = refund_outside(paid, 10_000_00)
    refund = book(event)
    event.refresh_from_db()
    assert (event.needs_staff, event.note.startswith(refund.transaction.reference)) == (False, True)
    WebhookEvent.objects.update(due_at=timezone.now())
    payments.sweep_events(timezone.now())
    assert not WebhookEvent.objects.filter(needs_staff=True).exists()
    assert Refund.objects.count() == 1


def test_all_of_a_payment_makes_it_reversed(paid: Payment) -> None:
    book(refund_outside(paid, AMOUNT))
    paid.transaction.refresh_from_db()
    assert paid.transaction.status == Status.REVERSED


def test_what_the_saver_has_no_more_is_owed(paid: Payment, plan: Plan) -> None:
    spend(plan, 20_000_00)
    refund = book(refund_outside(paid, AMOUNT))
    assert entries(refund) == [
        ("hold", "receivable", "refunds_due", AMOUNT),
        ("primary", "refunds_due", "clearing", AMOUNT),
    ]
    parts = [(one.kind, one.amount_kobo) for one in refund.transaction.parts.all()]
    assert parts == [("repayment", 5_000_00)]
    assert ledger.receivable_kobo(plan.user) == 20_000_00
    assert ledger.balance_kobo(Account.objects.get(plan=plan)) == 0
    assert ledger.available(plan.user).owed_kobo == 20_000_00


def test_a_repeat_is_one_refund_and_other_details_are_refused(
    provider: Provider, paid: Payment, plan: Plan
) -> None:
    event, details = refund_outside(paid, 10_000_00), people() | {"reference": references.new(Kind.REFUND)}
    first = book(event, **details)
    provider.instead = lambda _: httpx.Response(500)
    assert book(event, **details) == first
    for changed in ({"reason": "Another one"}, {"asked_by": make_user(is_staff=True)}):
        with pytest.raises(ReferenceTaken):
            book(event, **details | changed)
    provider.instead = None
    other = start(plan)
    provider.pay(other)
    settle(other)
    with pytest.raises(ReferenceTaken):
        book(refund_outside(other, 500), **details)
    assert Refund.objects.count() == 1


def test_it_is_never_booked_twice(paid: Payment) -> None:
    event = refund_outside(paid, 10_000_00)
    book(event)
    with pytest.raises(Refused, match="booked already"):
        book(event)
    assert Transaction.objects.filter(kind=Kind.REFUND).count() == 1


def test_an_event_without_a_number_finds_its_refund(paid: Payment) -> None:
    switches.turn("leaves_out", on=True)
    event = refund_outside(paid, 10_000_00)
    assert book(event).transaction.amount_kobo == 10_000_00
    with pytest.raises(Refused, match="booked already"):
        book(event)


def test_a_refund_of_ours_is_not_booked_again(provider: Provider, paid: Payment) -> None:
    payments.request_refund(
        paid.transaction, amount_kobo=500, reference=references.new(Kind.REFUND), **people()
    )
    payments.sweep_refunds(timezone.now())
    agenda.catch_up(time.time() + 60)
    deliver_due(time.time() + 120)
    event = WebhookEvent.objects.filter(event="refund.processed").latest("pk")
    with pytest.raises(Refused, match="booked already"):
        book(event)


def test_no_more_than_is_left_of_the_payment_is_booked(paid: Payment) -> None:
    event = refund_outside(paid, AMOUNT)
    charge_back(paid.transaction, 10_000_00)
    with pytest.raises(Refused, match="of this payment is left"):
        book(event)
    assert not Refund.objects.exists()


def test_a_disputed_payment_waits(paid: Payment) -> None:
    event = refund_outside(paid, 500)
    Dispute.objects.create(payment=paid, provider_id=7, amount_kobo=AMOUNT)
    with pytest.raises(Refused, match="disputed"):
        book(event)
    Dispute.objects.update(resolved_at=timezone.now())
    assert book(event).transaction.is_settled


@pytest.mark.parametrize("status", ["pending", "failed", "needs-attention"])
def test_only_what_the_provider_has_made_is_booked(provider: Provider, paid: Payment, status: str) -> None:
    event = refund_outside(paid, 500)
    made = refunds.newest_first()[0]
    answer = money_shapes.refund(made | {"status": status}, charges.known(paid.transaction.reference))
    body = {"status": True, "message": "", "data": answer}
    provider.answers[f"/refund/{made['id']}"] = lambda _: httpx.Response(200, json=body)
    with pytest.raises(Refused, match="has not made"):
        book(event)


def test_another_event_is_refused(paid: Payment) -> None:
    event = WebhookEvent.objects.create(
        key="other", event="charge.success", reference=paid.transaction.reference, body="{}"
    )
    with pytest.raises(Refused, match="not about a refund"):
        book(event)
    unknown = WebhookEvent.objects.create(key="unknown", event="refund.processed", reference="x", body="{}")
    with pytest.raises(Refused, match="not about a refund"):
        book(unknown)


def test_two_different_people_of_the_staff_are_needed(paid: Payment) -> None:
    event, staff = refund_outside(paid, 500), make_user(is_staff=True)
    for who in (
        {"asked_by": staff, "approved_by": staff, "reason": "Mine"},
        {"asked_by": staff, "approved_by": make_user(), "reason": "Theirs"},
        people() | {"reason": ""},
    ):
        with pytest.raises(Refused):
            book(event, **who)
    assert not Refund.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_at_once_it_is_booked_once(provider: Provider) -> None:
    payment, who = start(make_plan()), people()
    provider.pay(payment)
    settle(payment)
    event = refund_outside(payment, 10_000_00)
    found = threads.at_once(lambda _: book(event, **who).provider_status, 6)
    assert found == {"processed": 1, Refused: 5}
    assert Transaction.objects.filter(kind=Kind.REFUND).count() == 1
