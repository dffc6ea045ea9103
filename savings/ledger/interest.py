"""Interest: the rate of a term, and what a plan will earn."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from django.conf import settings

from savings import money
from savings.models import Product

DAYS_PER_YEAR = 365


@dataclasses.dataclass(frozen=True)
class Preview:
    """What a plan comes to, if it is paid into as described. Sums in kobo."""

    ends_on: datetime.date
    rate_bps: int
    payments: int
    paid_in_kobo: int
    interest_kobo: int
    tax_kobo: int

    @property
    def total_kobo(self) -> int:
        return self.paid_in_kobo + self.interest_kobo - self.tax_kobo


def rate_bps(product: Product, term_days: int | None) -> int:
    """Return the yearly rate for a term in days: that of the longest step the term reaches.

    The product's `rates` are read as they are prefetched. A plan without a term takes the first step.
    """
    return rate_for_term([[rate.from_days, rate.rate_bps] for rate in product.rates.all()], term_days) or 0


def rate_for_term(rates: Iterable[Sequence[int]], term_days: int | None) -> int | None:
    """Return the yearly rate (basis points) for a term in days, of pairs of days and rates; None where none holds yet.

    A term of None, without an end, counts as the shortest.
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
) -> Preview:
    """Return what a plan started today earns: `first_kobo` today, then `monthly_kobo` each month before it ends.

    Simple interest, actual/365, on end-of-day balances, one rounding at the end (see `money.interest`), less
    withholding tax. A plan without a maturity is looked at for a year.
    """
    ends_on = matures_on or today + datetime.timedelta(days=DAYS_PER_YEAR)
    rate = rate_bps(product, (matures_on - today).days if matures_on else None)
    payments = [(today, first_kobo)] if first_kobo else []
    payments += [(day, monthly_kobo) for day in monthly_days(today, ends_on)] if monthly_kobo else []
    numerator = sum(amount * rate * (ends_on - day).days for day, amount in payments)
    interest = money.interest(numerator)
    return Preview(
        ends_on=ends_on,
        rate_bps=rate,
        payments=len(payments),
        paid_in_kobo=sum(amount for _, amount in payments),
        interest_kobo=interest,
        tax_kobo=money.share(interest, settings.WITHHOLDING_TAX_BPS),
    )


def monthly_days(start: datetime.date, end: datetime.date) -> list[datetime.date]:
    """Return the days one month apart after `start` and before `end`, on the last day where a month is too short."""
    days = []
    month = start.year * 12 + start.month
    while (day := _day_in_month(month, start.day)) < end:
        days.append(day)
        month += 1
    return days


def suggested_monthly_kobo(
    *, target_kobo: int, first_kobo: int, ends_on: datetime.date, today: datetime.date
) -> int:
    """Return what to pay in each month to reach a target by that day, rounded up to whole naira; interest is extra."""
    left = max(0, target_kobo - first_kobo)
    times = max(1, len(monthly_days(today, ends_on)))
    return -(-left // (times * money.KOBO_PER_NAIRA)) * money.KOBO_PER_NAIRA


def _day_in_month(month: int, day: int) -> datetime.date:
    """Return that day of the month counted from year 0 (12 x year + month), or the month's last where it is shorter.

    `month` 0-based within the count: 12 x 2026 + 11 is December 2026, the month after a start in November.
    """
    first = datetime.date(month // 12, month % 12 + 1, 1)
    following = datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return first + datetime.timedelta(days=min(day, (following - first).days) - 1)
