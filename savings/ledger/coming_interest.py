"""Interest that is coming: the postings of payments ahead, and what a running plan gets next."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from savings import dates
from savings.ledger.accounts import Earning, accrued_numerator
from savings.ledger.interest import Interest, divide, next_due, stretches
from savings.ledger.rates import TaxRates
from savings.models import Plan
from savings.models.plans import InterestPaid

_NOTHING = Interest(0, 0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Projection:
    """The interest of a running plan that is not posted yet, if no money comes or goes until it is.

    `so_far` is what has been earned up to today. `next_posting` is what the posting of `next_posting_on` comes to, and
    `in_all` is the sum of all postings up to the maturity; both are None without such a day.
    """

    so_far: Interest
    next_posting_on: datetime.date | None
    next_posting: Interest | None
    in_all: Interest | None


def project_interest(plan: Plan, *, today: datetime.date, taxes: TaxRates) -> Projection:
    """Return the unposted interest of a plan: so far, at its next posting, and up to its maturity. No query.

    Reads `plan.account` and `plan.membership`. Of a posting that is overdue it counts all days before today.
    """
    account = plan.account
    next_posting_on = _next_posting_on(plan, today)
    numerator = accrued_numerator(account, today)
    so_far = divide(
        numerator, tax_rate_bps=taxes.on(next_posting_on or today), tax_remainder=account.tax_remainder
    )
    if next_posting_on is None:
        return Projection(so_far, None, None, None)
    days = [next_posting_on]
    if plan.matures_on and next_posting_on < plan.matures_on:
        days += posting_days(plan.interest_paid, next_posting_on, plan.matures_on)
    postings = _post_ahead(plan, days, numerator, today=today, taxes=taxes)
    return Projection(
        so_far=so_far,
        next_posting_on=next_posting_on,
        next_posting=postings[0],
        in_all=total(postings) if plan.matures_on else None,
    )


def project_postings(
    plan: Plan, *, today: datetime.date, until: datetime.date, taxes: TaxRates
) -> list[tuple[datetime.date, Interest]]:
    """Return the coming postings of a plan up to a day, each with its day, if no money comes or goes. No query.

    None after the maturity, since a new term may earn otherwise. Reads what `project_interest` reads.
    """
    due_on, days = _next_posting_on(plan, today), []
    while due_on is not None and due_on <= until:
        days.append(due_on)
        is_last = due_on == plan.matures_on or not plan.pays_monthly
        due_on = None if is_last else next_due(due_on, plan.matures_on) or plan.matures_on
    numerator = accrued_numerator(plan.account, today)
    return list(zip(days, _post_ahead(plan, days, numerator, today=today, taxes=taxes), strict=True))


class Posted(Earning, Protocol):
    """The columns of an account from which its next posting is calculated."""

    @property
    def tax_remainder(self) -> int: ...


def expected_kobo(account: Posted, day: datetime.date, *, tax_rate_bps: int) -> int:
    """Return what the next posting comes to after tax, in kobo, if it is that of a day and no money comes or goes."""
    numerator = accrued_numerator(account, day)
    return divide(numerator, tax_rate_bps=tax_rate_bps, tax_remainder=account.tax_remainder).net_kobo


def posting_days(interest_paid: str, after: datetime.date, ends_on: datetime.date) -> list[datetime.date]:
    """Return the days on which interest is posted after a day, the last of which is `ends_on`."""
    days = []
    due_on = next_due(after, ends_on) if interest_paid == InterestPaid.MONTHLY else None
    while due_on is not None:
        days.append(due_on)
        due_on = next_due(due_on, ends_on)
    return [*days, ends_on]


def post(
    changes: Mapping[int, int],
    days: Iterable[datetime.date],
    *,
    since: int,
    rate_bps: int,
    taxes: TaxRates,
    compounds: bool,
    carried: Interest = _NOTHING,
) -> list[Interest]:
    """Return the postings of a plan on the given days, in order.

    `changes` are the kobo that come, by day from `since` on. `carried` has the numerator and the tax remainder with
    which the first posting begins. With `compounds` the interest after tax is in the plan from the day of posting on.
    """
    coming = sorted(changes.items())
    balance_kobo, postings = 0, []
    for day in days:
        until = max(since, day.toordinal())
        inside = Counter({since: balance_kobo})
        while coming and coming[0][0] < until:
            came_on, kobo = coming.pop(0)
            inside[came_on] += kobo
        earned = sum(
            row.numerator for row in stretches(inside, [(since, rate_bps)], since=since, until=until)
        )
        carried = divide(
            carried.remainder + earned, tax_rate_bps=taxes.on(day), tax_remainder=carried.tax_remainder
        )
        postings.append(carried)
        balance_kobo = sum(inside.values()) + (carried.net_kobo if compounds else 0)
        since = until
    return postings


def _post_ahead(
    plan: Plan, days: Sequence[datetime.date], numerator: int, *, today: datetime.date, taxes: TaxRates
) -> list[Interest]:
    """Return the postings of a running plan on coming days. `numerator` is what it has earned up to today."""
    account = plan.account
    # A rate that changes tomorrow has accrued up to tomorrow.
    since = max(today.toordinal(), account.accrued_to)
    return post(
        {since: account.balance_kobo or 0},
        days,
        since=since,
        rate_bps=account.rate_bps,
        taxes=taxes,
        compounds=plan.interest_to == Plan.InterestTo.PLAN and not hasattr(plan, "membership"),
        carried=Interest(0, 0, numerator, account.tax_remainder),
    )


def total(postings: Sequence[Interest]) -> Interest:
    """Return several postings, in order, as one."""
    return postings[-1]._replace(
        gross_kobo=sum(posting.gross_kobo for posting in postings),
        tax_kobo=sum(posting.tax_kobo for posting in postings),
    )


def _next_posting_on(plan: Plan, today: datetime.date) -> datetime.date | None:
    """Return the day of a plan's next posting; None if it is closed, has matured or has no such day."""
    if plan.is_closed or plan.is_matured(today):
        return None
    if plan.account.interest_due is not None:
        return datetime.date.fromordinal(plan.account.interest_due)
    if not plan.pays_monthly:
        return plan.matures_on
    # Its interest was never posted: opened before interest was.
    return next_due(today, plan.matures_on) or plan.matures_on or dates.next_first(today)
