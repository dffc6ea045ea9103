"""Transactions: opening, posting, settling and reversing them. The only module that moves money.

Customers' accounts are what the house owes, so a credit adds to them and a debit takes away from them. Every public
function that writes locks the user's row first. That gives one lock order everywhere, and increments `User.version`,
the key of the user's cached pages, in the same commit as the money.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, cast

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone

from savings import installation, leaderboards, money
from savings.exceptions import SENT_OTHERWISE, BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import sql
from savings.ledger.accounts import stash_account
from savings.models import Account, Entry, Plan, Transaction, User


def open_transaction(
    *,
    reference: str,
    kind: str,
    user: User | None,
    amount_kobo: int,
    plan: Plan | None = None,
    reverses: Transaction | None = None,
) -> tuple[Transaction, bool]:
    """Return the transaction with this reference, and whether this call opened it (pending; no money has moved).

    The reference is the idempotency key: a repeat with the same details returns the existing transaction.
    Raises ReferenceTaken when the reference belongs to another user, kind, plan, amount or reversed transaction,
    BadAmount for an amount (kobo) out of range, and ImproperlyConfigured when the currency or time zone differs from
    what this database was used with.
    """
    check_amount(amount_kobo)
    with atomic():
        installation.confirm_settings()
        _lock_user(user)
        transaction, opened = Transaction.objects.get_or_create(
            reference=reference,
            defaults={
                "kind": kind,
                "user": user,
                "plan": plan,
                "amount_kobo": amount_kobo,
                "reverses": reverses,
            },
        )
    stored = (
        transaction.kind,
        transaction.user_id,
        transaction.plan_id,
        transaction.amount_kobo,
        transaction.reverses_id,
    )
    user_id, plan_id, reverses_id = (row.pk if row else None for row in (user, plan, reverses))
    if stored != (kind, user_id, plan_id, amount_kobo, reverses_id):
        raise ReferenceTaken(SENT_OTHERWISE)
    return transaction, opened


def change_status(
    transaction: Transaction, to: str, *, only_from: Iterable[str], failure_code: str = ""
) -> bool:
    """Move a transaction from one of the statuses `only_from` to another, and return whether this call moved it.

    False means that its status was a different one already; nothing has changed then. Raises ValueError for a status
    that needs a posting: `settle` and `reverse` set those.
    """
    only_from = list(only_from)
    if {to, *only_from} & {Transaction.Status.SUCCESS, Transaction.Status.REVERSED}:
        raise ValueError("A transaction becomes or stops being successful only together with its posting.")
    changes = {"status": to, "failure_code": failure_code}
    with atomic():
        _lock_user(transaction.user_id)
        if not _change_status(transaction, changes, only_from=only_from):
            return False
    _apply_after_commit(transaction, changes)
    return True


def post(transaction: Transaction, code: str, *, debit: Account, credit: Account, amount_kobo: int) -> bool:
    """Post a step of a transaction other than its primary one: move kobo from the debit to the credit account.

    Returns False, and changes nothing, when this step was posted before. Raises NotEnoughMoney when a customer's
    account would fall below zero (nothing has changed then), BadAmount for an amount out of range, and ValueError for
    the primary step, which `settle` posts.
    """
    if code == Entry.Code.PRIMARY:
        raise ValueError("The primary step is posted together with the success: use settle.")
    with atomic():
        _lock_user(transaction.user_id)
        try:
            with atomic():
                _post(
                    transaction,
                    code,
                    debit=debit,
                    credit=credit,
                    amount_kobo=amount_kobo,
                    now=timezone.now(),
                )
        except (IntegrityError, NotEnoughMoney):
            # An existing entry for this step proves that the step was posted before. Any other error is real.
            if Entry.objects.filter(transaction=transaction, code=code).exists():
                return False
            raise
    return True


def settle(
    transaction: Transaction,
    *,
    debit: Account,
    credit: Account,
    only_from: Iterable[str] = (Transaction.Status.PENDING,),
) -> bool:
    """Mark a transaction successful and post its amount in one commit, and return whether this call did.

    False means that its status is none of `only_from` any more; nothing has changed then. Raises NotEnoughMoney when
    a customer's account would fall below zero.
    """
    with atomic():
        _lock_user(transaction.user_id)
        now = timezone.now()
        if not sql.mark_successful(transaction, now, only_from=only_from):
            return False
        _post(
            transaction,
            Entry.Code.PRIMARY,
            debit=debit,
            credit=credit,
            amount_kobo=transaction.amount_kobo,
            now=now,
        )
    _apply_after_commit(
        transaction, {"status": Transaction.Status.SUCCESS, "failure_code": "", "settled_on": now}
    )
    return True


def reverse(transaction: Transaction, *, reference: str) -> Transaction:
    """Reverse a successful transaction by the opposite entry, and return the reversal, which is a transaction itself.

    A repeat with the same reference returns the first reversal. Raises NotEnoughMoney when the money has been moved
    on, and Refused when the transaction is not successful, is itself a reversal, or came out of a plan that is closed.
    """
    if transaction.kind == Transaction.Kind.REVERSAL:
        raise Refused("A reversal cannot be reversed.")
    changes = {"status": Transaction.Status.REVERSED}
    with atomic():
        _lock_user(transaction.user_id)
        # Read again under the lock: money meant for a plan may have been diverted to the stash.
        now = Transaction.objects.select_related("user", "plan").get(pk=transaction.pk)
        if not _change_status(transaction, changes, only_from=[Transaction.Status.SUCCESS]):
            earlier = Transaction.objects.filter(reverses=transaction, reference=reference).first()
            if earlier is None:
                raise Refused("Only a successful transaction can be reversed, and only once.")
            return earlier
        reversal, _ = open_transaction(
            reference=reference,
            kind=Transaction.Kind.REVERSAL,
            user=now.user,
            plan=now.plan,
            amount_kobo=now.amount_kobo,
            reverses=now,
        )
        entry = Entry.objects.select_related("debit_account__plan", "credit_account").get(
            transaction=transaction, code=Entry.Code.PRIMARY
        )
        if entry.debit_account.plan and entry.debit_account.plan.is_closed:
            raise Refused("The plan it came from is closed and takes no money back.")
        # A withdrawal that comes back is no longer on its way out: its money returns to the stash, not to the hold.
        is_held = entry.debit_account.kind == Account.Kind.HOLD
        back_to = stash_account(cast("User", now.user)) if is_held else entry.debit_account
        settle(reversal, debit=entry.credit_account, credit=back_to)
    _apply_after_commit(transaction, changes)
    return reversal


def check_amount(amount_kobo: int) -> None:
    """Raise BadAmount for an amount in kobo that is not above zero, or is above `money.MOST_KOBO`."""
    if amount_kobo <= 0:
        raise BadAmount("Enter an amount above zero.")
    if amount_kobo > money.MOST_KOBO:
        raise BadAmount("That is more money than there is. Enter a smaller amount.")


def _lock_user(user: User | int | None) -> None:
    """Lock the user's row until the end of the database transaction, and invalidate the user's cached pages."""
    if user is not None:
        User.objects.touch(user if isinstance(user, int) else user.pk)


def _change_status(transaction: Transaction, changes: dict[str, Any], *, only_from: Iterable[str]) -> bool:
    return bool(Transaction.objects.filter(pk=transaction.pk, status__in=list(only_from)).update(**changes))


def _apply_after_commit(transaction: Transaction, changes: dict[str, Any]) -> None:
    """Copy the changes to the instance after the atomic block, so an error in it never leaves it claiming success."""
    for name, value in changes.items():
        setattr(transaction, name, value)


def _post(
    transaction: Transaction,
    code: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    now: datetime.datetime,
) -> None:
    """Change the balances and write the entry, inside the caller's atomic block."""
    check_amount(amount_kobo)
    changed = _change_balances({debit: -amount_kobo, credit: amount_kobo}, timezone.localdate(now))
    sql.write_entry(
        transaction, code, debit=debit, credit=credit, amount_kobo=amount_kobo, changed=changed, now=now
    )
    # Circles are updated here because every change of a plan's balance passes this function.
    for account, change_kobo in ((debit, -amount_kobo), (credit, amount_kobo)):
        membership_id = changed[account].membership_id if account in changed else None
        if membership_id is not None:
            leaderboards.record_contribution(transaction, membership_id, change_kobo, now)


def _change_balances(changes: dict[Account, int], today: datetime.date) -> dict[Account, sql.Changed]:
    """Add kobo to customers' accounts, in ascending id so that two postings cannot deadlock.

    `today` is the date of the entry's `posted_at`, so that balance and entry fall on the same day at midnight.
    """
    customers = sorted((account for account in changes if account.is_customers), key=lambda a: a.pk)
    return {account: sql.change_balance(account, changes[account], today) for account in customers}
