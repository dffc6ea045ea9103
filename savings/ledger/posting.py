"""The steps that every movement of money shares: lock the user, change the status, change balances, write entries.

Only this package calls these functions, inside an atomic block. Every public function that writes locks the user's row
first. That gives one lock order everywhere, and increments `User.version`, the key of the user's cached pages, in the
same commit as the money.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.utils import timezone

from savings import leaderboards, money
from savings.exceptions import BadAmount
from savings.ledger import sql
from savings.models import Account, Transaction, User


class Posting(NamedTuple):
    """One step to post: a code, the debited and the credited account, and an amount in kobo."""

    code: str
    debit: Account
    credit: Account
    amount_kobo: int


def check_amount(amount_kobo: int) -> None:
    """Raise BadAmount for an amount in kobo that is not above zero, or is above `money.MOST_KOBO`."""
    if amount_kobo <= 0:
        raise BadAmount(money.NOT_ABOVE_ZERO)
    if amount_kobo > money.MOST_KOBO:
        raise BadAmount(money.too_large(money.MOST_KOBO))


def lock_user(user: User | int | None) -> None:
    """Lock the user's row until the end of the database transaction, and invalidate the user's cached pages."""
    if user is not None:
        User.objects.touch(user if isinstance(user, int) else user.pk)


def change_columns(transaction: Transaction, changes: dict[str, Any], *, only_from: Iterable[str]) -> bool:
    """Change columns of a transaction if its status is one of `only_from`, and return whether it was."""
    return bool(Transaction.objects.filter(pk=transaction.pk, status__in=list(only_from)).update(**changes))


def apply_to_instance(transaction: Transaction, changes: dict[str, Any]) -> None:
    """Copy the changes to the instance after the atomic block, so an error in it never leaves it claiming success."""
    for name, value in changes.items():
        setattr(transaction, name, value)


def bring_forward(account: Account) -> None:
    """Add the interest of the days before today to a customer's account, and read its row again."""
    today = timezone.localdate()
    sql.change_balance(account, 0, today=today, value_on=today)
    account.refresh_from_db()


def write_postings(
    transaction: Transaction,
    postings: Sequence[Posting],
    *,
    now: datetime.datetime,
    value_on: datetime.date | None,
) -> None:
    """Change the balances and write the entries. `value_on` is the first day that they earn interest; None is today.

    An account may occur in several postings. They are entered in the given order: credits of a customer's account come
    before its debits where the balance would be below zero in between.
    """
    today = timezone.localdate(now)
    value_on = today if value_on is None else value_on
    changes: dict[Account, int] = {}
    for _, debit, credit, amount_kobo in postings:
        check_amount(amount_kobo)
        for account, change_kobo in ((debit, -amount_kobo), (credit, amount_kobo)):
            changes[account] = changes.get(account, 0) + change_kobo
    # In ascending id, so that two postings cannot deadlock. `today` is the date of the entry's `posted_at`, so that
    # balance and entry fall on the same day at midnight.
    customers = sorted(
        (account for account in changes if account.is_customers), key=lambda account: account.pk
    )
    changed = {
        account: sql.change_balance(account, changes[account], today=today, value_on=value_on)
        for account in customers
    }
    before = {account: changed[account].balance_kobo - changes[account] for account in customers}
    sql.write_entries(transaction, postings, before=before, now=now, value_on=value_on)
    # Circles are updated here because every change of a plan's balance passes this function.
    for account in customers:
        membership_id = changed[account].membership_id
        if membership_id is not None:
            leaderboards.record_contribution(transaction, membership_id, changes[account], now)
