"""Reversals of internal movements: the opposite entry, under a transaction of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q
from django.db.transaction import atomic

from savings import money
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages, remittances
from savings.ledger.adjustments import goodwill_kobo
from savings.ledger.corrections import posted_interest
from savings.ledger.exits import give_share_back
from savings.ledger.families import reference_after
from savings.ledger.people import check_people, check_reason, is_posted_by
from savings.ledger.posting import apply_to_instance, change_columns, lock_user
from savings.ledger.transactions import open_transaction, settle
from savings.ledger.treasury import lock_treasury
from savings.models import Account, Entry, ManualPosting, Transaction, User

Kind = Transaction.Kind
# The columns of a transaction that was reversed.
REVERSED = {"status": Transaction.Status.REVERSED}
# The kinds that move money between accounts that only we keep.
REVERSIBLE_KINDS = (
    Kind.PLAN_TO_STASH,
    Kind.STASH_TO_PLAN,
    Kind.AUTOSAVE,
    Kind.INTEREST,
    Kind.TAX_WITHHELD,
    Kind.PENALTY,
    Kind.ADJUSTMENT,
)
# Accounts whose money is somewhere else too: at the provider or in a bank, or came from there and waits.
_CONFIRMED_ELSEWHERE = (
    Account.Kind.CLEARING,
    Account.Kind.PROVIDER_BALANCE,
    Account.Kind.BANK,
    Account.Kind.REFUNDS_DUE,
    Account.Kind.SUSPENSE,
)


def reverse(transaction: Transaction, *, reference: str) -> Transaction:
    """Reverse a successful internal movement and all parts of its family, and return the reversal of this one.

    Internal are moves between plan and stash, interest, tax, penalties and adjustments. Each is reversed by the
    opposite entry, dated today. Reversed interest counts as not yet posted again, and so does interest that an early
    exit forfeited. A repeat with the same reference returns the first reversal. Raises NotEnoughMoney when the money
    has been moved on, and Refused when a movement is not successful, is of another kind, touches money at the provider,
    in a bank or in suspense, came out of a plan that is closed, or is tax that was remitted already.
    """
    with atomic():
        lock_user(transaction.user_id)
        earlier = Transaction.objects.filter(reverses=transaction, reference=reference).first()
        if earlier is not None:
            return earlier
        first = transaction.part_of_id or transaction.pk
        family = Transaction.objects.select_related("user", "plan").filter(Q(pk=first) | Q(part_of=first))
        others = [one for one in family.order_by("id") if one.pk != transaction.pk]
        # Read again under the lock: money meant for a plan may have been diverted to the stash.
        movements = [family.get(pk=transaction.pk), *others]
        reversals = [
            _reverse_one(movement, reference_after(reference, place))
            for place, movement in enumerate(movements)
        ]
        for part in reversals[1:]:
            Transaction.objects.filter(pk=part.pk).update(part_of=reversals[0])
    apply_to_instance(transaction, REVERSED)
    return reversals[0]


def reverse_by_hand(
    transaction: Transaction, *, reference: str, asked_by: User, approved_by: User, reason: str
) -> Transaction:
    """Reverse an internal movement with its family on the word of two people of the staff; return its reversal.

    See `reverse` for what can be reversed. A repeat with the same reference returns the first reversal. Raises Refused
    unless two different people of the staff ask and approve, and as `reverse` does; ReferenceTaken when the reference
    belongs to other details.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    with atomic():
        lock_user(transaction.user_id)
        earlier = Transaction.objects.filter(reference=reference).first()
        if earlier is not None:
            if earlier.reverses_id != transaction.pk or not is_posted_by(earlier, details):
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        check_people(asked_by, approved_by)
        reversal = reverse(transaction, reference=reference)
        ManualPosting.objects.create(transaction=reversal, **details)
    return reversal


def _reverse_one(movement: Transaction, reference: str) -> Transaction:
    if movement.kind not in REVERSIBLE_KINDS:
        raise Refused(messages.NOT_REVERSIBLE.get(movement.kind, messages.CARD_NOT_REVERSIBLE))
    reversal = open_reversal(movement, reference)
    entry = primary_entry(movement)
    _check_entry(movement, entry)
    settle(reversal, debit=entry.credit_account, credit=entry.debit_account)
    if movement.kind == Kind.INTEREST and movement.plan_id is not None:
        # The reversed interest counts as earned and not yet posted.
        returned = movement.amount_kobo * money.INTEREST_DENOMINATOR
        accounts = Account.objects.filter(plan=movement.plan_id)
        accounts.update(accrued_numerator=F("accrued_numerator") + returned)
    if movement.kind == Kind.PLAN_TO_STASH:
        give_share_back(movement, reversal)
    return reversal


def _check_entry(movement: Transaction, entry: Entry) -> None:
    """Raise Refused when the opposite of the entry of a movement, which counts as reversed, cannot be posted."""
    if {entry.debit_account.kind, entry.credit_account.kind} & set(_CONFIRMED_ELSEWHERE):
        raise Refused(messages.CARD_NOT_REVERSIBLE)
    if entry.debit_account.plan and entry.debit_account.plan.is_closed:
        raise Refused(messages.PLAN_CLOSED)
    if entry.debit_account.kind == Account.Kind.GOODWILL and goodwill_kobo(movement.user) < entry.amount_kobo:
        raise Refused(messages.GOODWILL_GONE)
    if movement.kind == Kind.INTEREST and movement.plan_id is not None:
        account = Account.objects.get(plan=movement.plan_id)
        # Without this movement, which counts as reversed.
        if posted_interest(account).gross_kobo < 0:
            raise Refused(messages.INTEREST_GONE)
    if movement.kind == Kind.TAX_WITHHELD:
        lock_treasury()
        remittances.check_not_remitted(entry)


def open_reversal(movement: Transaction, reference: str) -> Transaction:
    """Mark a successful movement as reversed and open its reversal. Raises Refused when it is not successful."""
    if not change_columns(movement, REVERSED, only_from=[Transaction.Status.SUCCESS]):
        raise Refused(messages.REVERSIBLE_ONCE)
    reversal, _ = open_transaction(
        reference=reference,
        kind=Kind.REVERSAL,
        user=movement.user,
        plan=movement.plan,
        amount_kobo=movement.amount_kobo,
        reverses=movement,
    )
    return reversal


def primary_entry(movement: Transaction) -> Entry:
    """Return the primary entry of a settled transaction, with its accounts."""
    entries = Entry.objects.select_related("debit_account__plan", "credit_account")
    return entries.get(transaction=movement, code=Entry.Code.PRIMARY)
