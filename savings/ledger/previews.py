"""Interest before a plan starts: the rate of a term, and a preview of the interest of a plan."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Sequence

from savings import dates, money
from savings.ledger import coming_interest
from savings.ledger.rates import TaxRates
from savings.models import Plan, Product
from savings.models.plans import InterestPaid

DAYS_PER_YEAR = 365


@dataclasses.dataclass(frozen=True)
class Preview:
    """The result of a plan with the given payments. Amounts are in kobo; `payments` is their number.

    `gross_kobo` and `tax_kobo` are the sums of all postings up to `ends_on`. `next_posting_on` is the day of the first
    one; None for a plan that pays at maturity and has none. `first_on` and `last_on` are the days of the first and the
    last payment; None without any.
    """

    ends_on: datetime.date
    rate_bps: int
    payments: int
    paid_in_kobo: int
    gross_kobo: int
    tax_kobo: int
    next_posting_on: datetime.date | None
    first_on: datetime.date | None
    last_on: datetime.date | None

    @property
    def net_kobo(self) -> int:
        return self.gross_kobo - self.tax_kobo

    @property
    def total_kobo(self) -> int:
        return self.paid_in_kobo + self.net_kobo


def rate_bps(product: Product, term_days: int | None) -> int:
    """Return the yearly rate in basis points for a term in days; 0 where the product has no rate for it.

    Of the product's rates, the one with the largest `from_days` within the term applies. A plan without a term gets
    the rate of the shortest one. Prefetch `rates` where several products are shown.
    """
    return rate_for_term([[rate.from_days, rate.rate_bps] for rate in product.rates.all()], term_days) or 0


def rate_for_term(rates: Iterable[Sequence[int]], term_days: int | None) -> int | None:
    """Return the yearly rate in basis points for a term in days, or None if no rate applies to so short a term.

    `rates` are pairs of the first day from which a rate applies and the rate. No term (None) counts as the shortest.
    """
    reached = [(from_days, rate) for from_days, rate in rates if from_days <= (term_days or 0)]
    return max(reached)[1] if reached else None


def preview_interest(
    product: Product,
    *,
    matures_on: datetime.date | None,
    first_kobo: int,
    monthly_kobo: int,
    today: datetime.date,
    interest_to: str = Plan.InterestTo.PLAN,
    taxes: TaxRates | None = None,
) -> Preview:
    """Return a preview of a plan started today with `first_kobo` today and `monthly_kobo` each month before it ends.

    It is posted as the plan will be: by month or at maturity, with the tax of each day of posting, and interest that
    goes into the plan earns from then on. A plan without a maturity is previewed for a year, with a posting at its end.
    Pass `taxes` where several plans are previewed.
    """
    ends_on = matures_on or today + datetime.timedelta(days=DAYS_PER_YEAR)
    rate = rate_bps(product, (matures_on - today).days if matures_on else None)
    payments = [(today, first_kobo)] if first_kobo else []
    payments += [(day, monthly_kobo) for day in monthly_days(today, ends_on)] if monthly_kobo else []
    # A plan without a maturity pays monthly: see `Plan.pays_monthly`.
    paid = product.interest_paid if matures_on else InterestPaid.MONTHLY
    days = coming_interest.posting_days(paid, today, ends_on)
    postings = coming_interest.post(
        _by_day(payments),
        days,
        since=today.toordinal(),
        rate_bps=rate,
        taxes=taxes or TaxRates.read(),
        compounds=interest_to == Plan.InterestTo.PLAN,
    )
    total = coming_interest.total(postings)
    is_posted_at_all = matures_on or product.interest_paid == InterestPaid.MONTHLY
    return Preview(
        ends_on=ends_on,
        rate_bps=rate,
        payments=len(payments),
        paid_in_kobo=sum(amount for _, amount in payments),
        gross_kobo=total.gross_kobo,
        tax_kobo=total.tax_kobo,
        next_posting_on=days[0] if is_posted_at_all else None,
        first_on=payments[0][0] if payments else None,
        last_on=payments[-1][0] if payments else None,
    )


def monthly_days(start: datetime.date, end: datetime.date) -> list[datetime.date]:
    """Return the same day of each month after `start` and before `end`; the last day where a month is too short."""
    days = []
    month = start.year * 12 + start.month
    while (day := dates.day_in_month(month, start.day)) < end:
        days.append(day)
        month += 1
    return days


def suggested_monthly_kobo(
    *, target_kobo: int, first_kobo: int, ends_on: datetime.date, today: datetime.date
) -> int:
    """Return the monthly payment in kobo that reaches a target by a day, rounded up to whole naira.

    Interest is not counted.
    """
    left = max(0, target_kobo - first_kobo)
    times = max(1, len(monthly_days(today, ends_on)))
    return -(-left // (times * money.KOBO_PER_NAIRA)) * money.KOBO_PER_NAIRA


def _by_day(payments: Iterable[tuple[datetime.date, int]]) -> Counter[int]:
    changes: Counter[int] = Counter()
    for day, kobo in payments:
        changes[day.toordinal()] += kobo
    return changes
