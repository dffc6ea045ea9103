"""The sentences about taking money out of a plan: early exits, their quotes, and notices."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.plans import format_notice
from web import date_formats

# The quote of an early exit, and the lines of its receipt.
AT_MATURITY = "At maturity"
TODAY = "Today"
RENEWS = "A new term starts on that day. To get the money then, change what happens at maturity first."
TAKEN_OUT = "Taken out"
TAKEN_OUT_OF_PLAN = "Taken out of the plan"
INTEREST = "Interest"
TAX_ON_INTEREST = "Tax on it"
PENALTY = "Penalty"
INTEREST_LOST = "Interest lost"
IN_YOUR_STASH = "In your stash"
ARRIVED_IN_STASH = "Arrived in your stash"

# How long until a notice is due.
IN_AN_HOUR = "In about an hour"
IN_LESS_THAN_AN_HOUR = "In less than an hour"
DUE_NOW = "Due now"


def penalty_of(penalty_bps: int) -> str:
    return f"{PENALTY}, {money.percent(penalty_bps)}"


def leaves(left_kobo: int, goal_kobo: int | None) -> str:
    """Return what taking money out leaves in the plan, and its goal if it has one."""
    left = money.short(left_kobo)
    return (
        f"Leaves {left} of your {money.short(goal_kobo)} goal."
        if goal_kobo
        else f"Leaves {left} in the plan."
    )


def taken_out_early(plan: str) -> str:
    return f"The money from {plan} is in your stash."


def notice_given(amount_kobo: int) -> str:
    return f"You gave notice of {money.short(amount_kobo)}."


def notice_cancelled(amount_kobo: int) -> str:
    return f"The notice of {money.short(amount_kobo)} is cancelled. The money stays in the plan."


def leaving_early(penalty_bps: int, penalty_kobo: int, amount_kobo: int) -> str:
    return (
        f"Leaving early costs {money.percent(penalty_bps)}: you’d get {money.short(amount_kobo - penalty_kobo)} of "
        f"{money.short(amount_kobo)} in your stash."
    )


def needs_notice(hours: int) -> str:
    return f"Taking money out needs {format_notice(hours)}, which you can cancel."


def needs_notice_before_maturity(hours: int) -> str:
    return f"Taking money out before maturity needs {format_notice(hours)}, which you can cancel."


def due(at: datetime.datetime) -> str:
    """Return a coming moment: `Today, 09:26`, `Tomorrow, 09:26`, `Fri 4 Dec, 09:26`."""
    local = timezone.localtime(at)
    near = {0: "Today", 1: "Tomorrow"}.get((local.date() - timezone.localdate()).days)
    return f"{near or date_format(local, 'D j M')}, {date_formats.time(local)}"


def in_days(count: int) -> str:
    return ngettext("In about %(days)d day", "In about %(days)d days", count) % {"days": count}


def in_hours(count: int) -> str:
    return ngettext("In about %(hours)d hour", "In about %(hours)d hours", count) % {"hours": count}


def quoted_in_days(count: int) -> str:
    return ngettext("In %(days)d day", "In %(days)d days", count) % {"days": count}


def rank_lost(rank: str) -> str:
    return f"You are {rank} in your circle, and would not be ranked any more."


def rank_stays(rank: str) -> str:
    return f"You stay {rank} in your circle."


def rank_changes(rank: str, then: str) -> str:
    return f"You are {rank} in your circle, and would be {then}."
