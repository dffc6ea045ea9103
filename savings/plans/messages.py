"""The sentences that savers read about plans and the stash, for a translator: constants, and functions with values."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money

# The name, the goal and the end of a plan.
NAME_MISSING = "Give the plan a name."
GOAL_MISSING = "Enter your goal."
END_MISSING = "Choose the day it ends."
PRODUCT_GONE = "This plan type is no longer available."
NO_END_TO_MOVE = "This plan has no end date to move."

# Plans that are closed or have matured.
CLOSED = "This plan is closed and can’t be changed."
CLOSED_AND_EMPTY = "This plan is closed. There’s no money in it."
CLOSED_TO_PAYMENTS = "This plan is closed. Your money can go to your stash or another plan."
MATURED = "This plan has matured. Start a new one to keep saving."

# Closing a plan.
NOT_EMPTY = "Move its money to your stash first."
MONEY_ON_ITS_WAY = "Money for this plan is still on its way. Close the plan once it has arrived."
CLOSES_WITH_CIRCLE = "This plan belongs to your circle. It closes when you leave the circle."

# Changes of a plan.
CIRCLE_GOAL_FINAL = "This circle has ended, so your goal in it can’t change."
NO_MATURITY = "This plan has no end date, so there’s nothing to choose."
MATURITY_PAST = "This plan has matured, so this can’t be changed any more."
CIRCLE_CANNOT_RENEW = "This plan belongs to your circle, so it can’t start again when the circle ends."
CIRCLE_INTEREST = "This plan belongs to your circle, so its interest goes to your stash."
INTEREST_AT_MATURITY = "This plan pays its interest at maturity. Choose what happens on that day instead."

# Taking money out.
EMPTY = "This plan is empty."
FREE_TO_MOVE = "Taking money out of this plan is free. Move it to your stash."
QUOTE_FIRST = "This plan hasn’t matured. Check what taking money out costs first."
QUOTE_OUTDATED = "This quote is no longer valid. Nothing was moved. Check the new one."

# Notices.
NO_NOTICE_NEEDED = "This plan needs no notice. You can move its money to your stash straight away."
ALL_ON_NOTICE = "All of the money in this plan is on notice."
NOTICE_DONE = "This notice is done: the money is in your stash."
NOTICE_ENDED = "This notice ended with the plan or its term."
NOTICE_REFUSED = "This notice is over: the plan was empty when it was due."

# Where interest of earlier months went, in a mail.
TO_STASH = "To your stash"
INTO_PLAN = "Into the plan"


def name_taken(name: str) -> str:
    return f"You already have a plan called {name}."


def goal_out_of_range(least_kobo: int, most_kobo: int) -> str:
    return f"Enter a goal between {money.short(least_kobo)} and {money.short(most_kobo)}."


def plan_full(most_kobo: int) -> str:
    return f"A plan holds at most {money.short(most_kobo)}."


def no_rate(product: str) -> str:
    return f"{product} has no rate at the moment, so you can’t start a plan. Try again later."


def no_end_date(product: str) -> str:
    return f"{product} has no end date. You can move the money to your stash at any time."


def end_out_of_range(earliest: datetime.date, latest: datetime.date) -> str:
    return f"Choose a day from {format_day(earliest)} to {format_day(latest)}."


def end_only_later(matures_on: datetime.date) -> str:
    return f"You can extend this date beyond {format_day(matures_on)}, but not bring it forward."


def end_too_late(latest: datetime.date) -> str:
    return f"The latest day for this plan is {format_day(latest)}."


def locked_until(matures_on: datetime.date) -> str:
    return f"This plan is locked until {format_day(matures_on)}. You can’t take money out before then."


def needs_notice(hours: int) -> str:
    return f"This plan needs {format_notice(hours)}. Give notice, and the money then moves to your stash."


def plan_has_less(balance_kobo: int) -> str:
    return f"You have {money.short(balance_kobo)} in this plan. Enter up to that."


def stash_has_less(balance_kobo: int) -> str:
    return f"You have {money.short(balance_kobo)} in your stash. Enter up to that."


def notice_too_large(free_kobo: int) -> str:
    return f"You can give notice of up to {money.short(free_kobo)}."


def too_many_notices(waiting: int) -> str:
    return ngettext(
        "%(count)d notice of this plan is waiting. Cancel it, or wait until it is due.",
        "%(count)d notices of this plan are waiting. Cancel one, or wait until the next is due.",
        waiting,
    ) % {"count": waiting}


def format_notice(hours: int) -> str:
    """Return a length of notice as it is written in a sentence: 1 hour’s notice, 24 hours’ notice, 7 days’ notice."""
    count, is_days = _whole_days(hours)
    if is_days:
        return ngettext("%(count)s day’s notice", "%(count)s days’ notice", count) % {"count": f"{count:,}"}
    return ngettext("%(count)s hour’s notice", "%(count)s hours’ notice", count) % {"count": f"{count:,}"}


def format_hours(hours: int) -> str:
    """Return a number of hours in words, whole days above the first as days: 1 hour, 24 hours, 7 days."""
    count, is_days = _whole_days(hours)
    if is_days:
        return ngettext("%(count)s day", "%(count)s days", count) % {"count": f"{count:,}"}
    return ngettext("%(count)s hour", "%(count)s hours", count) % {"count": f"{count:,}"}


def format_day(date: datetime.date) -> str:
    """Return a date as it is written in a sentence: 5 January 2026."""
    return date_format(date, "j F Y")


def _whole_days(hours: int) -> tuple[int, bool]:
    """Return a count and whether it is of days, which it is above one whole day; else it is of hours."""
    return (hours // 24, True) if hours > 24 and hours % 24 == 0 else (hours, False)
