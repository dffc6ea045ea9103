"""The statements of a posting, written in SQL: a posting is the ledger's most frequent operation.

The ORM is not used for two reasons. Django's UPDATE cannot return the changed rows, so each new balance would need a
second query, and building these few statements costs the ORM more than running them. Only
`savings.ledger.posting` and `savings.ledger.transactions` call these functions, inside an atomic block.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from savings.exceptions import NotEnoughMoney
from savings.ledger.dialect import FUNCTIONS
from savings.models import Account, Transaction

if TYPE_CHECKING:
    from savings.ledger.posting import Posting

_SUCCEED = """
UPDATE savings_transaction SET status = %s, failure_code = '', settled_on = %s WHERE id = %s AND status IN ({marks})
"""
# The same UPDATE adds the interest accrued so far, which SQL calculates from the old balance. The condition on
# balance_kobo keeps the account from falling below zero: SQLite has no row locks.
_CHANGE_BALANCE = """
UPDATE savings_account SET
    accrued_numerator = accrued_numerator + balance_kobo * rate_bps * ({earning_to} - accrued_to){earned_before},
    accrued_to = {earning_to},
    balance_kobo = balance_kobo + %(change)s
WHERE id = %(id)s AND balance_kobo >= %(least)s {only}
RETURNING balance_kobo, (SELECT id FROM savings_membership WHERE plan_id = savings_account.plan_id)
"""
_EARNING_TO = "{greatest}(accrued_to, {least}(%(today)s, accrues_until))"
# Most changes count from today, and then nothing has accrued to a later day.
_NOT_BEYOND_TODAY = "AND accrued_to <= %(today)s"
# The interest of a change from its value day to the day up to which the account accrues: change x the sum of rate_bps x
# days over the rate periods. An account without periods has earned at one rate; see RatePeriod.
_EARNED_BEFORE = """ + %(change)s * (
        SELECT COALESCE(
            SUM(rate * {greatest}(0, {least}({earning_to}, until_day) - {greatest}(%(value_day)s, from_day))),
            savings_account.rate_bps * {greatest}(0, {earning_to} - %(value_day)s)
        )
        FROM (
            SELECT p.rate_bps AS rate, p.from_day,
                LEAD(p.from_day, 1, %(never)s) OVER (ORDER BY p.from_day) AS until_day
            FROM savings_rateperiod p WHERE p.account_id = savings_account.id
        ) periods
    )"""
_WRITE_ENTRIES = """
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo,
    debit_balance_kobo, credit_balance_kobo, posted_at, value_on)
VALUES {rows}
"""
_ROW = "(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


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


def change_balance(
    account: Account, change_kobo: int, *, today: datetime.date, value_on: datetime.date
) -> Changed:
    """Add kobo to a customer's account (a negative change takes them away), and return the new balance.

    The change earns interest from `value_on` on, which may be earlier than `today`. Raises NotEnoughMoney, and changes
    nothing, when the balance would fall below zero.
    """
    functions = FUNCTIONS[connection.vendor]
    earning_to = _EARNING_TO.format(**functions)
    values = {"change": change_kobo, "id": account.pk, "least": -change_kobo, "today": today.toordinal()}
    row = None
    if value_on >= today:
        statement = _CHANGE_BALANCE.format(earning_to=earning_to, earned_before="", only=_NOT_BEYOND_TODAY)
        row = _fetch(statement, values)
    if row is None:
        earned = _EARNED_BEFORE.format(earning_to=earning_to, **functions)
        statement = _CHANGE_BALANCE.format(earning_to=earning_to, earned_before=earned, only="")
        days = {"value_day": value_on.toordinal(), "never": datetime.date.max.toordinal()}
        row = _fetch(statement, values | days)
    if row is None:
        raise NotEnoughMoney
    return Changed(*row)


def write_entries(
    transaction: Transaction,
    postings: Iterable[Posting],
    *,
    before: dict[Account, int],
    now: datetime.datetime,
    value_on: datetime.date,
) -> None:
    """Write the entries of a transaction, in order, with each customer account's balance after them (kobo).

    `before` has the balances of the customers' accounts before all of them. Raises IntegrityError when the transaction
    has an entry for a step already.
    """
    balances = dict(before)
    values: list[Any] = []
    rows = 0
    for code, debit, credit, amount_kobo in postings:
        for account, change_kobo in ((debit, -amount_kobo), (credit, amount_kobo)):
            if account in balances:
                balances[account] += change_kobo
        after = [balances.get(account) for account in (debit, credit)]
        day = connection.ops.adapt_datefield_value(value_on)
        values += [transaction.pk, str(code), debit.pk, credit.pk, amount_kobo, *after, _moment(now), day]
        rows += 1
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_ENTRIES.format(rows=", ".join([_ROW] * rows)), values)


def _fetch(statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _moment(now: datetime.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)
