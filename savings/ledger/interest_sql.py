"""The statements of a posting of interest: each writes or changes the rows of any number of accounts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from savings.ledger import batches
from savings.ledger.due_interest import DueAccount, Earned
from savings.ledger.interest import Interest
from savings.models import Entry, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES
from savings.money import INTEREST_DENOMINATOR

Kind = Transaction.Kind
# The ids of written transactions, by kind and the id of the account.
Written = dict[tuple[str, int], int]
_INTEGER, _TEXT = "bigint", "text"

_WRITE_TRANSACTIONS = """
INSERT INTO savings_transaction (kind, status, failure_code, created_on, settled_on,
    reference, amount_kobo, user_id, plan_id, part_of_id)
SELECT %s, 'success', '', %s, %s, reference, amount_kobo, user_id, plan_id, part_of_id FROM {batch}
RETURNING reference, id
"""
_TRANSACTION = {
    "reference": _TEXT,
    "amount_kobo": _INTEGER,
    "user_id": _INTEGER,
    "plan_id": _INTEGER,
    "part_of_id": _INTEGER,
}
_UPDATE_PLANS = """
UPDATE savings_account SET balance_kobo = batch.balance_kobo, accrued_numerator = batch.accrued_numerator,
    accrued_to = batch.accrued_to, tax_remainder = batch.tax_remainder, interest_due = batch.interest_due
FROM {batch} WHERE savings_account.id = batch.id AND savings_account.accrued_numerator = batch.was
    AND savings_account.balance_kobo = batch.held_kobo
RETURNING savings_account.id
"""
_PLAN = dict.fromkeys(
    (
        "id",
        "was",
        "held_kobo",
        "balance_kobo",
        "accrued_numerator",
        "accrued_to",
        "tax_remainder",
        "interest_due",
    ),
    _INTEGER,
)
_UPDATE_STASHES = """
UPDATE savings_account SET balance_kobo = batch.balance_kobo FROM {batch} WHERE savings_account.id = batch.id
"""
_WRITE_ENTRIES = """
INSERT INTO savings_entry (code, posted_at, value_on, transaction_id, debit_account_id, credit_account_id, amount_kobo,
    debit_balance_kobo, credit_balance_kobo)
SELECT %s, %s, %s, transaction_id, debit_account_id, credit_account_id, amount_kobo, debit_balance_kobo,
    credit_balance_kobo
FROM {batch}
"""
_ENTRY = dict.fromkeys(
    (
        "transaction_id",
        "debit_account_id",
        "credit_account_id",
        "amount_kobo",
        "debit_balance_kobo",
        "credit_balance_kobo",
    ),
    _INTEGER,
)
_WRITE_POSTINGS = """
INSERT INTO savings_interestposting (posted_at, period_end, tax_rate_bps, account_id, period_start, numerator,
    gross_kobo, remainder, tax_kobo, tax_remainder, interest_id, tax_id)
SELECT %s, %s, %s, account_id, period_start, numerator, gross_kobo, remainder, tax_kobo, tax_remainder, interest_id,
    tax_id
FROM {batch}
"""
_POSTING = dict.fromkeys(
    (
        "account_id",
        "period_start",
        "numerator",
        "gross_kobo",
        "remainder",
        "tax_kobo",
        "tax_remainder",
        "interest_id",
        "tax_id",
    ),
    _INTEGER,
)


class Part(NamedTuple):
    """The interest of one account, and the account that it goes to, with its balance before."""

    account: DueAccount
    earned: Earned
    interest: Interest
    target_id: int
    before_kobo: int

    @property
    def to_plan(self) -> bool:
        return self.target_id == self.account.id


def reference_of(kind: str, account_id: int, period_end: int) -> str:
    """Return the reference of the interest, or its tax, of an account and a period.

    It is made from both, so that a period that was posted can never be posted under another reference.
    """
    number = period_end << 63 | account_id
    return REFERENCE_PREFIXES[Kind(kind)] + "".join(
        CROCKFORD[(number >> shift) & 31] for shift in range(80, -5, -5)
    )


def write_transactions(parts: Sequence[Part], until: datetime.date, now: datetime.datetime) -> Written:
    """Write the transactions of interest, then those of tax, which are parts of them. Return their ids.

    The key is the kind and the id of the account.
    """
    written: Written = {}
    for kind in (Kind.INTEREST, Kind.TAX_WITHHELD):
        amounts = {
            reference_of(kind, part.account.id, until.toordinal()): (part.account, amount_kobo)
            for part in parts
            if (amount_kobo := part.interest.gross_kobo if kind == Kind.INTEREST else part.interest.tax_kobo)
        }
        rows = [
            (reference, amount_kobo, one.user_id, one.plan_id, written.get((Kind.INTEREST, one.id)))
            for reference, (one, amount_kobo) in amounts.items()
        ]
        moment = _moment(now)
        ids = batches.execute(_WRITE_TRANSACTIONS, _TRANSACTION, rows, str(kind), moment, moment)
        written |= {(kind, amounts[reference][0].id): pk for reference, pk in ids}
    return written


def change_balances(parts: Sequence[Part], until: datetime.date) -> None:
    """Take the interest from the accounts' numerators, and add it to the accounts that it goes to."""
    rows, stashes = [], {}
    for account, state, interest, target_id, before_kobo in parts:
        net_kobo = interest.net_kobo if target_id == account.id else 0
        if target_id != account.id:
            stashes[target_id] = before_kobo + interest.net_kobo
        rows.append(
            (
                account.id,
                account.accrued_numerator,
                account.balance_kobo,
                account.balance_kobo + net_kobo,
                state.stored - interest.gross_kobo * INTEREST_DENOMINATOR + net_kobo * state.rate_days,
                state.accrued_to,
                interest.tax_remainder,
                account.due_after(until),
            )
        )
    # The condition proves that the rows are those that were read under the lock.
    if len(batches.execute(_UPDATE_PLANS, _PLAN, rows)) != len(rows):
        raise RuntimeError("An account changed while its interest was posted.")
    batches.execute(
        _UPDATE_STASHES,
        {"id": _INTEGER, "balance_kobo": _INTEGER},
        [list(stash) for stash in stashes.items()],
    )


def write_entries(
    parts: Sequence[Part],
    written: Written,
    *,
    expense_id: int,
    payable_id: int,
    value_on: datetime.date,
    now: datetime.datetime,
) -> None:
    rows: list[tuple[int | None, ...]] = []
    for account, _, interest, target_id, before_kobo in parts:
        gross_kobo, tax_kobo = interest.gross_kobo, interest.tax_kobo
        after_kobo = before_kobo + gross_kobo
        if gross_kobo:
            posted = written[Kind.INTEREST, account.id]
            rows.append((posted, expense_id, target_id, gross_kobo, None, after_kobo))
        if tax_kobo:
            withheld = written[Kind.TAX_WITHHELD, account.id]
            rows.append((withheld, target_id, payable_id, tax_kobo, after_kobo - tax_kobo, None))
    value_day = connection.ops.adapt_datefield_value(value_on)
    batches.execute(_WRITE_ENTRIES, _ENTRY, rows, str(Entry.Code.PRIMARY), _moment(now), value_day)


def write_postings(
    parts: Sequence[Part],
    written: Written,
    until: datetime.date,
    *,
    tax_rate_bps: int,
    now: datetime.datetime,
) -> None:
    """Write the row of each account's period."""
    rows = [
        (
            part.account.id,
            part.account.period_start,
            part.earned.numerator,
            part.interest.gross_kobo,
            part.interest.remainder,
            part.interest.tax_kobo,
            part.interest.tax_remainder,
            written.get((Kind.INTEREST, part.account.id)),
            written.get((Kind.TAX_WITHHELD, part.account.id)),
        )
        for part in parts
    ]
    batches.execute(_WRITE_POSTINGS, _POSTING, rows, _moment(now), until.toordinal(), tax_rate_bps)


def _moment(now: datetime.datetime) -> object:
    return connection.ops.adapt_datetimefield_value(now)
