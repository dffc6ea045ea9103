"""The months of the calendar: which there are, their names in URLs, and their weeks."""

from __future__ import annotations

import datetime
import re

from savings import dates

# How far ahead the calendar goes.
MONTHS_AHEAD = 12
_DAY = datetime.timedelta(days=1)


def nearest_month(text: str, today: datetime.date) -> datetime.date:
    """Return the first day of a month such as `2026-12`; of the nearest there is for any other text."""
    first = first_month(today)
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        return first
    # Compared as text: not every year that can be written is one of the calendar.
    nearest = min(max(text, name(first)), name(last_month(today)))
    return datetime.date.fromisoformat(f"{nearest}-01")


def first_month(today: datetime.date) -> datetime.date:
    """Return the first day of the month in which this week ends, so that a month's last days show what follows them."""
    return first_of(today + (6 - today.weekday()) * _DAY)


def last_month(today: datetime.date) -> datetime.date:
    years, months = divmod(today.month - 1 + MONTHS_AHEAD, 12)
    return datetime.date(today.year + years, months + 1, 1)


def weeks(first: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day that a month shows: its weeks are whole, as on a calendar of paper."""
    last = dates.next_first(first) - _DAY
    return first - first.weekday() * _DAY, last + (6 - last.weekday()) * _DAY


def name(day: datetime.date) -> str:
    return f"{day.year:04}-{day.month:02}"


def first_of(day: datetime.date) -> datetime.date:
    return day.replace(day=1)


def month_before(first: datetime.date) -> datetime.date:
    return first_of(first - _DAY)
