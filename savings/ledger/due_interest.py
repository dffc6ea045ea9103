"""Accounts whose interest is posted next: their rows under the lock, and their numerators at the end of a period."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import Exists, F, Max, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest, TruncDate

from savings.ledger.accounts import accrued_numerator
from savings.ledger.interest import next_due, stretches
from savings.models import Account, Entry, InterestPosting, Membership, Plan, RatePeriod
from savings.models.plans import InterestPaid


class DueAccount(NamedTuple):
    """A plan's account with what a posting of its interest needs. Days are ordinals, `matures_on` and `started_on` not.

    `posted_to` is the end of the last posted period, or None; `stash_id` and `stash_kobo` are None without a stash.
    """

    id: int
    user_id: int
    plan_id: int
    balance_kobo: int
    rate_bps: int
    accrued_numerator: int
    accrued_to: int
    accrues_until: int
    tax_remainder: int
    interest_to: str
    interest_paid: str
    started_on: datetime.date
    matures_on: datetime.date | None
    closed_at: datetime.datetime | None
    is_in_circle: bool
    opened: int | None
    posted_to: int | None
    stash_id: int | None
    stash_kobo: int | None

    @property
    def period_start(self) -> int:
        """The end of the last posted period, or else the day of opening."""
        return self.posted_to or self.opened or self.started_on.toordinal()

    @property
    def goes_to_stash(self) -> bool:
        """Whether monthly interest goes to the stash. That of a circle's plan does: its board compares payments.

        That of a closed plan does too: the release before the postings closes plans without theirs.
        """
        return self.is_in_circle or self.closed_at is not None or self.interest_to == Plan.InterestTo.STASH

    def due_after(self, day: datetime.date) -> int | None:
        """Return the ordinal of the next due day after a posting up to `day`; None where no month is to come."""
        is_monthly = self.interest_paid == InterestPaid.MONTHLY or self.matures_on is None
        due_on = next_due(day, self.matures_on) if is_monthly and self.closed_at is None else None
        return due_on.toordinal() if due_on else None


class Earned(NamedTuple):
    """The interest an account has accrued: up to the end of the period, and as its columns store it.

    `numerator` is the numerator at the end of the period. `stored` and `accrued_to` are the account's own columns,
    brought forward to the value day. `rate_days` is what one kobo earns from the value day to `accrued_to`.
    """

    numerator: int
    stored: int
    accrued_to: int
    rate_days: int


def due_accounts(accounts: QuerySet[Account]) -> list[DueAccount]:
    """Read the accounts of a queryset, in the order of their ids, in one query. Their users must be locked."""
    postings = InterestPosting.objects.filter(account=OuterRef("pk")).order_by()
    periods = RatePeriod.objects.filter(account=OuterRef("pk")).order_by()
    stashes = Account.objects.filter(user=OuterRef("user"), kind=Account.Kind.STASH)
    rows = accounts.order_by("pk").values_list(
        "pk",
        "user_id",
        "plan_id",
        "balance_kobo",
        "rate_bps",
        "accrued_numerator",
        "accrued_to",
        "accrues_until",
        "tax_remainder",
        "plan__interest_to",
        "plan__interest_paid",
        "plan__started_on",
        "plan__matures_on",
        "plan__closed_at",
        Exists(Membership.objects.filter(plan=OuterRef("plan"))),
        Subquery(periods.values("account").annotate(day=Min("from_day")).values("day")),
        Subquery(postings.values("account").annotate(day=Max("period_end")).values("day")),
        Subquery(stashes.values("pk")[:1]),
        Subquery(stashes.values("balance_kobo")[:1]),
    )
    return [DueAccount(*row) for row in rows]


def earned(
    accounts: Iterable[DueAccount], *, until: datetime.date, value_on: datetime.date
) -> dict[int, Earned]:
    """Return what each account has accrued up to the start of `until`, by its id.

    An account that has accrued to a later day, because money moved since, has the later days taken off, by the value
    days of its entries. `value_on` is the day from which the posting will count: `until` or later.
    """
    accounts = list(accounts)
    end = until.toordinal()
    late = {account.id: account for account in accounts if account.accrued_to > end}
    changes, rates = _changes(late, end), _rates(late)
    found = {}
    for account in accounts:
        # The account has to be brought forward before the posting changes its balance.
        forward_to = max(account.accrued_to, min(value_on.toordinal(), account.accrues_until))
        stored = accrued_numerator(account, datetime.date.fromordinal(forward_to))
        numerator, rate_days = accrued_numerator(account, until), 0
        if account.id in late:
            periods = rates.get(account.id, [(0, account.rate_bps)])
            days = {"until": account.accrued_to}
            since = stretches(changes.get(account.id, {}), periods, since=end, **days)
            later = sum(stretch.numerator for stretch in since)
            numerator = min(account.accrued_numerator, account.accrued_numerator - later)
            value_day = value_on.toordinal()
            rate_days = sum(
                stretch.numerator for stretch in stretches({value_day: 1}, periods, since=value_day, **days)
            )
        found[account.id] = Earned(max(0, numerator), stored, forward_to, rate_days)
    return found


def _changes(late: Mapping[int, DueAccount], end: int) -> dict[int, dict[int, int]]:
    """Return per account the change by value day, with everything before the day `end` added up on that day."""
    if not late:
        return {}
    end_on = datetime.date.fromordinal(end)
    day = Greatest(Coalesce("value_on", TruncDate("posted_at")), end_on)
    sides = [
        Entry.objects.filter(**{f"{side}__in": late})
        .order_by()
        .annotate(day=day)
        .values_list(F(side), "day")
        .annotate(kobo=Sum(F("amount_kobo") * sign))
        for side, sign in (("credit_account", 1), ("debit_account", -1))
    ]
    found: dict[int, dict[int, int]] = {}
    for account_id, on, kobo in sides[0].union(sides[1], all=True):
        days = found.setdefault(account_id, {})
        days[on.toordinal()] = days.get(on.toordinal(), 0) + int(kobo)
    return found


def _rates(late: Mapping[int, DueAccount]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    periods = RatePeriod.objects.filter(account__in=late) if late else RatePeriod.objects.none()
    for account_id, from_day, rate_bps in periods.values_list("account_id", "from_day", "rate_bps"):
        found.setdefault(account_id, []).append((from_day, rate_bps))
    return found
