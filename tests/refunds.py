"""Refunds and chargebacks in tests, and payments whose money is in suspense."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from savings import ledger, references
from savings.models import Account, Entry, Plan, Transaction, User
from tests.factories import make_transaction, make_user

Kind = Transaction.Kind


def people() -> dict[str, Any]:
    """Return two people of the staff, and their reason."""
    asked_by, approved_by = make_user(is_staff=True), make_user(is_staff=True)
    return {"asked_by": asked_by, "approved_by": approved_by, "reason": "Paid twice"}


def refund(payment: Transaction, amount_kobo: int, **details: Any) -> Transaction:
    """Return an opened refund, by two people of the staff unless the details are given."""
    usual = {"reference": references.new(Kind.REFUND)} | ({} if "asked_by" in details else people())
    return ledger.open_refund(payment, amount_kobo=amount_kobo, **usual | details)


def charge_back(payment: Transaction, amount_kobo: int, **details: Any) -> Transaction:
    """Return a booked chargeback with a new reference unless one is given."""
    usual = {"reference": references.new(Kind.CHARGEBACK)}
    return ledger.book_chargeback(payment, amount_kobo=amount_kobo, **usual | details)


def suspend(user: User | None, amount_kobo: int) -> Transaction:
    """Return a payment in review, of which an amount has arrived in suspense."""
    payment = make_transaction(Kind.STASH_DEPOSIT, amount_kobo * 2, user=user, status="review")
    ledger.post(
        payment,
        Entry.Code.SUSPENSE,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=ledger.house_account(Account.Kind.SUSPENSE),
        amount_kobo=amount_kobo,
    )
    return payment


def release(payment: Transaction, user: User, amount_kobo: int) -> Transaction:
    """Return the part of a payment in suspense that is given to the stash of somebody."""
    reference = references.new(Kind.STASH_DEPOSIT)
    return ledger.allocate(payment, user, reference=reference, amount_kobo=amount_kobo, **people())


def post_interest(plan: Plan) -> tuple[int, int]:
    """Post all whole kobo of a plan's interest up to today to the plan, and return gross and tax."""
    posting = ledger.post_interest(plan, until=timezone.localdate())
    assert posting is not None
    return posting.gross_kobo, posting.tax_kobo


def house(kind: str, place: str = "") -> int:
    """Return the balance of an account of the house."""
    return ledger.balance_kobo(ledger.house_account(kind, place))
