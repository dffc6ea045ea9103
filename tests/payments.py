"""Payments in tests: announced to the provider, and settled by what it says."""

from __future__ import annotations

from savings import payments, references
from savings.models import Payment, Plan, Transaction

AMOUNT = 25_000_00


def start(plan: Plan, amount_kobo: int = AMOUNT, *, reference: str | None = None) -> Payment:
    """A card payment into the plan, announced and not yet paid."""
    reference = reference or references.new(Transaction.Kind.TOP_UP)
    return payments.start_payment(plan.user, plan=plan, amount_kobo=amount_kobo, reference=reference)


def settle(payment: Payment) -> Transaction:
    """The transaction of a payment, after the provider was asked about it."""
    movement = payments.settle_payment(payment.transaction.reference)
    assert movement is not None
    movement.refresh_from_db()
    return movement
