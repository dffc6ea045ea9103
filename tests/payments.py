"""Card payments in tests: started at the provider, and settled by its answer."""

from __future__ import annotations

from savings import payments, references
from savings.models import Payment, Plan, Transaction

AMOUNT = 25_000_00


def start(plan: Plan, amount_kobo: int = AMOUNT, *, reference: str | None = None) -> Payment:
    """Return a card payment into the plan that is started and not yet paid."""
    reference = reference or references.new(Transaction.Kind.TOP_UP)
    return payments.start_payment(plan.user, plan=plan, amount_kobo=amount_kobo, reference=reference)


def settle(payment: Payment) -> Transaction:
    """Ask the provider about a payment, and return its transaction."""
    transaction = payments.settle_payment(payment.transaction.reference)
    assert transaction is not None
    transaction.refresh_from_db()
    return transaction
