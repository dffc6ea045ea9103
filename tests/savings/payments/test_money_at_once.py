"""Refunds, disputes and settlements that several workers get hold of at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from savings import ledger, payments, references
from savings.ledger import checks
from savings.models import Payment, Plan, Postponement, Refund, Settlement, Transaction, WebhookEvent
from tests.factories import make_user
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider
from tests.savings.payments.test_at_once import at_once
from web.simulator import agenda, disputes, refunds, settlements
from web.simulator import payments as charges

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books_balance(db: None) -> Iterator[None]:
    """Whoever was first, the ledger checks find nothing wrong after it."""
    yield
    assert list(checks.wrong_rows()) == []
    assert list(Postponement.objects.values_list("task", "reason")) == []


@pytest.fixture
def paid(provider: Provider, plan: Plan) -> Payment:
    payment = start(plan)
    provider.pay(payment)
    settle(payment)
    return payment


def failures(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception)]


def test_a_refund_is_sent_once_and_ends_once(provider: Provider, paid: Payment, plan: Plan) -> None:
    refund = payments.request_refund(
        Transaction.objects.get(pk=paid.transaction_id),
        amount_kobo=10_000_00,
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Paid twice",
        reference=references.new("refund"),
    )
    assert failures(at_once(*[lambda: payments.sweep_refunds(timezone.now())] * 6)) == []
    assert len(refunds.newest_first()) == 1
    provider.deliver(after_seconds=60)
    Refund.objects.update(next_poll_at=timezone.now())
    events = WebhookEvent.objects.filter(event__startswith="refund.").values_list("pk", flat=True)
    asking = [lambda pk=pk: payments.process_event(pk) for pk in events for _ in range(2)]
    assert failures(at_once(*asking, lambda: payments.sweep_refunds(timezone.now()))) == []
    refund.refresh_from_db()
    assert refund.transaction.status == Transaction.Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == AMOUNT - 10_000_00


def test_a_lost_dispute_is_charged_back_once(provider: Provider, paid: Payment) -> None:
    opened = disputes.open_for(charges.known(paid.transaction.reference))
    payments.sweep_disputes()
    disputes.resolve(opened, "merchant-accepted", AMOUNT)
    assert failures(at_once(*[payments.sweep_disputes] * 6)) == []
    assert Transaction.objects.filter(kind="chargeback").count() == 1


def test_a_settlement_with_a_payment_of_nobody_s_is_booked_once(provider: Provider, paid: Payment) -> None:
    provider.announce("order-7", 70_000_00, outcome="silent")
    settlements.run(everything=True)
    agenda.catch_up()
    assert failures(at_once(*[lambda: payments.fetch_settlements(timezone.now())] * 6)) == []
    assert Settlement.objects.count() == 1
    assert Payment.objects.exclude(foreign_reference="").count() == 1
