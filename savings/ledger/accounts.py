"""Ledger accounts: opening them, reading their balances, and the interest they have accrued."""

from __future__ import annotations

import datetime
from typing import Protocol

from django.db import connection
from django.db.models import Max, Min, Q, Sum
from django.utils import timezone

from savings import installation, money
from savings.ledger.interest import next_due
from savings.models import Account, Entry, Plan, RatePeriod, User

# Written in SQL because every card payment runs it, and building the query with the ORM costs more than running it.
_COLUMNS = [field.attname for field in Account._meta.concrete_fields]
_HOUSE_ACCOUNT = (
    f"SELECT {', '.join(_COLUMNS)} FROM savings_account"  # noqa: S608 - column names of the model
    " WHERE kind = %s AND provider = %s AND user_id IS NULL"
)


def stash_account(user: User) -> Account:
    """Return the account of the user's stash. The first call opens it."""
    return Account.objects.get_or_create(
        user=user, kind=Account.Kind.STASH, plan=None, defaults={"balance_kobo": 0}
    )[0]


def hold_account(user: User) -> Account:
    """Return the account of the user's money that is on its way to a bank. The first call opens it."""
    return Account.objects.get_or_create(
        user=user, kind=Account.Kind.HOLD, plan=None, defaults={"balance_kobo": 0}
    )[0]


def open_plan_account(plan: Plan) -> Account:
    """Open the account of a new plan, with the plan's rate and the days on which it earns interest.

    The rate is 0 while the owner has switched interest off, for this plan or for all of them.
    Raises ImproperlyConfigured when the currency or time zone differs from what this database was used with.
    """
    installation.confirm_settings()
    # From the row, which the caller has locked: the instance may be older than the switch.
    wants_interest = User.objects.values_list("earns_interest", flat=True).get(pk=plan.user_id)
    rate_bps = plan.rate_bps if wants_interest and plan.earns_interest else 0
    account = Account.objects.create(
        kind=Account.Kind.PLAN,
        user=plan.user,
        plan=plan,
        balance_kobo=0,
        rate_bps=rate_bps,
        accrued_to=plan.started_on.toordinal(),
        accrues_until=_accrues_until(plan),
        interest_due=_interest_due(plan, plan.started_on),
    )
    RatePeriod.objects.create(account=account, from_day=account.accrued_to, rate_bps=rate_bps)
    return account


def day_of_opening(plan: Plan) -> datetime.date:
    """Return the day on which a plan's account opened. A plan that rolled over has a later start than its account."""
    first = RatePeriod.objects.filter(account__plan=plan).aggregate(day=Min("from_day"))["day"]
    if first is not None:
        return datetime.date.fromordinal(first)
    # The release before rate periods opened it.
    return min(plan.started_on, timezone.localdate(plan.created_at))


def interest_goes_to_stash(plan: Plan) -> bool:
    """Return whether monthly interest goes to the stash, as the owner chose. That of a plan in a circle always does.

    One query unless `plan.membership` is loaded.
    """
    return plan.interest_to == Plan.InterestTo.STASH or hasattr(plan, "membership")


def move_maturity(plan: Plan) -> None:
    """Copy the plan's maturity to its account, as the day on which it stops earning, and set the next due day.

    Only for a plan that has not matured yet. Its user must be locked.
    """
    account = Account.objects.get(plan=plan)
    posted_to = account.interest_postings.aggregate(day=Max("period_end"))["day"]
    due = _interest_due(plan, datetime.date.fromordinal(posted_to) if posted_to else plan.started_on)
    if posted_to is None and due is not None and due <= timezone.localdate().toordinal():
        # Interest from before the postings: `post_missed_interest` catches up.
        due = account.interest_due
    Account.objects.filter(pk=account.pk).update(accrues_until=_accrues_until(plan), interest_due=due)


def house_account(kind: str, place: str = "") -> Account:
    """Return the house's account of a kind. The first call opens it.

    `place` is the provider of clearing and provider balances, and the name of a bank account ("customers", "own").
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOUSE_ACCOUNT, [str(kind), place])
        row = cursor.fetchone()
    if row is not None:
        return Account.from_db(connection.alias, _COLUMNS, row)
    return Account.objects.get_or_create(kind=kind, provider=place, user=None, plan=None)[0]


def balance_kobo(account: Account) -> int:
    """Return the present balance of an account in kobo, positive on its normal side (`Account.is_debit_normal`).

    A customer's balance is read from its row; the balance of a house account is summed from its entries.
    """
    if account.is_customers:
        return Account.objects.values_list("balance_kobo", flat=True).get(pk=account.pk) or 0
    sums = Entry.objects.filter(Q(debit_account=account) | Q(credit_account=account)).aggregate(
        credits=Sum("amount_kobo", filter=Q(credit_account=account), default=0),
        debits=Sum("amount_kobo", filter=Q(debit_account=account), default=0),
    )
    surplus_kobo = int(sums["credits"] - sums["debits"])
    return -surplus_kobo if account.is_debit_normal else surplus_kobo


class Earning(Protocol):
    """The columns of an account from which its accrued interest is calculated."""

    @property
    def balance_kobo(self) -> int | None: ...
    @property
    def rate_bps(self) -> int: ...
    @property
    def accrued_numerator(self) -> int: ...
    @property
    def accrued_to(self) -> int: ...
    @property
    def accrues_until(self) -> int: ...


def accrued_numerator(account: Earning, day: datetime.date) -> int:
    """Return the interest numerator accrued up to the start of `day` and not yet posted.

    The unit is balance_kobo x rate_bps x days: simple interest, actual/365, on end-of-day balances.
    `savings.money.interest` turns it into kobo.
    """
    days = max(0, min(day.toordinal(), account.accrues_until) - account.accrued_to)
    return account.accrued_numerator + (account.balance_kobo or 0) * account.rate_bps * days


def accrued_kobo(account: Earning, day: datetime.date) -> int:
    """Return the interest accrued up to the start of `day` and not yet posted, in whole kobo, before tax."""
    return money.interest(accrued_numerator(account, day))


def _accrues_until(plan: Plan) -> int:
    # A plan that starts again earns without a break: its new term begins on the day on which the old one ends, even
    # when the task that renews the plan runs later.
    ends = plan.matures_on and plan.at_maturity not in Plan.RENEWING
    return (plan.matures_on if plan.matures_on and ends else datetime.date.max).toordinal()


def _interest_due(plan: Plan, posted_to: datetime.date) -> int | None:
    """Return the ordinal of the next due day of interest posted up to a day; None where it is the maturity."""
    due_on = next_due(posted_to, plan.matures_on) if plan.pays_monthly else None
    return due_on.toordinal() if due_on else None
