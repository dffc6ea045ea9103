"""The day from which money of the provider earns interest."""

from __future__ import annotations

import datetime

from django.utils import timezone

from savings.models import Plan

# How many days before today the money of a payment may begin to earn; order.sql proves it.
_MOST_DAYS_BACK = 7


def provider_value_day(paid_on: datetime.date, plan: Plan | None) -> datetime.date:
    """Return the day from which money that was paid on a local day earns: that day.

    Never in the future, never more than a week ago, and never before the plan began.
    """
    today = timezone.localdate()
    earliest = today - datetime.timedelta(days=_MOST_DAYS_BACK)
    if plan is not None:
        earliest = max(earliest, plan.started_on)
    return min(today, max(paid_on, earliest))
