"""Postings of interest: gross, the tax withheld, and the row of the period, for any number of accounts at once.

The monthly run posts thousands of plans with these few statements, and a maturity or a closing posts one with the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple, Self

from django.db.transaction import atomic
from django.utils import timezone

from savings.ledger import interest_sql
from savings.ledger.accounts import house_account, stash_account
from savings.ledger.due_interest import DueAccount, due_accounts, earned
from savings.ledger.interest import divide
from savings.ledger.interest_sql import Part
from savings.ledger.posting import lock_user
from savings.ledger.rates import TaxRates
from savings.models import Account, InterestPosting, Plan


class InterestHouse(NamedTuple):
    """The house's two accounts and the tax rates, which a run of postings reads once."""

    expense_id: int
    payable_id: int
    tax_rates: TaxRates

    @classmethod
    def read(cls) -> Self:
        expense_id, payable_id = (
            house_account(kind).pk for kind in (Account.Kind.INTEREST_EXPENSE, Account.Kind.TAX_PAYABLE)
        )
        return cls(expense_id, payable_id, TaxRates.read())


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
    rate_bps = house.tax_rates.on(value_on)
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
        parts.append(Part(account, found[account.id], interest, target_id, before_kobo))
    now = timezone.now()
    written = interest_sql.write_transactions(parts, until, now)
    interest_sql.change_balances(parts, until)
    interest_sql.write_entries(
        parts,
        written,
        expense_id=house.expense_id,
        payable_id=house.payable_id,
        value_on=value_on,
        now=now,
    )
    interest_sql.write_postings(parts, written, until, tax_rate_bps=rate_bps, now=now)
