"""Refunds that were made at the provider without us: the money has gone, so they are booked whatever is left of it."""

from __future__ import annotations

from typing import Any

from django.db.transaction import atomic

from savings import outbox
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import balance_kobo, house_account
from savings.ledger.chargebacks import credited_part, recover
from savings.ledger.going_back import Paid, left_in_suspense, left_kobo, lock_payment
from savings.ledger.people import check_people, check_reason, is_posted_by
from savings.ledger.refunds import check_not_disputed, set_aside, settle_refund
from savings.ledger.transactions import open_transaction, post
from savings.models import Account, Entry, ManualPosting, Transaction, User


def book_refund(
    payment: Transaction, *, reference: str, amount_kobo: int, asked_by: User, approved_by: User, reason: str
) -> Transaction:
    """Book a refund of a payment, or of a part of it, that the provider has made already, and return it.

    The money comes from the account that was credited, or from suspense, as in `open_refund`. Where less is left there,
    the person owes all of it, and pays from what is left in the plan and the stash, as in `book_chargeback`. Interest
    on the money is taken back. A repeat with the same reference returns the first refund.

    Raises Refused when no money of the payment is booked, when less of it is left, while it is disputed, and unless two
    different people of the staff ask and approve; ReferenceTaken when the reference belongs to other details; BadAmount
    for an amount out of range.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    with atomic():
        earlier = Transaction.objects.filter(reference=reference, kind=Transaction.Kind.REFUND).first()
        paid = lock_payment((earlier and earlier.refunds) or credited_part(payment))
        refund, opened = open_transaction(
            reference=reference,
            kind=Transaction.Kind.REFUND,
            user=paid.movement.user,
            plan=paid.movement.plan,
            amount_kobo=amount_kobo,
            refunds=paid.movement,
        )
        if not opened:
            is_same = paid.first_id == (payment.part_of_id or payment.pk)
            if not is_same or not is_posted_by(refund, details):
                raise ReferenceTaken(SENT_OTHERWISE)
            return refund
        check_people(asked_by, approved_by)
        check_not_disputed(paid)
        rest_kobo = left_kobo(paid, besides=refund)
        if amount_kobo > rest_kobo:
            raise Refused(messages.only_left(rest_kobo), field="amount_kobo")
        _take(refund, paid)
        settle_refund(refund)
        if refund.user_id is not None:
            outbox.recheck_autosaves(refund.user_id)
        ManualPosting.objects.create(transaction=refund, **details)
    return refund


def _take(refund: Transaction, paid: Paid) -> None:
    """Take the money from where the payment is; where less is left, the person owes all of it."""
    place = paid.account or house_account(Account.Kind.SUSPENSE)
    there_kobo = balance_kobo(place) if place.is_customers else left_in_suspense(paid.first_id)
    if refund.amount_kobo <= there_kobo:
        set_aside(refund, paid, place)
        return
    post(
        refund,
        Entry.Code.HOLD,
        debit=house_account(Account.Kind.RECEIVABLE),
        credit=house_account(Account.Kind.REFUNDS_DUE),
        amount_kobo=refund.amount_kobo,
        value_on=paid.value_on,
    )
    recover(refund, paid)
