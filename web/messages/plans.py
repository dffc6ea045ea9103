"""The sentences about plans: where one stands, its terms, and the list of them."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.plans import Every, Instalment, format_notice
from web import date_formats
from web.messages.spacing import unbroken

# After something is done.
CHANGED = "Saved."

# A plan's card and its line of progress.
CLOSED = "Closed"
MATURED = "Matured"
GOAL_REACHED = "Goal reached"
NO_GOAL = "No goal yet"
NO_END_DATE = "No end date"
NO_INTEREST = "no interest"

# The one thing to do about a plan.
SET_GOAL = "Set a goal"
SET_HIGHER_GOAL = "Set a higher goal"
START_ANOTHER = "Start another plan"
TOP_UP = "Top up"
GIVE_NOTICE = "Give notice"
TAKE_OUT_EARLY = "Take out early"
MOVE_TO_STASH = "Move to stash"

# Where a plan stands.
NO_GOAL_LINE = "No goal yet. Set one to see how far you’ve got."
CLOSED_LINE = "This plan is closed. Its history and receipts stay here."
REACHED_LINE = "You did it."

# A finished plan.
HAS_MATURED = "matured"
WAS_CLOSED = "closed"
SAVED_HERE = "Saved here"
INTEREST_AFTER_TAX = "Interest at maturity, after tax"
INTEREST_TO_STASH = "Interest to stash"
TAX_ON_INTEREST = "Tax withheld"

# The list of plans.
NEEDS_YOU = "Needs you"
GOING = "Under way"
TOTAL_SAVED = "Saved"
TOTAL_GROWTH = "In the last 30 days"
TOTAL_NEEDED = "Needed each month"
# Of plans some of which have a single payment left.
TOTAL_NEEDED_NEXT = "Needed in the next month"
PAID_BY_AUTOSAVE = "paid by your auto-save"
PAID_BY_AUTOSAVES = "paid by your auto-saves"
WITHOUT_DATE = "no goal with a date"

# The page that asks which plan to top up.
SUGGESTED = "Suggested"
OTHER_PLANS = "Other plans"
YOUR_PLANS = "Your plans"

# Taking money out, as a plan's terms have it.
FREE = "Taking money out costs nothing."
FREE_AT_ANY_TIME = "You can move money to your stash at any time. Taking money out costs nothing."
ONLY_LATER = "You can’t bring it forward again."
INTEREST_OFF_FOR_NEW = (
    "Interest is off for all your plans. This one earns nothing until you turn interest on in your profile."
)


def needed_from(first: datetime.date) -> str:
    """Return the label of what plans that hold money need: today’s payment may have been made, and is left out."""
    return f"{TOTAL_NEEDED}, from {date_format(first, 'F')}"


def needed_by(day: datetime.date) -> str:
    return f"Needed by {date_formats.day(day, with_year=False)}"


def ready(plan: str, *, autosaves: bool) -> str:
    return f"{plan} is ready. {'Now its auto-save.' if autosaves else 'Make your first payment.'}"


def closed(plan: str) -> str:
    return f"{plan} is closed. Its history stays under Plans."


def days(count: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", count) % {"days": count}


def days_to_go(count: int) -> str:
    return ngettext("%(days)d day to go", "%(days)d days to go", count) % {"days": count}


def to_go(left_kobo: int) -> str:
    return f"{money.short(left_kobo)} to go"


def to_go_in_days(left_kobo: int, count: int) -> str:
    return f"{to_go(left_kobo)} · {days(count)}"


def to_go_behind(left_kobo: int, count: int) -> str:
    return f"{to_go(left_kobo)} · {days(count)} behind"


def to_go_on_track(left_kobo: int) -> str:
    return f"{to_go(left_kobo)} · {unbroken('on track')}"


def progress(percent: int, goal_kobo: int) -> str:
    return f"{percent}% of {money.short(goal_kobo)}"


def product_and_rate(product: str, rate_bps: int) -> str:
    return f"{product} · {money.percent(rate_bps) if rate_bps else NO_INTEREST}"


def with_notice(terms: str, hours: int) -> str:
    """Return the terms of a plan in a list, with the notice that taking money out of it needs."""
    return f"{terms} · {unbroken(format_notice(hours))}"


def runs_until(count: int, matures_on: datetime.date) -> str:
    return f"{days_to_go(count)}, until {_day(matures_on)}."


def is_full(most_kobo: int) -> str:
    return f"This plan is full: a plan holds at most {money.short(most_kobo)}."


def due_soon(left_kobo: int, count: int) -> str:
    return f"{to_go(left_kobo)} in {days(count)}."


def behind(count: int, paid: Instalment) -> str:
    return f"Behind by {days(count)}: {gets_there(paid)}"


def not_begun(left_kobo: int, matures_on: datetime.date, paid: Instalment) -> str:
    return f"{to_go(left_kobo)} by {_day(matures_on)}: {gets_there(paid)}"


def on_track(left_kobo: int, paid: Instalment) -> str:
    return f"{to_go(left_kobo)}. {gets_there(paid)}"


def autosaved(left_kobo: int, paid: Instalment, *, behind_days: int) -> str:
    """Return that the auto-save of a plan reaches its goal."""
    if behind_days:
        return f"Behind by {days(behind_days)}. {autosave_gets_there(paid)}"
    return f"{to_go(left_kobo)}. {autosave_gets_there(paid)}"


def autosave_gets_there(paid: Instalment) -> str:
    each = " a month" if paid.payments > 1 else ""
    return f"Your auto-save of {money.short(paid.amount_kobo)}{each} gets you there."


def gets_there(paid: Instalment) -> str:
    """Return what reaches the goal. It names the number of payments: an auto-save may count one more, today's."""
    text = money.short(paid.amount_kobo)
    if paid.payments > 1 and paid.every == Every.WEEK:
        text = f"{text} a week for {paid.payments} weeks"
    elif paid.payments > 1 and paid.every == Every.MONTH:
        text = f"{text} a month for {paid.payments} months"
    return f"{text} gets you there."


def without_date(left_kobo: int) -> str:
    return f"{to_go(left_kobo)}."


def at_pace(left_kobo: int, pace_month_kobo: int, reached_on: datetime.date) -> str:
    return (
        f"{to_go(left_kobo)}. At your pace of {money.short(pace_month_kobo)} a month, you’d get there around "
        f"{date_format(reached_on, 'F Y')}."
    )


def goal_was_reached(target_kobo: int) -> str:
    return f"You reached your goal of {money.short(target_kobo)}."


def goal_was_missed(target_kobo: int, percent: int) -> str:
    return f"You saved {percent}% of your goal of {money.short(target_kobo)}."


def matured_with_money(matures_on: datetime.date) -> str:
    return f"Matured on {_day(matures_on)}. We’ll do what you chose for that day within minutes."


def matured(matures_on: datetime.date) -> str:
    return f"Matured on {_day(matures_on)}. Its money went to your stash."


def reached_days_early(count: int, matures_on: datetime.date) -> str:
    return f"You did it {days(count)} early. Your money stays safe here until {_day(matures_on)}."


def reached_months_early(count: int, matures_on: datetime.date) -> str:
    early = ngettext("%(months)d month", "%(months)d months", count) % {"months": count}
    return f"You did it {early} early. Your money stays safe here until {_day(matures_on)}."


def top_up_with(amount_kobo: int) -> str:
    return f"Top up {money.short(amount_kobo)}"


def milestone(percent: int, plan: str) -> str:
    """Return the sentence about a quarter of a goal that a payment has reached; empty for any other percentage."""
    return {
        25: f"A quarter of the way to {plan}.",
        50: f"Halfway to {plan}.",
        75: f"Three quarters of the way to {plan}.",
        100: f"You reached your goal for {plan}.",
    }.get(percent, "")


def in_plans(count: int) -> str:
    return ngettext("in %(count)d plan", "in %(count)d plans", count) % {"count": count}


def goals_on_track(count: int, measured: int) -> str:
    """Return the sentence about plans with a goal and a date, of which there are several."""
    return ngettext(
        "%(count)d of %(measured)d goals with a date is on track",
        "%(count)d of %(measured)d goals with a date are on track",
        count,
    ) % {"count": count, "measured": measured}


def is_on_track(plan: str) -> str:
    return f"{plan} is on track"


def needs_you(plan: str) -> str:
    return f"{plan} needs you"


def growth_before(amount: str) -> str:
    return f"{amount} in the 30 days before"


def chart_title(plan: str) -> str:
    return f"{plan}: saved so far"


def blocked(ends_on: datetime.date | None) -> str:
    return f"You can’t take money out before {_end(ends_on)}."


def interest_forfeited(ends_on: datetime.date | None) -> str:
    return f"If you take money out before {_end(ends_on)}, you lose the interest on what you take."


def early_exit_costs(penalty_bps: int, ends_on: datetime.date | None) -> str:
    return f"Leaving before {_end(ends_on)} costs {money.percent(penalty_bps)} of what you take out."


def early_exit_free(ends_on: datetime.date | None) -> str:
    return f"Taking money out before {_end(ends_on)} costs nothing."


def date_not_used(product: str) -> str:
    return f"A {product} plan has no end, so the date isn’t used."


def rate_from(rate_bps: int, count: int) -> str:
    return f"{money.percent(rate_bps)} from {days(count)}"


def share_of_exit(penalty_bps: int) -> str:
    return f"{money.percent(penalty_bps)} of what you take out"


def end_moves(matures_on: datetime.date, later: datetime.date) -> str:
    return f"The end moves from {date_formats.day(matures_on)} to {date_formats.day(later)}."


def interest_off(since: datetime.date | None, today: datetime.date, *, everywhere: bool) -> str:
    """Return the sentence that interest is off, from a later day on or since an earlier one, if that is known."""
    if since is None:
        return "Interest is off for all your plans." if everywhere else "Interest is off for this plan."
    day = date_formats.day(since)
    if since > today:
        return (
            f"Interest is off from {day} for all your plans."
            if everywhere
            else f"Interest is off from {day} for this plan."
        )
    return (
        f"Interest has been off for all your plans since {day}."
        if everywhere
        else f"Interest has been off for this plan since {day}."
    )


def _end(ends_on: datetime.date | None) -> str:
    return f"the end ({date_formats.day(ends_on)})" if ends_on else "the end"


def _day(day: datetime.date) -> str:
    return date_format(day, "j F Y")
