"""Refunds: money of a payment that staff give back, set aside first and then made by the provider."""

from __future__ import annotations

from typing import Any, cast

from django.db.transaction import atomic

from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import balance_kobo, house_account, stash_account
from savings.ledger.corrections import collect_interest, forfeit_interest, give_interest_back
from savings.ledger.going_back import Paid, left_in_suspense, left_kobo, lock_payment, mark_if_all_is_back
from savings.ledger.people import check_people, check_reason
from savings.ledger.transactions import change_status, open_transaction, post, settle
from savings.models import Account, Dispute, Entry, ManualPosting, Transaction, User

Kind = Account.Kind
Status = Transaction.Status


def open_refund(
    payment: Transaction,
    *,
    reference: str,
    amount_kobo: int,
    asked_by: User,
    approved_by: User,
    reason: str,
    source: str = "",
) -> Transaction:
    """Set money of a payment aside for its refund, which is pending until the provider has made it, and return it.

    `amount_kobo` is the whole payment or a part of it. It comes from one place: the account that the payment was
    credited to, or the `source` "plan", "stash" or "suspense". Money in suspense may have no owner. The entry has the
    value date of the payment, and interest that was posted on the money is taken back. A repeat with the same reference
    returns the first refund.

    Raises Refused when no money of the payment is booked, when less of it is left, when it is disputed, and unless two
    different people of the staff ask and approve; NotEnoughMoney when the place holds less; ReferenceTaken when the
    reference belongs to other details; BadAmount for an amount out of range.
    """
    details = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    with atomic():
        paid = lock_payment(payment)
        account = _source(paid, source)
        refund, opened = open_transaction(
            reference=reference,
            kind=Transaction.Kind.REFUND,
            user=paid.movement.user,
            plan=account.plan,
            amount_kobo=amount_kobo,
            refunds=paid.movement,
        )
        if not opened:
            _check_same(refund, account, details)
            return refund
        check_people(asked_by, approved_by)
        _check_refundable(refund, paid, account)
        set_aside(refund, paid, account)
        ManualPosting.objects.create(transaction=refund, **details)
    return refund


def settle_refund(refund: Transaction) -> bool:
    """Book that the provider has made a refund, and return whether this call did.

    The payment becomes reversed once all of it has gone back.
    """
    with atomic():
        paid = lock_payment(_payment_of(refund))
        settled = settle(
            refund,
            debit=house_account(Kind.REFUNDS_DUE),
            credit=paid.clearing,
            value_on=paid.value_on,
        )
        if settled:
            mark_if_all_is_back(paid.movement)
    return settled


def fail_refund(refund: Transaction, *, failure_code: str = "") -> bool:
    """Book that the provider has not made a refund, and return whether this call did.

    The money goes back to where it was, or to the stash if its plan is closed, together with the interest of the money.
    Posted interest that was taken back counts as earned and not yet posted.
    """
    with atomic():
        paid = lock_payment(_payment_of(refund))
        if not change_status(refund, Status.FAILED, only_from=[Status.PENDING], failure_code=failure_code):
            return False
        hold = Entry.objects.select_related("debit_account__plan", "credit_account").get(
            transaction=refund, code=Entry.Code.HOLD
        )
        back_to = hold.debit_account
        if back_to.plan and back_to.plan.is_closed:
            back_to = stash_account(back_to.plan.user)
        post(
            refund,
            Entry.Code.RELEASE,
            debit=hold.credit_account,
            credit=back_to,
            amount_kobo=hold.amount_kobo,
            value_on=paid.value_on,
        )
        give_interest_back(refund, paid, hold, is_in_plan=back_to == paid.plan_account)
    return True


def _payment_of(refund: Transaction) -> Transaction:
    if refund.refunds is None:
        raise ValueError("A refund gives a payment back.")
    return refund.refunds


def _source(paid: Paid, source: str) -> Account:
    """Return the account that a refund comes from. Raises Refused when the payment has no such place."""
    if paid.account is None:
        if source not in {"", "suspense"}:
            raise Refused(messages.IN_SUSPENSE, field="source")
        return house_account(Kind.SUSPENSE)
    if source == "":
        return paid.account
    if source == "plan" and paid.plan_account is not None:
        return paid.plan_account
    if source == "stash":
        return stash_account(_owner(paid))
    raise Refused(messages.NOT_THERE, field="source")


def _owner(paid: Paid) -> User:
    # A payment that was credited has an owner.
    return cast("User", paid.movement.user)


def _check_same(refund: Transaction, account: Account, details: dict[str, Any]) -> None:
    """Raise ReferenceTaken unless this reference was opened from the same account, by these people for this reason."""
    is_same = Entry.objects.filter(transaction=refund, code=Entry.Code.HOLD, debit_account=account).exists()
    if not is_same or not ManualPosting.objects.filter(transaction=refund, **details).exists():
        raise ReferenceTaken(SENT_OTHERWISE)


def _check_refundable(refund: Transaction, paid: Paid, account: Account) -> None:
    check_not_disputed(paid)
    rest_kobo = left_kobo(paid, besides=refund)
    if refund.amount_kobo > rest_kobo:
        raise Refused(messages.only_left(rest_kobo), field="amount_kobo")
    there_kobo = balance_kobo(account) if account.is_customers else left_in_suspense(paid.first_id)
    if refund.amount_kobo > there_kobo:
        place = account.plan.name if account.plan else Kind(account.kind).label
        raise NotEnoughMoney(messages.holds_less(place, there_kobo))


def check_not_disputed(paid: Paid) -> None:
    """Raise Refused while a payment is disputed."""
    if Dispute.objects.filter(payment__transaction=paid.first_id, resolved_at=None).exists():
        raise Refused(messages.DISPUTED)


def set_aside(refund: Transaction, paid: Paid, account: Account) -> None:
    """Post the hold of a refund from an account, and take the interest on the money back."""
    from_plan_kobo = refund.amount_kobo if account == paid.plan_account else 0
    missing = forfeit_interest(refund, paid, amount_kobo=refund.amount_kobo, entry_kobo=from_plan_kobo)
    post(
        refund,
        Entry.Code.HOLD,
        debit=account,
        credit=house_account(Kind.REFUNDS_DUE),
        amount_kobo=refund.amount_kobo,
        value_on=paid.value_on,
    )
    collect_interest(refund, paid, missing)
