"""What a saver has in all: the sum, how it grew, and what happens next."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Collection

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from savings import ledger, money
from savings.models import Account, Entry, Plan, User

# A line chart of a phone's width shows no more.
MOST_POINTS = 60


@dataclasses.dataclass(frozen=True)
class Holdings:
    """A person's accounts at one moment, in kobo."""

    stash_kobo: int
    on_hold_kobo: int
    plans: list[Plan]
    # All of them, those of closed plans too: what moved between two is no change of the whole.
    account_ids: list[int]

    @property
    def total_kobo(self) -> int:
        return (
            self.stash_kobo + self.on_hold_kobo + sum(plan.account.balance_kobo or 0 for plan in self.plans)
        )


@dataclasses.dataclass(frozen=True)
class Upcoming:
    """Something that will happen by itself. `amount_kobo` is what is there by now, not a forecast."""

    plan: Plan
    day: datetime.date
    amount_kobo: int


def holdings(user: User) -> Holdings:
    """Return what the user has and their open plans with products and accounts, in two queries."""
    accounts = list(Account.objects.filter(user=user).values_list("pk", "kind", "balance_kobo"))
    balances = {kind: balance_kobo for _, kind, balance_kobo in accounts if kind != Account.Kind.PLAN}
    return Holdings(
        stash_kobo=balances.get(Account.Kind.STASH) or 0,
        on_hold_kobo=balances.get(Account.Kind.HOLD) or 0,
        plans=list(user.plans.open().with_balance().order_by("-id")),
        account_ids=[pk for pk, _, _ in accounts],
    )


def history(
    *, total_kobo: int, since: datetime.date | None, today: datetime.date, account_ids: Collection[int]
) -> list[tuple[datetime.date, int]]:
    """Return the end-of-day sum (kobo) of some accounts from a day to today, thinned to what a chart can show.

    `total_kobo` is their sum now. Two queries, one row a day each: what came in and what went out, taken off the sum
    of today backwards; a move among them cancels out. `since` None: all there is.
    """
    change: Counter[datetime.date] = Counter()
    for side, sign in (("credit_account", 1), ("debit_account", -1)):
        # Their ids and not a subquery: half of all entries debit one account of the house, so that PostgreSQL, not
        # knowing which accounts it will find, reads the whole table.
        entries = Entry.objects.filter(**{f"{side}__in": account_ids})
        if since is not None:
            entries = entries.filter(posted_at__gte=_start_of(since))
        daily = entries.annotate(day=TruncDate("posted_at")).values("day").order_by("day")
        for line in daily.annotate(sum_kobo=Sum("amount_kobo")):
            change[line["day"]] += sign * line["sum_kobo"]
    first = since or min(change, default=today)
    points = []
    for days in range((today - first).days + 1):
        day = today - datetime.timedelta(days=days)
        points.append((day, total_kobo))
        total_kobo -= change[day]
    return _thinned(points)[::-1]


def upcoming(plans: list[Plan], today: datetime.date) -> list[Upcoming]:
    """Return the next three maturities among a person's plans, soonest first."""
    coming = [
        Upcoming(plan, plan.matures_on, plan.account.balance_kobo or 0)
        for plan in plans
        if plan.matures_on and plan.matures_on > today
    ]
    return sorted(coming, key=lambda item: item.day)[:3]


def accrued_kobo(plans: list[Plan], today: datetime.date) -> int:
    """Return the interest these plans have earned so far and not been paid, in kobo, before tax."""
    return sum(money.interest(ledger.accrued_numerator(plan.account, today)) for plan in plans)


def _thinned(points: list[tuple[datetime.date, int]]) -> list[tuple[datetime.date, int]]:
    """Keep every n-th point, beginning with the first, and always the last."""
    step = -(-len(points) // MOST_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]


def _start_of(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
