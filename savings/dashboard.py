"""What a saver has in all: the sum, how it grew, and what happens next."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate

from savings import ledger
from savings.models import Account, Entry, Plan, User
from savings.models.ledger import start_of
from savings.prepared_queries import prepared

# A line chart of a phone's width shows no more.
MOST_POINTS = 60


class Saving(NamedTuple):
    """A plan as lists show it, with what its account holds and has earned: a row of the one query for them (kobo)."""

    pk: int
    name: str
    product_name: str
    product_kind: str
    target_kobo: int | None
    started_on: datetime.date
    matures_on: datetime.date | None
    closed_at: datetime.datetime | None
    final_rank: int | None
    balance_kobo: int
    rate_bps: int
    accrued_numerator: int
    accrued_to: int
    accrues_until: int

    @classmethod
    def of(cls, plan: Plan) -> Saving:
        """Return the same of a plan that is at hand, which comes with its account and membership."""
        account = plan.account
        return cls(
            pk=plan.pk,
            name=plan.name,
            product_name=plan.product_name,
            product_kind=plan.product_kind,
            target_kobo=plan.target_kobo,
            started_on=plan.started_on,
            matures_on=plan.matures_on,
            closed_at=plan.closed_at,
            final_rank=plan.membership.final_rank if hasattr(plan, "membership") else None,
            balance_kobo=account.balance_kobo or 0,
            rate_bps=account.rate_bps,
            accrued_numerator=account.accrued_numerator,
            accrued_to=account.accrued_to,
            accrues_until=account.accrues_until,
        )

    def is_matured(self, today: datetime.date) -> bool:
        return self.matures_on is not None and self.matures_on <= today


# The columns of an account and of its plan that make a Saving, in the order of its fields.
_COLUMNS = (
    "plan_id",
    "plan__name",
    "plan__product_name",
    "plan__product_kind",
    "plan__target_kobo",
    "plan__started_on",
    "plan__matures_on",
    "plan__closed_at",
    "plan__membership__final_rank",
    "balance_kobo",
    "rate_bps",
    "accrued_numerator",
    "accrued_to",
    "accrues_until",
)


@dataclasses.dataclass(frozen=True)
class Holdings:
    """A person's accounts at one moment, in kobo; their plans newest first."""

    stash_kobo: int
    on_hold_kobo: int
    plans: list[Saving]
    closed_plans: list[Saving]
    # All of them, those of closed plans too: what moved between two is no change of the whole.
    account_ids: list[int]

    @property
    def total_kobo(self) -> int:
        return self.stash_kobo + self.on_hold_kobo + sum(plan.balance_kobo for plan in self.plans)


class Upcoming(NamedTuple):
    """Something that will happen by itself. `amount_kobo` is what is there by now, not a forecast."""

    name: str
    day: datetime.date
    amount_kobo: int


def holdings(user: User) -> Holdings:
    """Return what the user has, in one query."""
    account_ids, balances, savings = [], {}, []
    for account_id, kind, *values in _accounts(user.pk):
        account_ids.append(account_id)
        if kind == Account.Kind.PLAN:
            savings.append(Saving(*values))
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
def _accounts(user_id: int) -> QuerySet[Account, Any]:
    mine = Account.objects.filter(user=user_id)
    return mine.order_by("-plan_id").values_list("pk", "kind", *_COLUMNS)


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
            entries = entries.filter(posted_at__gte=start_of(since))
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


def upcoming(plans: list[Saving], today: datetime.date) -> list[Upcoming]:
    """Return the next three maturities among a person's plans, soonest first."""
    coming = [
        Upcoming(plan.name, plan.matures_on, plan.balance_kobo)
        for plan in plans
        if plan.matures_on and plan.matures_on > today
    ]
    return sorted(coming, key=lambda item: item.day)[:3]


def accrued_kobo(plans: list[Saving], today: datetime.date) -> int:
    """Return the interest recorded for these plans and not paid out, in kobo, before tax."""
    return sum(ledger.accrued_kobo(plan, today) for plan in plans)


def _thinned(points: list[tuple[datetime.date, int]]) -> list[tuple[datetime.date, int]]:
    """Keep every n-th point, beginning with the first, and always the last."""
    step = -(-len(points) // MOST_POINTS)
    return points if step <= 1 else [*points[:-1:step], points[-1]]
