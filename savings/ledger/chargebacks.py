"""Chargebacks: the payer's bank takes a payment back through the provider, whatever is left of it."""

from __future__ import annotations

from django.db.transaction import atomic

from savings import outbox
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import balance_kobo, house_account, stash_account
from savings.ledger.corrections import collect_interest, forfeit_interest
from savings.ledger.families import settle_part
from savings.ledger.going_back import Paid, left_in_suspense, left_kobo, lock_payment, mark_if_all_is_back
from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Transaction

Kind = Transaction.Kind


def book_chargeback(payment: Transaction, *, reference: str, amount_kobo: int) -> Transaction:
    """Book that the provider gave a payment, or a part of it, back to the payer, and return the chargeback.

    The person owes the whole amount, and pays it in the same commit from what is left in the plan that the payment was
    credited to, then in the stash; money still in suspense pays first. The rest stays owed (`debts.receivable_kobo`).
    Interest on the money is taken back as well. So the booking never waits for money or for a person. A repeat with the
    same reference returns the first chargeback.

    Raises Refused when no money of the payment is booked, and when less of it is left; ReferenceTaken when the
    reference belongs to other details; BadAmount for an amount out of range.
    """
    with atomic():
        paid = lock_payment(credited_part(payment))
        earlier = Transaction.objects.filter(reference=reference).first()
        if earlier is not None:
            return _same_chargeback(earlier, paid, amount_kobo)
        chargeback, _ = open_transaction(
            reference=reference,
            kind=Kind.CHARGEBACK,
            user=paid.movement.user,
            plan=paid.movement.plan,
            amount_kobo=amount_kobo,
            refunds=paid.movement,
        )
        rest_kobo = left_kobo(paid, besides=chargeback)
        if not rest_kobo:
            raise Refused(messages.ALL_WENT_BACK)
        if amount_kobo > rest_kobo:
            raise Refused(messages.only_left(rest_kobo), field="amount_kobo")
        settle(
            chargeback,
            debit=house_account(Account.Kind.RECEIVABLE),
            credit=paid.clearing,
            value_on=paid.value_on,
        )
        recover(chargeback, paid)
        if chargeback.user_id is not None:
            outbox.recheck_autosaves(chargeback.user_id)
        mark_if_all_is_back(paid.movement)
    return chargeback


def credited_part(payment: Transaction) -> Transaction:
    """Return the part by which a payment in review was released from suspense; the payment itself without one.

    The person who was credited owes the money.
    """
    kinds = (Kind.TOP_UP, Kind.STASH_DEPOSIT, Kind.AUTOSAVE)
    released = payment.parts.filter(kind__in=kinds, status=Transaction.Status.SUCCESS)
    return released.order_by("-id").first() or payment


def _same_chargeback(earlier: Transaction, paid: Paid, amount_kobo: int) -> Transaction:
    first_id = earlier.refunds and (earlier.refunds.part_of_id or earlier.refunds_id)
    if (earlier.kind, earlier.amount_kobo, first_id) != (Kind.CHARGEBACK, amount_kobo, paid.first_id):
        raise ReferenceTaken(SENT_OTHERWISE)
    return earlier


def recover(chargeback: Transaction, paid: Paid) -> None:
    """Take what is left of a payment's money, with its interest, for the debt of the person.

    `chargeback` may be a refund that the provider has made already.
    """
    receivable = house_account(Account.Kind.RECEIVABLE)
    pieces = _pieces(chargeback, paid)
    from_plan_kobo = sum(kobo for account, kobo in pieces if account == paid.plan_account)
    missing = forfeit_interest(
        chargeback, paid, amount_kobo=chargeback.amount_kobo, entry_kobo=from_plan_kobo
    )
    for account, kobo in pieces:
        settle_part(
            chargeback,
            Kind.REPAYMENT,
            debit=account,
            credit=receivable,
            amount_kobo=kobo,
            plan=account.plan,
            value_on=paid.value_on,
        )
    collect_interest(chargeback, paid, missing)


def _pieces(chargeback: Transaction, paid: Paid) -> list[tuple[Account, int]]:
    """Return the accounts that pay a chargeback, with the kobo of each, and nothing that is not there."""
    user = paid.movement.user
    sources = [(house_account(Account.Kind.SUSPENSE), left_in_suspense(paid.first_id))]
    if paid.plan_account is not None:
        sources.append((paid.plan_account, balance_kobo(paid.plan_account)))
    if paid.account is not None and user is not None:
        stash = stash_account(user)
        sources.append((stash, balance_kobo(stash)))
    pieces, rest_kobo = [], chargeback.amount_kobo
    for account, there_kobo in sources:
        kobo = min(there_kobo, rest_kobo)
        if kobo > 0:
            pieces.append((account, kobo))
            rest_kobo -= kobo
    return pieces
