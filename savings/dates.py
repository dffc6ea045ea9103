"""Days of months."""

from __future__ import annotations

import calendar
import datetime


def next_first(day: datetime.date) -> datetime.date:
    """Return the first of the month after a day."""
    return (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)


def day_in_month(month: int, day: int) -> datetime.date:
    """Return a day of a month, or the month's last day where the month is shorter.

    `month` counts from year 0, with January as 0: 12 x 2026 + 11 is December 2026.
    """
    year, of_year = divmod(month, 12)
    return datetime.date(year, of_year + 1, min(day, calendar.monthrange(year, of_year + 1)[1]))
