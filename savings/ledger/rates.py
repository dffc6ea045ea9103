"""Rates by day: an account's interest rate, and the rate of withholding tax."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Self

from django.db.models import F
from django.db.transaction import atomic
from django.utils import timezone

from savings.ledger.accounts import day_of_opening
from savings.ledger.posting import lock_user
from savings.models import Account, Plan, RatePeriod, TaxRate


@dataclasses.dataclass(frozen=True)
class TaxRates:
    """The rates of withholding tax (basis points), each with the day from which it applies. Read once for many days."""

    rates: list[tuple[datetime.date, int]]

    @classmethod
    def read(cls) -> Self:
        return cls(list(TaxRate.objects.values_list("from_on", "rate_bps")))

    def on(self, day: datetime.date) -> int:
        """Return the rate on interest posted on a day; 0 before the first rate."""
        return max((rate for rate in self.rates if rate[0] <= day), default=(day, 0))[1]


def change_rate(account: Account, rate_bps: int) -> None:
    """Let a plan's account earn at another rate (basis points a year) from tomorrow on.

    The interest up to the end of today is brought forward at today's rate, so the account's own rate is always the rate
    of the days that it has not accrued yet.
    """
    with atomic():
        lock_user(account.user_id)
        account.refresh_from_db()
        today = timezone.localdate().toordinal()
        tomorrow = max(today + 1, account.accrued_to)
        if not account.rate_periods.exists():
            # The release before rate periods opened it: it has earned at one rate.
            RatePeriod.objects.create(account=account, from_day=_opened(account), rate_bps=account.rate_bps)
        earning_to = max(account.accrued_to, min(tomorrow, account.accrues_until))
        Account.objects.filter(pk=account.pk).update(
            accrued_numerator=F("accrued_numerator")
            + F("balance_kobo") * F("rate_bps") * (earning_to - account.accrued_to),
            accrued_to=earning_to,
            rate_bps=rate_bps,
        )
        RatePeriod.objects.update_or_create(
            account=account, from_day=tomorrow, defaults={"rate_bps": rate_bps}
        )
    account.refresh_from_db()


def rate_since(account: Account) -> datetime.date | None:
    """Return the day from which a plan's account has its present rate, tomorrow included; None before rate periods."""
    since = None
    periods = account.rate_periods.order_by("-from_day").values_list("from_day", "rate_bps")
    for from_day, rate_bps in periods:
        if rate_bps != account.rate_bps:
            break
        since = from_day
    return datetime.date.fromordinal(since) if since else None


def _opened(account: Account) -> int:
    return day_of_opening(Plan.objects.get(account=account)).toordinal()
