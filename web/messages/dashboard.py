"""The sentences of the dashboard, its chart and its welcome."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.calendar import Kind
from web import date_formats

GOOD_MORNING = "Good morning"
GOOD_AFTERNOON = "Good afternoon"
GOOD_EVENING = "Good evening"
ALL_TIME = "All"
TOTAL_SAVINGS = "Total savings"
SINCE_START = "since you started"

# What happens next.
STASH = "Stash"
UPCOMING = {
    Kind.AUTOSAVE: "Auto-save",
    Kind.NOTICE: "Moves to your stash",
    Kind.INTEREST: "Expected interest",
    Kind.MATURITY: "Matures",
}

# The last suggestion, after the purposes of the page that starts a plan.
OTHER_PURPOSE = "Something else"
# The steps of the welcome.
NAME_IT = "Name it, and say how much and by when"
WATCH_IT_GROW = "Watch it grow"

# The column of a chart's table.
BALANCE = "Balance"


def pay_in(least_kobo: int) -> str:
    return f"Pay in when you can, from {money.short(least_kobo)}"


def plans(names: list[str]) -> str:
    """Return the name of a plan, or how many there are; empty for none."""
    if len(names) < 2:
        return "".join(names)
    return ngettext("%(count)d plan", "%(count)d plans", len(names)) % {"count": len(names)}


def on(day: datetime.date, today: datetime.date) -> str:
    """Return a day after what happens on it: `today`, `tomorrow`, `on 4 Dec`, with the year if it is another one."""
    if (day - today).days in {0, 1}:
        return "today" if day == today else "tomorrow"
    return f"on {date_formats.day(day, with_year=day.year != today.year)}"


def since(day: datetime.date) -> str:
    return f"since {_day(day)}"


def chart_of_one(kobo: int, day: datetime.date) -> str:
    return f"{money.naira(kobo)} on {_day(day)}."


def chart_is_level(kobo: int, first: datetime.date, last: datetime.date) -> str:
    amount = money.naira(kobo)
    return f"{amount} on {_day(first)}, and again {amount} on {_day(last)}."


def chart_rises(began_kobo: int, first: datetime.date, ended_kobo: int, last: datetime.date) -> str:
    return (
        f"Rises from {money.naira(began_kobo)} on {_day(first)} to {money.naira(ended_kobo)} on {_day(last)}."
    )


def chart_falls(began_kobo: int, first: datetime.date, ended_kobo: int, last: datetime.date) -> str:
    return (
        f"Falls from {money.naira(began_kobo)} on {_day(first)} to {money.naira(ended_kobo)} on {_day(last)}."
    )


def _day(day: datetime.date) -> str:
    return date_format(day, "j F Y")
