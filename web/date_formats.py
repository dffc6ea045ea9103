"""Formats moments, days and periods for pages."""

from __future__ import annotations

import calendar
import datetime

from django.utils import timezone
from django.utils.formats import date_format

_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment(at: datetime.datetime) -> str:
    """Return a moment in local time: `10:31` today, else with the day, and with the year if it is not this year."""
    local, today = timezone.localtime(at), timezone.localdate()
    if local.date() == today:
        return date_format(local, "H:i")
    return date_format(local, "j M, H:i" if local.year == today.year else "j M Y, H:i")


def day(on: datetime.date, *, with_year: bool = True) -> str:
    """Return a day: `27 Nov 2026`, or without the year. Lists have many, and `date_format` takes ten times as long."""
    return f"{on.day} {_MONTHS[on.month]} {on.year}" if with_year else f"{on.day} {_MONTHS[on.month]}"


def in_full(at: datetime.date) -> str:
    """Return a day with its year, and a moment with its time too, in local time: `27 Nov 2026, 10:31`."""
    if not isinstance(at, datetime.datetime):
        return day(at)
    local = timezone.localtime(at)
    return f"{day(local.date())}, {time(local)}"


def whole_day(on: datetime.date) -> str:
    """Return a day in full: `Friday 27 November 2026`."""
    return f"{calendar.day_name[on.weekday()]} {on.day} {calendar.month_name[on.month]} {on.year}"


def time(at: datetime.datetime) -> str:
    """Return a local time of day: `10:31`."""
    return f"{at.hour:02}:{at.minute:02}"


def is_whole_months(since: datetime.date, until: datetime.date) -> bool:
    """Return whether a period begins with the first day of a month and ends with the last day of one."""
    return since.day == 1 and until.day == calendar.monthrange(until.year, until.month)[1]


def period(since: datetime.date, until: datetime.date) -> str:
    """Return a period: `October 2026`, `July to September 2026`, `2025`."""
    is_whole = is_whole_months(since, until)
    if is_whole and since.year == until.year and (since.month, until.month) == (1, 12):
        return str(since.year)
    day = "" if is_whole else "j "
    last = date_format(until, f"{day}F Y")
    if since == until or (is_whole and (since.year, since.month) == (until.year, until.month)):
        return last
    if since.year != until.year:
        return f"{date_format(since, f'{day}F Y')} to {last}"
    if since.month != until.month:
        return f"{date_format(since, f'{day}F')} to {last}"
    return f"{since.day} to {last}"


def days(since: datetime.date, until: datetime.date, *, with_year: bool = False) -> str:
    """Return a short period: `1 to 27 Nov`, with the year if it is not this year or is asked for."""
    is_this_year = until.year == since.year == timezone.localdate().year and not with_year
    last = date_format(until, "j M" if is_this_year else "j M Y")
    if since == until:
        return last
    if (since.year, since.month) == (until.year, until.month):
        return f"{since.day} to {last}"
    return f"{date_format(since, 'j M' if since.year == until.year else 'j M Y')} to {last}"
