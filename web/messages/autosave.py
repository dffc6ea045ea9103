"""The sentences about auto-save: what a rule does, when, and what became of a date."""

from __future__ import annotations

import datetime

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.models import AutosaveRule
from web import date_formats
from web.messages.spacing import unbroken

Every = AutosaveRule.Every

# After something is done.
SET_UP = "Auto-save is on."
CHANGED = "Auto-save changed."
PAUSED = "Auto-save paused. Nothing more is moved until you turn it on again."
STOPPED = "Auto-save stopped."
STASH = "Your stash"
MY_STASH = "My stash"
ADD_TO_STASH = "Add money to your stash"
PAY_NOW = "Pay it in now"
WHAT_IS_NEEDED = "What your goal needs"
# By the number of days until then.
NEXT_DAYS = {0: "Today", 1: "Tomorrow"}
SHORTER_MONTHS = "In a shorter month, we save on its last day."
GOAL_REACHED = "The plan has reached its goal. This saves beyond it."


def first_on(day: datetime.date) -> str:
    return f"The first date is {date_formats.whole_day(day)}. We tell you the day before."


def resumed(day: datetime.date) -> str:
    return f"Auto-save is on again. The next date is {date_formats.whole_day(day)}."


def skipped(day: datetime.date) -> str:
    return f"{date_formats.whole_day(day)} is skipped."


def how_often(every: str, *, weekday: int | None, month_day: int | None, on: datetime.date | None) -> str:
    """Return a rhythm after an amount: `every Friday`, `on the 25th of each month`."""
    if every == Every.ONCE and on is not None:
        return f"once, on {date_formats.day(on)}"
    if every == Every.WEEK:
        return f"every {WEEKDAYS[weekday or 0]}"
    if every == Every.MONTH:
        return (
            "on the last day of each month"
            if month_day == 31
            else f"on the {_ordinal(month_day or 1)} of each month"
        )
    return "every day"


def with_digits(card: str) -> str:
    """Return the name of a card with its digits on the line of the brand."""
    return card.replace(" ··", unbroken(" ··"))


def into(plan: str) -> str:
    return f"into {plan}" if plan else "into your stash"


def reaches(target_kobo: int, on: datetime.date) -> str:
    return f"You reach {money.short(target_kobo)} in {date_format(on, 'F Y')}."


def payments(count: int) -> str:
    return ngettext("%(count)d payment", "%(count)d payments", count) % {"count": count} if count else ""


def comes_to(payments: int, total_kobo: int) -> str:
    counted = ngettext("%(count)d payment comes to %(sum)s.", "%(count)d payments come to %(sum)s.", payments)
    return counted % {"count": payments, "sum": money.naira(total_kobo)}


def saved_on(total_kobo: int, dates: int, *, of: int) -> str:
    """Return what several of the dates that a page shows have saved."""
    these = f"these {dates} dates" if dates == of else f"{dates} of these {of} dates"
    return f"{money.short(total_kobo)} saved on {these}"


def try_again_at(at: datetime.datetime) -> str:
    return f"We’ll try again on {date_format(at, 'j F, H:i')}."


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
