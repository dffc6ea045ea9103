"""Says in words where a plan stands: one line with one thing to do on its page, a few words on its card."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money, plans
from savings.dashboard import Growth, Saving
from savings.models import Transaction
from savings.plans import PACE_DAYS, Every, Pace, Standing, State

_EVERY = {Every.ONCE: "", Every.WEEK: " a week", Every.MONTH: " a month"}
_MILESTONES = {
    25: "A quarter of the way to",
    50: "Halfway to",
    75: "Three quarters of the way to",
    100: "You reached the goal of",
}
_ORDER = {State.DUE_SOON: 0, State.BEHIND: 1, State.MATURED: 3, State.CLOSED: 4}
_MONTH_DAYS = 30


class Line(NamedTuple):
    """One sentence about a plan, and the one thing to do about it: the words of a link and its URL, or neither."""

    text: str
    action: str = ""
    url: str = ""


def of(plan: Saving, today: datetime.date, growth: Growth | None = None) -> Standing:
    """Return where a plan stands; with its recent growth also the projection."""
    if growth is None:
        return plans.standing(plan, today)
    days = min(PACE_DAYS, (today - plan.opened_on).days)
    return plans.standing(plan, today, Pace(growth.pace_kobo, days))


def urgency(plan: Saving, stands: Standing) -> tuple[int, int]:
    """Return the sort key by which a plan that needs its saver most comes first, then the nearest date."""
    if stands.state == State.BEHIND:
        return _ORDER[State.BEHIND], -stands.behind_days
    far = datetime.date.max.toordinal()
    return _ORDER.get(stands.state, 2), plan.matures_on.toordinal() if plan.matures_on else far


def by_urgency(savings: Iterable[Saving], today: datetime.date) -> list[Saving]:
    """Return plans with the most urgent first, and plans of one urgency in their order."""
    return sorted(savings, key=lambda plan: urgency(plan, of(plan, today)))


def short(plan: Saving, stands: Standing) -> str:
    """Return a few words for a card: `₦56,000 to go · 7 days`."""
    to_go = f"{money.short(stands.to_go_kobo)} to go"
    words = {
        State.CLOSED: "Closed",
        State.MATURED: "Matured",
        State.REACHED: "Goal reached",
        State.NO_GOAL: "No goal yet",
        State.RUNNING: f"{_days(stands.days_left)} to go",
        State.NO_DATE: to_go,
        State.DUE_SOON: f"{to_go} · {_days(stands.days_left)}",
        State.BEHIND: f"{to_go} · {_days(stands.behind_days)} behind",
        State.ON_TRACK: f"{to_go} · on track" if plan.balance_kobo else to_go,
    }
    return words[stands.state]


def line(plan: Saving, stands: Standing) -> Line:
    """Return the sentence under the balance of a plan's page, and what to do."""
    if stands.is_over:
        return _over(plan)
    if stands.state == State.REACHED:
        return _reached(plan, stands)
    if stands.state == State.NO_GOAL:
        edit = reverse("plans:edit", args=[plan.pk])
        return Line("No goal yet. Set one, and this page says how far you are.", "Set a goal", edit)
    if stands.state == State.RUNNING:
        return Line(f"{_days(stands.days_left)} to go, until {_day(plan.matures_on)}.", *_top_up(plan))
    if stands.at_once is None:
        return Line(f"This plan is full: a plan holds at most {money.short(settings.PLAN_MAX_KOBO)}.")
    return _to_go(plan, stands)


def milestone(movement: Transaction) -> str:
    """Return the sentence about the milestone that a payment into a plan has reached; empty if it reached none."""
    percent = plans.milestone_of(movement)
    return f"{_MILESTONES[percent]} {movement.plan}." if percent else ""


def _to_go(plan: Saving, stands: Standing) -> Line:
    """Return the line of a plan that has a goal, has not reached it, and takes money."""
    to_go = f"{money.short(stands.to_go_kobo)} to go"
    suggested = stands.suggested
    if suggested is None:
        return _without_date(plan, stands, to_go)
    gets_there = f"{money.short(suggested.amount_kobo)}{_EVERY[suggested.every]} gets you there."
    action = _top_up(plan, suggested.amount_kobo)
    if stands.state == State.DUE_SOON:
        return Line(f"{to_go} in {_days(stands.days_left)}.", *action)
    if stands.state == State.BEHIND:
        return Line(f"Behind by {_days(stands.behind_days)}: {gets_there}", *action)
    if not plan.balance_kobo:
        return Line(f"{to_go} by {_day(plan.matures_on)}: {gets_there}", *action)
    return Line(f"On track: {to_go}. {gets_there}", *action)


def _without_date(plan: Saving, stands: Standing, to_go: str) -> Line:
    if stands.projected_on is None:
        return Line(f"{to_go}.", *_top_up(plan))
    pace_kobo = stands.pace_month_kobo
    about = date_format(stands.projected_on, "F Y")
    text = f"{to_go}; at your pace ({money.short(pace_kobo)} a month) about {about}."
    return Line(text, *_top_up(plan, max(settings.TOP_UP_MIN_KOBO, min(pace_kobo, stands.to_go_kobo))))


def _over(plan: Saving) -> Line:
    if plan.closed_at is not None:
        return Line("This plan is closed. Its history and receipts stay here.")
    text = f"Matured on {_day(plan.matures_on)}."
    if plan.balance_kobo:
        return Line(f"{text} We’ll do what you chose for that day within minutes.")
    return Line(f"{text} Its money is in your stash.", "Start another plan", reverse("plans:start"))


def _reached(plan: Saving, stands: Standing) -> Line:
    text = "You did it."
    if plan.matures_on:
        early, day = _early(stands.days_left), _day(plan.matures_on)
        text = f"You did it {early} early. Your money stays safe here until {day}."
    return Line(text, "Set a higher goal", reverse("plans:edit", args=[plan.pk]))


def _top_up(plan: Saving, amount_kobo: int | None = None) -> tuple[str, str]:
    """Return the words and the URL of a link to the top-up form, with a sum (kobo) as far as one payment takes it."""
    url = reverse("plans:top_up", args=[plan.pk])
    if amount_kobo is None:
        return "Top up", url
    amount_kobo = min(amount_kobo, settings.TOP_UP_MAX_KOBO)
    figures = money.decimal(amount_kobo).removesuffix(".00")
    return f"Top up {money.short(amount_kobo)}", f"{url}?{urlencode({'amount': figures})}"


def _days(days: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def _early(days: int) -> str:
    """Return a length of time in months from two months on, else in days."""
    months = days // _MONTH_DAYS
    return f"{months} months" if months > 1 else _days(days)


def _day(day: datetime.date | None) -> str:
    return date_format(day, "j F Y") if day else ""
