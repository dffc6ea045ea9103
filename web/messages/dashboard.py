"""The sentences of the dashboard, its chart and its welcome."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format

from savings import money

GOOD_MORNING = "Good morning"
GOOD_AFTERNOON = "Good afternoon"
GOOD_EVENING = "Good evening"
ALL_TIME = "All"
TOTAL_SAVINGS = "Total savings"
SINCE_START = "since you started"

# What happens next.
STASH = "Stash"

# The last suggestion, after the purposes of the page that starts a plan.
OTHER_PURPOSE = "Something else"
# The steps of the welcome.
NAME_IT = "Name it, and say how much and by when"
WATCH_IT_GROW = "Watch it grow"

# The column of a chart's table.
BALANCE = "Balance"


def pay_in(least_kobo: int) -> str:
    return f"Pay in when you can, from {money.short(least_kobo)}"


def matures(day: str) -> str:
    return f"Matures {day}"


def autosave(day: str) -> str:
    return f"Auto-save on {day}"


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
