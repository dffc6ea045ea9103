"""The sentences of the calendar and of its feed."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format

from savings import money
from web import date_formats

# The sums of a day, as the stash sees them.
TO_STASH = "To your stash in all"
FROM_STASH = "From your stash in all"
FROM_CARDS = "From your cards in all"
# What the list comes to.
INTEREST = "Interest, after tax"
FROM_YOUR_CARDS = "From your cards"
OUT = "On its way out"

# An empty calendar.
AUTOSAVES_HAVE_DATES = "An auto-save shows here with all its dates and amounts."
SET_UP_AUTOSAVE = "Set up an auto-save"
PLANS_HAVE_DATES = "The end of a plan, its interest and your auto-saves show here."
START_PLAN = "Start a plan"

FEED_STARTED = "Your calendar link is ready."
FEED_RENEWED = "Your calendar has a new link. The old one no longer works."
FEED_ENDED = "The link no longer works. Your calendar app stops updating."
AMOUNTS_SHOWN = "Amounts are in your calendar from its next update on."
AMOUNTS_HIDDEN = "Amounts leave your calendar with its next update."


def month(first: datetime.date) -> str:
    return date_format(first, "F Y")


def short_month(first: datetime.date) -> str:
    return date_format(first, "M Y")


def next_days(count: int) -> str:
    return f"Next {count} days"


def more(count: int) -> str:
    return f"+{count} more"


def dates(days: list[datetime.date]) -> str:
    """Return days of one month: `2, 9 and 16 Dec`."""
    *most, last = days
    return f"{', '.join(str(day.day) for day in most)} and {date_formats.day(last, with_year=False)}"


def first_to_last(days: list[datetime.date]) -> str:
    return f"{days[0].day} to {date_formats.day(days[-1], with_year=False)}"


def to_stash_with(interest_kobo: int) -> str:
    return f"{TO_STASH}, with {money.short(interest_kobo)} of the interest"


def nothing_in(first: datetime.date) -> str:
    return f"Nothing coming up in {month(first)}."


def nothing_in_days(count: int) -> str:
    return f"Nothing coming up in the next {count} days."


def short_on(day: datetime.date, missing_kobo: int, today: datetime.date) -> str:
    return f"Your stash will be {money.short(missing_kobo)} short {_on(day, today)}."


def what_to_do(day: datetime.date, needed_kobo: int, add_kobo: int, today: datetime.date) -> str:
    needed, add_text = money.short(needed_kobo), money.short(add_kobo)
    if day == today:
        return f"Auto-saves of {needed} are due. Add {add_text} to your stash now."
    return f"Auto-saves of {needed} are due that day. Add {add_text} to your stash before then."


def add(amount_kobo: int) -> str:
    return f"Add {money.short(amount_kobo)}"


def _on(day: datetime.date, today: datetime.date) -> str:
    return "today" if day == today else f"on {date_formats.day(day, with_year=day.year != today.year)}"
