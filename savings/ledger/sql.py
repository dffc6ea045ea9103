"""The statements of a posting, in SQL: what the ledger does most often costs no more than its round trips.

SQL of our own for two reasons: Django's UPDATE returns no rows, so that what was just written would have to be asked
for, and building these few statements anew each time costs more than running them. Only
`savings.ledger.transactions` calls this, in an atomic block.
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
# Interest earned so far is brought forward in the same UPDATE: SQL computes it from the old balance. The condition
# is what guards the balance, since SQLite has no row locks.
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
_HOUSE_ACCOUNT = "SELECT id FROM savings_account WHERE kind = %s AND provider = %s AND user_id IS NULL"


class Changed(NamedTuple):
    """What an account holds after a change (kobo), and the membership whose circle it counts for, if any."""

    balance_kobo: int
    membership_id: int | None


def mark_successful(movement: Transaction, now: datetime.datetime, *, only_from: Iterable[str]) -> bool:
    """Make a transaction a success, if it is in one of those statuses; return whether it was."""
    statuses = list(only_from)
    statement = _SUCCEED.format(marks=", ".join(["%s"] * len(statuses)))
    with connection.cursor() as cursor:
        cursor.execute(statement, [Transaction.Status.SUCCESS.value, _moment(now), movement.pk, *statuses])
        return bool(cursor.rowcount)


def change_balance(account: Account, change_kobo: int, today: datetime.date) -> Changed:
    """Add kobo to a customer's account, or below zero take them away, on that day.

    Raises NotEnoughMoney, and has changed nothing, where too little is there.
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
    movement: Transaction,
    code: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    changed: dict[Account, Changed],
    now: datetime.datetime,
) -> None:
    """Write the entry, with what each customer's account holds after it (kobo). Raises IntegrityError for a second."""
    after = [changed[account].balance_kobo if account in changed else None for account in (debit, credit)]
    values = [movement.pk, str(code), debit.pk, credit.pk, amount_kobo, *after, _moment(now)]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_ENTRY, values)


def house_account_id(kind: str, provider: str) -> int | None:
    """Return the id of one of the house's accounts, or None where it is not open yet."""
    with connection.cursor() as cursor:
        cursor.execute(_HOUSE_ACCOUNT, [str(kind), provider])
        row = cursor.fetchone()
    return row[0] if row else None


def _moment(now: datetime.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)
