"""The statements of a posting, written in SQL: a posting is the ledger's most frequent operation.

The ORM is not used for two reasons. Django's UPDATE cannot return the changed rows, so each new balance would need a
second query, and building these few statements costs the ORM more than running them. Only
`savings.ledger.transactions` calls these functions, inside an atomic block.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection

from savings.exceptions import NotEnoughMoney
from savings.models import Account, Transaction

_SUCCEED = """
UPDATE savings_transaction SET status = %s, failure_code = '', settled_on = %s WHERE id = %s AND status IN ({marks})
"""
# The same UPDATE adds the interest accrued so far, which SQL calculates from the old balance. The condition on
# balance_kobo keeps the account from falling below zero: SQLite has no row locks.
_CHANGE_BALANCE = """
UPDATE savings_account SET
    accrued_numerator = accrued_numerator + balance_kobo * rate_bps * ({earning_to} - accrued_to),
    accrued_to = {earning_to},
    balance_kobo = balance_kobo + %(change)s
WHERE id = %(id)s AND balance_kobo >= %(least)s
RETURNING balance_kobo, (SELECT id FROM savings_membership WHERE plan_id = savings_account.plan_id)
"""
_EARNING_TO = {
    "postgresql": "GREATEST(accrued_to, LEAST(%(today)s, accrues_until))",
    "sqlite": "MAX(accrued_to, MIN(%(today)s, accrues_until))",
}
_WRITE_ENTRY = """
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo,
    debit_balance_kobo, credit_balance_kobo, posted_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


class Changed(NamedTuple):
    """An account's balance after a change (kobo), and the membership of its plan where the plan is in a circle."""

    balance_kobo: int
    membership_id: int | None


def mark_successful(transaction: Transaction, now: datetime.datetime, *, only_from: Iterable[str]) -> bool:
    """Mark a transaction successful if its status is one of `only_from`, and return whether it was."""
    statuses = list(only_from)
    statement = _SUCCEED.format(marks=", ".join(["%s"] * len(statuses)))
    with connection.cursor() as cursor:
        cursor.execute(statement, [Transaction.Status.SUCCESS.value, _moment(now), transaction.pk, *statuses])
        return bool(cursor.rowcount)


def change_balance(account: Account, change_kobo: int, today: datetime.date) -> Changed:
    """Add kobo to a customer's account on a day (a negative change takes them away), and return the new balance.

    Raises NotEnoughMoney, and changes nothing, when the balance would fall below zero.
    """
    statement = _CHANGE_BALANCE.format(earning_to=_EARNING_TO[connection.vendor])
    values = {"change": change_kobo, "id": account.pk, "least": -change_kobo, "today": today.toordinal()}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        raise NotEnoughMoney
    return Changed(*row)


def write_entry(
    transaction: Transaction,
    code: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    changed: dict[Account, Changed],
    now: datetime.datetime,
) -> None:
    """Write the entry, with each customer account's balance after it (kobo).

    Raises IntegrityError when the transaction has an entry for this step already.
    """
    after = [changed[account].balance_kobo if account in changed else None for account in (debit, credit)]
    values = [transaction.pk, str(code), debit.pk, credit.pk, amount_kobo, *after, _moment(now)]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_ENTRY, values)


def _moment(now: datetime.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)
