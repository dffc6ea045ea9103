"""The figures of a saver's dashboard and list of plans: balances, their history and growth, and coming maturities."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from savings import autosave, calendar, dates, ledger
from savings.models import Account, Entry, Plan, TaxRate, Transaction, User
from savings.models.circles import shares_rank
from savings.models.local_days import start_of
from savings.models.plans import EarlyExit, InterestPaid
from savings.prepared_queries import prepared

# A line chart as wide as a phone cannot show more points.
MAX_POINTS = 60
_UPCOMING = 3
# The growth of a plan is that of the last 30 days, of the 30 before, and of the last 90 as its pace.
GROWTH_DAYS = (30, 60, 90)


class Saving(NamedTuple):
    """A plan with its balance and accrued interest, as lists show it. Amounts are in kobo.

    It is a row of the single query for all of a user's plans, and fits `ledger.accrued_kobo`.
    """

    pk: int
    name: str
    product_name: str
    product_kind: str
    early_exit: str
    target_kobo: int | None
    started_on: datetime.date
    matures_on: datetime.date | None
    closed_at: datetime.datetime | None
    final_rank: int | None
    # Of the circle that the plan belongs or belonged to.
    membership_id: int | None
    # The end of that circle.
    circle_ends_on: datetime.date | None
    balance_kobo: int
    rate_bps: int
    accrued_numerator: int
    accrued_to: int
    accrues_until: int
    tax_remainder: int
    created_at: datetime.datetime
    interest_paid: str
    notice_hours: int
    account_id: int
    # The next date, the day of the month and the announced sum of the auto-save that pays what the goal needs.
    fill_on: datetime.date | None = None
    fill_day: int | None = None
    fill_kobo: int | None = None
    # Whether others in the circle share the rank.
    shares_rank: bool = False
    # The rate of tax on interest that is posted on the first of the next month.
    next_tax_bps: int = 0

    @classmethod
    def from_plan(cls, plan: Plan) -> Saving:
        """Return the same for a loaded plan. Reads `plan.account` and `plan.membership`.

        Load it with `autosave.filling_columns`, or the auto-save that fills it is left out, and with
        `shares_rank`, or its rank in a circle is shown as its own. It has no rate of tax.
        """
        account = plan.account
        return cls(
            pk=plan.pk,
            name=plan.name,
            product_name=plan.product_name,
            product_kind=plan.product_kind,
            early_exit=plan.early_exit,
            target_kobo=plan.target_kobo,
            started_on=plan.started_on,
            matures_on=plan.matures_on,
            closed_at=plan.closed_at,
            final_rank=plan.membership.final_rank if hasattr(plan, "membership") else None,
            membership_id=plan.membership.pk if hasattr(plan, "membership") else None,
            circle_ends_on=plan.membership.circle.ends_on if hasattr(plan, "membership") else None,
            balance_kobo=account.balance_kobo or 0,
            rate_bps=account.rate_bps,
            accrued_numerator=account.accrued_numerator,
            accrued_to=account.accrued_to,
            accrues_until=account.accrues_until,
            tax_remainder=account.tax_remainder,
            created_at=plan.created_at,
            interest_paid=plan.interest_paid,
            notice_hours=plan.notice_hours,
            account_id=account.pk,
            fill_on=plan.fill_on,
            fill_day=plan.fill_day,
            fill_kobo=plan.fill_kobo,
            shares_rank=getattr(plan, "shares_rank", False),
        )

    @property
    def opened_on(self) -> datetime.date:
        """The day the plan was opened; `started_on` is the start of its present term."""
        return timezone.localdate(self.created_at)

    def is_matured(self, today: datetime.date) -> bool:
        return self.matures_on is not None and self.matures_on <= today

    def interest_kobo(self, first: datetime.date) -> int:
        """Return the interest after tax that is posted on the first of the next month, if no money comes or goes.

        0 for a plan that pays it at its maturity, see `Plan.pays_monthly`.
        """
        is_monthly = self.interest_paid == InterestPaid.MONTHLY or self.matures_on is None
        if not is_monthly or self.is_matured(first):
            return 0
        return ledger.expected_kobo(self, first, tax_rate_bps=self.next_tax_bps)


# The columns of an account and its plan, in the order of the fields of Saving, without the account's id and the
# annotations.
_COLUMNS = (
    "plan_id",
    "plan__name",
    "plan__product_name",
    "plan__product_kind",
    "plan__early_exit",
    "plan__target_kobo",
    "plan__started_on",
    "plan__matures_on",
    "plan__closed_at",
    "plan__membership__final_rank",
    "plan__membership__id",
    "plan__membership__circle__ends_on",
    "balance_kobo",
    "rate_bps",
    "accrued_numerator",
    "accrued_to",
    "accrues_until",
    "tax_remainder",
    "plan__created_at",
    "plan__interest_paid",
    "plan__notice_hours",
)


@dataclasses.dataclass(frozen=True)
class Holdings:
    """A user's accounts at one moment. Amounts are in kobo; plans are newest first."""

    stash_kobo: int
    on_hold_kobo: int
    plans: list[Saving]
    closed_plans: list[Saving]
    # All accounts, including those of closed plans: a move between two accounts does not change the total.
    account_ids: list[int]

    @property
    def total_kobo(self) -> int:
        return self.stash_kobo + self.on_hold_kobo + sum(plan.balance_kobo for plan in self.plans)


class Upcoming(NamedTuple):
    """What happens next without the user, as the calendar has it: an auto-save, a notice, interest or a maturity.

    `amount_kobo` of a maturity is the present balance, not a forecast. Interest is after tax, if no money comes or goes
    until then. An auto-save has none where its amount follows the goal, and a notice none if it costs a penalty.
    `names` are those of the plans, and empty for an auto-save into the stash.
    """

    day: datetime.date
    kind: calendar.Kind
    names: list[str]
    amount_kobo: int | None = None


def holdings(user: User) -> Holdings:
    """Return the user's balances and plans, in one query."""
    account_ids, balances, savings = [], {}, []
    for account_id, kind, *values in _accounts(user.pk, dates.next_first(timezone.localdate())):
        account_ids.append(account_id)
        if kind == Account.Kind.PLAN:
            columns, filled = values[: len(_COLUMNS)], values[len(_COLUMNS) :]
            savings.append(Saving._make([*columns, account_id, *filled]))
        else:
            balances[kind] = values[_COLUMNS.index("balance_kobo")]
    return Holdings(
        stash_kobo=balances.get(Account.Kind.STASH) or 0,
        on_hold_kobo=balances.get(Account.Kind.HOLD) or 0,
        plans=[saving for saving in savings if saving.closed_at is None],
        closed_plans=[saving for saving in savings if saving.closed_at is not None],
        account_ids=account_ids,
    )


@prepared
def _accounts(user_id: int, next_first: datetime.date) -> QuerySet[Account, Any]:
    taxes = TaxRate.objects.filter(from_on__lte=next_first).order_by("-from_on")
    filled = autosave.filling_columns("plan_id") | {
        "shares_rank": shares_rank("plan__membership__"),
        "next_tax_bps": Coalesce(Subquery(taxes.values("rate_bps")[:1]), 0),
    }
    accounts = Account.objects.filter(user=user_id).annotate(**filled)
    return accounts.order_by("-plan_id").values_list("pk", "kind", *_COLUMNS, *filled)


def history(
    *, total_kobo: int, since: datetime.date | None, today: datetime.date, account_ids: Collection[int]
) -> list[tuple[datetime.date, int]]:
    """Return the end-of-day total (kobo) of the accounts from `since` to today, at most MAX_POINTS days.

    `total_kobo` is their present total. Two queries return the credits and the debits of each day, which are
    subtracted from the present total backwards; moves between the accounts cancel out. `since` None means from the
    first entry.
    """
    change: Counter[datetime.date] = Counter()
    for side, sign in (("credit_account", 1), ("debit_account", -1)):
        # Ids and not a subquery: half of all entries debit a single house account. PostgreSQL does not know which
        # accounts a subquery will return, and then reads the whole table.
        entries = Entry.objects.filter(**{f"{side}__in": account_ids})
        if since is not None:
            entries = entries.filter(posted_at__gte=start_of(since))
        daily = entries.annotate(day=TruncDate("posted_at")).values("day").order_by("day")
        for row in daily.annotate(sum_kobo=Sum("amount_kobo")):
            change[row["day"]] += sign * row["sum_kobo"]
    first = since or min(change, default=today)
    points = []
    for days in range((today - first).days + 1):
        day = today - datetime.timedelta(days=days)
        points.append((day, total_kobo))
        total_kobo -= change[day]
    return _thinned(points)[::-1]


class Growth(NamedTuple):
    """The kobo by which a plan's balance grew in recent days: payments and interest less what left it."""

    month_kobo: int = 0
    month_before_kobo: int = 0
    pace_kobo: int = 0


def recent_growth(account_ids: Collection[int], today: datetime.date) -> dict[int, Growth]:
    """Return the growth of accounts by their id, in one query; an account without recent entries is left out."""
    sums: dict[int, list[int]] = {}
    sides = (
        _changes("credit_account", 1, account_ids, today),
        _changes("debit_account", -1, account_ids, today),
    )
    for account_id, sign, *changes in sides[0].union(sides[1], all=True) if account_ids else ():
        before = sums.get(account_id, [0, 0, 0])
        sums[account_id] = [kobo + sign * int(change) for kobo, change in zip(before, changes, strict=True)]
    return {
        account_id: Growth(month, two_months - month, pace)
        for account_id, (month, two_months, pace) in sums.items()
    }


def moved_out_kobo(plans: Iterable[Saving]) -> dict[int, int]:
    """Return what was moved from plans to the stash in all, in kobo, by their id, in one query."""
    ids = [plan.pk for plan in plans]
    moves = Transaction.objects.filter(
        plan__in=ids, kind=Transaction.Kind.PLAN_TO_STASH, status=Transaction.Status.SUCCESS
    )
    return dict(moves.values_list("plan").annotate(Sum("amount_kobo")).order_by()) if ids else {}


def upcoming(user_id: int, plans: list[Saving], today: datetime.date) -> list[Upcoming]:
    """Return the next three dates of a user, earliest first. One query. `plans` are the user's open plans."""
    maturities = [
        Upcoming(plan.matures_on, calendar.Kind.MATURITY, [plan.name], plan.balance_kobo)
        for plan in plans
        if plan.matures_on and plan.matures_on > today
    ]
    by_id = {plan.pk: plan for plan in plans}
    dates = [_of_date(row, by_id, today) for row in calendar.next_dates(user_id, _UPCOMING)]
    found = [*maturities, *_next_interest(plans, today), *(one for one in dates if one)]
    return sorted(found, key=lambda item: item.day)[:_UPCOMING]


def _of_date(row: calendar.NextDate, plans: dict[int, Saving], today: datetime.date) -> Upcoming | None:
    """Return a date of an auto-save or a notice; None for a notice that ends with the term of its plan before."""
    day, names = max(row.day, today), [row.plan_name] if row.plan_name else []
    if row.rule_id is not None:
        return Upcoming(day, calendar.Kind.AUTOSAVE, names, row.amount_kobo)
    plan = plans.get(row.plan_id or 0)
    if plan is None or plan.is_matured(day):
        return None
    arrives_kobo = min(row.amount_kobo or 0, plan.balance_kobo)
    has_penalty = plan.early_exit == EarlyExit.PENALTY
    return Upcoming(day, calendar.Kind.NOTICE, names, None if has_penalty else arrives_kobo)


def _next_interest(plans: list[Saving], today: datetime.date) -> list[Upcoming]:
    """Return the posting on the first of the next month as one date, for all plans that have one."""
    first = dates.next_first(today)
    sums = [(plan.name, kobo) for plan in plans if (kobo := plan.interest_kobo(first))]
    names = [name for name, _ in sums]
    return [Upcoming(first, calendar.Kind.INTEREST, names, sum(kobo for _, kobo in sums))] if sums else []


def accrued_kobo(plans: list[Saving], today: datetime.date) -> int:
    """Return the interest that these plans have accrued and not been paid, in kobo, before tax."""
    return sum(ledger.accrued_kobo(plan, today) for plan in plans)


def _changes(
    side: str, sign: int, account_ids: Collection[int], today: datetime.date
) -> QuerySet[Entry, Any]:
    """Return for each account the sums of its recent entries on one side, for each length of `GROWTH_DAYS`."""
    starts = [start_of(today - datetime.timedelta(days=days)) for days in GROWTH_DAYS]
    sums = {
        f"kobo_{number}": Sum("amount_kobo", filter=Q(posted_at__gte=start), default=0)
        for number, start in enumerate(starts)
    }
    entries = Entry.objects.filter(**{f"{side}__in": account_ids, "posted_at__gte": starts[-1]})
    grouped = entries.order_by().annotate(account=F(side), sign=Value(sign)).values("account", "sign")
    return grouped.annotate(**sums).values_list("account", "sign", *sums)


def _thinned(points: list[tuple[datetime.date, int]]) -> list[tuple[datetime.date, int]]:
    """Return every n-th point starting with the first, and always the last one."""
    step = -(-len(points) // MAX_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]
