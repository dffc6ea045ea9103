"""Postings of interest: gross, the tax withheld, and the row of the period, for any number of accounts at once.

The monthly run posts thousands of plans with these few statements, and a maturity or a closing posts one with the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple, Self

from django.db import connection
from django.db.transaction import atomic
from django.utils import timezone

from savings.ledger import batches
from savings.ledger.accounts import house_account, stash_account
from savings.ledger.due_interest import DueAccount, Earned, due_accounts, earned
from savings.ledger.interest import Interest, divide
from savings.ledger.posting import lock_user
from savings.models import Account, Entry, InterestPosting, Plan, TaxRate, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES
from savings.money import INTEREST_DENOMINATOR

Kind = Transaction.Kind
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


class InterestHouse(NamedTuple):
    """What every posting of interest reads once: the house's two accounts, and the tax rates, newest first."""

    expense_id: int
    payable_id: int
    tax_rates: list[tuple[datetime.date, int]]

    @classmethod
    def read(cls) -> Self:
        rates = TaxRate.objects.order_by("-from_on").values_list("from_on", "rate_bps")
        kinds = Account.Kind.INTEREST_EXPENSE, Account.Kind.TAX_PAYABLE
        expense_id, payable_id = (house_account(kind).pk for kind in kinds)
        return cls(expense_id, payable_id, list(rates))

    def tax_rate_bps(self, day: datetime.date) -> int:
        """Return the rate of withholding tax of a day in basis points; 0 before the first rate."""
        return next((rate_bps for from_on, rate_bps in self.tax_rates if from_on <= day), 0)


class _Part(NamedTuple):
    """The interest of one account, and the account that it goes to, with its balance before."""

    account: DueAccount
    earned: Earned
    interest: Interest
    target_id: int
    before_kobo: int

    @property
    def to_plan(self) -> bool:
        return self.target_id == self.account.id


def post_interest(
    plan: Plan, *, until: datetime.date, to_stash: bool | None = None, value_on: datetime.date | None = None
) -> InterestPosting | None:
    """Post the interest of one plan up to the start of a day, and return the posting; None if that was done before.

    It goes to the plan or the stash, as the owner chose, unless `to_stash` is given. It counts from `value_on` on,
    which is `until` unless given; the rate of tax is that of this day. Amounts of 0 kobo have a posting and no
    transaction.
    """
    with atomic():
        lock_user(plan.user_id)
        stash_account(plan.user)
        accounts = due_accounts(Account.objects.filter(plan=plan))
        accounts = [one for one in accounts if one.posted_to is None or one.posted_to < until.toordinal()]
        post_accounts(
            accounts, InterestHouse.read(), until=until, value_on=value_on or until, to_stash=to_stash
        )
        if not accounts:
            return None
        return InterestPosting.objects.select_related("interest", "tax").get(
            account=accounts[0].id, period_end=until.toordinal()
        )


def post_last_interest(plan: Plan, today: datetime.date) -> InterestPosting | None:
    """Post the interest of a plan that closes to the stash, and return the posting; None if that was done before.

    It is all that was earned before today, or up to the maturity. What is below one kobo lapses.
    """
    ends = plan.matures_on if plan.at_maturity not in Plan.RENEWING else None
    with atomic():
        posting = post_interest(plan, until=min(today, ends or today), to_stash=True, value_on=today)
        Account.objects.filter(plan=plan).update(interest_due=None)
    return posting


def post_accounts(
    accounts: Sequence[DueAccount],
    house: InterestHouse,
    *,
    until: datetime.date,
    value_on: datetime.date,
    to_stash: bool | None = None,
) -> None:
    """Post the interest of accounts up to the start of a day, in eight statements. Their users are locked.

    Each account has none posted up to this day, and each owner has a stash account.
    """
    rate_bps = house.tax_rate_bps(value_on)
    found = earned(accounts, until=until, value_on=value_on)
    stashes = {one.stash_id: one.stash_kobo or 0 for one in accounts if one.stash_id is not None}
    parts = []
    for account in accounts:
        interest = divide(
            found[account.id].numerator, tax_rate_bps=rate_bps, tax_remainder=account.tax_remainder
        )
        target_id, before_kobo = account.id, account.balance_kobo
        if account.goes_to_stash if to_stash is None else to_stash:
            if account.stash_id is None:
                raise ValueError(f"User {account.user_id} has no stash.")
            target_id, before_kobo = account.stash_id, stashes[account.stash_id]
            # Several plans of one owner are posted one after the other.
            stashes[account.stash_id] += interest.net_kobo
        parts.append(_Part(account, found[account.id], interest, target_id, before_kobo))
    now = timezone.now()
    written = _write_transactions(parts, until, now)
    _change_balances(parts, until)
    _write_entries(parts, written, house, value_on, now)
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
    batches.execute(_WRITE_POSTINGS, _POSTING, rows, _moment(now), until.toordinal(), rate_bps)


def reference_of(kind: str, account_id: int, period_end: int) -> str:
    """Return the reference of the interest, or its tax, of an account and a period.

    It is made from both, so that a period that was posted can never be posted under another reference.
    """
    number = period_end << 63 | account_id
    return REFERENCE_PREFIXES[Kind(kind)] + "".join(
        CROCKFORD[(number >> shift) & 31] for shift in range(80, -5, -5)
    )


def _write_transactions(
    parts: Sequence[_Part], until: datetime.date, now: datetime.datetime
) -> dict[tuple[str, int], int]:
    """Write the transactions of interest, then those of tax, which are parts of them. Return their ids.

    The key is the kind and the id of the account.
    """
    written: dict[tuple[str, int], int] = {}
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


def _change_balances(parts: Sequence[_Part], until: datetime.date) -> None:
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


def _write_entries(
    parts: Sequence[_Part],
    written: dict[tuple[str, int], int],
    house: InterestHouse,
    value_on: datetime.date,
    now: datetime.datetime,
) -> None:
    rows: list[tuple[int | None, ...]] = []
    for account, _, interest, target_id, before_kobo in parts:
        gross_kobo, tax_kobo = interest.gross_kobo, interest.tax_kobo
        after_kobo = before_kobo + gross_kobo
        if gross_kobo:
            posted = written[Kind.INTEREST, account.id]
            rows.append((posted, house.expense_id, target_id, gross_kobo, None, after_kobo))
        if tax_kobo:
            withheld = written[Kind.TAX_WITHHELD, account.id]
            rows.append((withheld, target_id, house.payable_id, tax_kobo, after_kobo - tax_kobo, None))
    value_day = connection.ops.adapt_datefield_value(value_on)
    batches.execute(_WRITE_ENTRIES, _ENTRY, rows, str(Entry.Code.PRIMARY), _moment(now), value_day)


def _moment(now: datetime.datetime) -> object:
    return connection.ops.adapt_datetimefield_value(now)
