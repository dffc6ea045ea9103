"""The sentences about auto-save, for a translator: constants, and functions with values."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.models import AutosaveRule, AutosaveRun

Reason = AutosaveRule.Reason

# Why a rule is paused, or has ended.
REASONS: dict[AutosaveRule.Reason, str] = {
    Reason.SAVER: "You turned it off.",
    Reason.DATE: "Its last date has passed.",
    Reason.GOAL: "The plan has reached its goal.",
    Reason.CLOSED: "The plan is closed.",
    Reason.MATURED: "The plan has matured.",
    Reason.FULL: "The plan has no room for the amount.",
    Reason.LEFT: "You left the circle.",
    Reason.CIRCLE_ENDED: "The circle has ended.",
    Reason.CARD: "The card can’t be charged any more. Choose another one.",
    Reason.OWES: "You owe money from a payment that went back. Pay it first.",
    Reason.DISPUTE: "A payment of yours is disputed. It has to be settled first.",
    Reason.FAILED: "Three dates in a row failed.",
    Reason.INACTIVE: "Your account was closed.",
    Reason.FROZEN: "Our staff have frozen your account.",
}

# Why a date was skipped or failed.
RUN_REASONS: dict[str, str] = {
    AutosaveRun.Reason.SAVER: "You skipped it.",
    AutosaveRun.Reason.STOPPED: "The auto-save was paused or stopped first.",
    AutosaveRun.Reason.LATER: "Its next date came first.",
    AutosaveRun.Reason.SHORT: "There wasn’t enough in your stash.",
    AutosaveRun.Reason.NOT_ALLOWED: "Your card couldn’t be charged.",
    AutosaveRun.Reason.CHECKED: "We’re checking the payment.",
    AutosaveRun.Reason.CARD: "The card we announced for this date can’t be charged any more.",
}

CARD_FAILED = "Your card couldn’t be charged."

# The terms of a rule.
STASH_FROM_CARD = "Only a card can fill your stash. Choose one."
CHOOSE_CARD = "Choose a card that can be charged."
NEEDS_GOAL_AND_DATE = (
    "Only a plan with a goal and an end date can say what it needs each month. Enter an amount."
)
MISSING_IS_MONTHLY = "What your goal needs is worked out each month. Choose monthly."
NO_GOAL = "This plan has no goal. Set one first, or let the auto-save end on a date."
CHOOSE_WEEKDAY = "Choose a day of the week."
CHOOSE_MONTH_DAY = "Choose a day from 1 to 31."
CHOOSE_DATE = "Choose the day."
FROM_TOMORROW = "The first day is tomorrow, so that we can tell you before. Choose a later day."

# Changes of a rule.
NO_DATE_LEFT = "There’s no date left. Change when it runs, then turn it on again."
ALREADY_BEGUN = "The money for that date is on its way already."
OTHER_NEXT_DATE = "That is not the next date any more. Check it and try again."
RULE_ENDED = "This auto-save has ended. Set up a new one."


def too_many(most: int) -> str:
    return ngettext(
        "You have %(count)d auto-save already. Stop one first.",
        "You have %(count)d auto-saves already. Stop one first.",
        most,
    ) % {"count": most}


def too_small(least_kobo: int, *, is_card: bool) -> str:
    least = money.short(least_kobo)
    return f"From a card, the least is {least}." if is_card else f"The least is {least}."


def too_large(most_kobo: int) -> str:
    return f"The most at once is {money.short(most_kobo)}."


def ends_before(matures_on: datetime.date, first_on: datetime.date) -> str:
    ends, first = date_format(matures_on, "j F Y"), date_format(first_on, "j F Y")
    return f"The plan ends on {ends}, before the first date, {first}."
