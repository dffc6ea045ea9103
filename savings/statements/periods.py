"""The periods of statements: those that people ask for, and those that may be asked for."""

from __future__ import annotations

import datetime

from django.utils import timezone

from savings.exceptions import Refused
from savings.models import User

# Before there was an Asusu: "since the beginning" begins with the person's first day.
BEGINNING = datetime.date(2000, 1, 1)


def period_presets(today: datetime.date) -> list[tuple[str, str, datetime.date, datetime.date]]:
    """Return the periods that people ask for: a key, what it is called, its first and its last day."""
    first = today.replace(day=1)
    last_month = first - datetime.timedelta(days=1)
    three_months = _months_before(first, 3)
    return [
        ("this-month", "This month", first, today),
        ("last-month", "Last month", last_month.replace(day=1), last_month),
        ("last-3-months", "Last 3 months", three_months, last_month),
        ("this-year", "This year", today.replace(month=1, day=1), today),
        (
            "last-year",
            "Last year",
            datetime.date(today.year - 1, 1, 1),
            datetime.date(today.year - 1, 12, 31),
        ),
        ("beginning", "Since the beginning", BEGINNING, today),
    ]


def checked_period(
    user: User, since: datetime.date, until: datetime.date
) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of a person's statement; since the beginning is since their first day.

    Raises Refused, with the field, for a period out of order, not over, or from before there was anything.
    """
    if until > timezone.localdate():
        raise Refused("Choose a day up to today: what is to come is not in it.", field="until")
    if since > until:
        raise Refused("The last day comes before the first.", field="until")
    if until < BEGINNING:
        raise Refused("There is nothing from so long ago.", field="until")
    if since <= BEGINNING:
        since = max(BEGINNING, min(timezone.localdate(user.date_joined), until))
    return since, until


def _months_before(first: datetime.date, months: int) -> datetime.date:
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return datetime.date(year, month + 1, 1)
