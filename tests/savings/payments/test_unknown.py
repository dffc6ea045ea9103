"""Payments that nobody here started: in suspense once they are paid out, and from there back to the payer."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from savings import ledger, payments, references
from savings.models import Account, Dispute, Payment, Refund, Transaction
from tests.factories import make_user
from tests.provider import Provider, fee
from web.simulator import agenda, disputes, money, settlements
from web.simulator import payments as charges

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind, Status = Account.Kind, Transaction.Status
KOBO = 70_000_00


@pytest.fixture
def unknown(provider: Provider) -> Payment:
    """A payment of another shop that was paid out to us, and what later refunds are taken from."""
    provider.announce("order-7", KOBO, outcome="silent")
    settlements.run(everything=True)
    payments.fetch_settlements(timezone.now())
    provider.announce("order-8", 2 * KOBO, outcome="silent")
    return Payment.objects.get(foreign_reference="order-7")


def house(kind: str, place: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def test_before_it_is_paid_out_it_is_nothing_of_ours(provider: Provider) -> None:
    provider.announce("order-7", KOBO, outcome="silent")
    payments.fetch_settlements(timezone.now())
    assert not Transaction.objects.exists()


def test_its_money_is_owed_to_somebody_and_is_in_the_bank(unknown: Payment) -> None:
    assert (house(Kind.SUSPENSE), house(Kind.BANK, "customers")) == (KOBO, KOBO - fee(KOBO))
    assert (unknown.transaction.kind, unknown.transaction.status) == ("adjustment", Status.REVIEW)
    assert (unknown.paid_kobo, unknown.fee_kobo, unknown.next_poll_at) == (KOBO, fee(KOBO), None)


def test_it_is_refunded_under_the_provider_s_reference(provider: Provider, unknown: Payment) -> None:
    refund = payments.request_refund(
        unknown.transaction,
        amount_kobo=KOBO,
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Meant for another shop",
        reference=references.new("refund"),
    )
    payments.sweep_refunds(timezone.now())
    provider.deliver(after_seconds=60)
    payments.sweep_events(timezone.now())
    refund = Refund.objects.get(pk=refund.pk)
    assert (refund.transaction.status, refund.provider_status) == (Status.SUCCESS, "processed")
    assert (house(Kind.SUSPENSE), house(Kind.REFUNDS_DUE)) == (0, 0)
    assert charges.known("order-7")["status"] == "reversed"


def test_a_lost_dispute_about_it_takes_it_out_of_suspense(unknown: Payment) -> None:
    disputes.open_for(charges.known("order-7"))
    payments.sweep_disputes()
    assert Dispute.objects.get().payment == unknown
    agenda.catch_up(time.time() + 17 * 3600)
    payments.sweep_disputes()
    assert Dispute.objects.get().resolved_at
    assert (house(Kind.SUSPENSE), house(Kind.RECEIVABLE)) == (0, 0)
    # By then the provider may have paid out what is pending: the hours until the next morning depend on now.
    arrived = 3 * KOBO - fee(KOBO) - fee(2 * KOBO)
    assert money.balance(money.PENDING) + money.balance(money.BANK) == arrived - KOBO
