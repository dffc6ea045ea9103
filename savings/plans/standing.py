"""Where a plan stands: its state, the money still to go, the sums that reach its goal, and a projection."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import NamedTuple, Protocol

from django.conf import settings

from savings import money

# A plan with a date needs its saver when the date is so near, or when it is so many days behind. Less than a week is
# the ordinary wait for the next payment.
DUE_SOON_DAYS = 14
BEHIND_FROM_DAYS = 7
# Up to this many days before the date a weekly sum is suggested, above a monthly one.
WEEKLY_UP_TO_DAYS = 92
# The pace is that of the last 90 days. A shorter history than 30 days says nothing about the months to come.
PACE_DAYS = 90
LEAST_PACE_DAYS = 30
# Suggested sums are rounded up to whole hundreds of naira.
STEP_KOBO = 100 * money.KOBO_PER_NAIRA
_FURTHEST_DAYS = 36_525
# The milestones of a goal, in per cent.
QUARTERS = (25, 50, 75, 100)


class State(enum.StrEnum):
    """The state of a plan, in the order in which they are decided: the first that applies."""

    CLOSED = "closed"
    MATURED = "matured"
    # A date and no goal.
    RUNNING = "running"
    # Neither a date nor a goal.
    NO_GOAL = "no_goal"
    # It holds its goal or more.
    REACHED = "reached"
    # A goal and no date.
    NO_DATE = "no_date"
    DUE_SOON = "due_soon"
    BEHIND = "behind"
    ON_TRACK = "on_track"


class Every(enum.StrEnum):
    """How often a suggested sum is paid."""

    ONCE = "once"
    WEEK = "week"
    MONTH = "month"


class Instalment(NamedTuple):
    """A sum (kobo) that reaches the goal when it is paid `payments` times."""

    amount_kobo: int
    every: Every
    payments: int


class Pace(NamedTuple):
    """The kobo by which a plan's balance grew in the last `days`, payments less what left the plan."""

    saved_kobo: int
    days: int

    @property
    def month_kobo(self) -> int:
        """The same for 30 days, in kobo, rounded down to whole hundreds of naira."""
        return money.round_down(self.saved_kobo * 30 // self.days, STEP_KOBO) if self.days else 0


class Measured(Protocol):
    """What `standing` reads of a plan. Amounts are in kobo."""

    @property
    def target_kobo(self) -> int | None: ...
    @property
    def balance_kobo(self) -> int: ...
    @property
    def started_on(self) -> datetime.date: ...
    @property
    def matures_on(self) -> datetime.date | None: ...
    @property
    def closed_at(self) -> datetime.datetime | None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Where a plan stands on a day. Amounts are in kobo; what does not apply is 0 or None."""

    state: State
    # From the balance to the goal.
    to_go_kobo: int = 0
    # From today to the date.
    days_left: int = 0
    # Days behind, or ahead of, the straight line from zero on the first day to the goal on the last.
    behind_days: int = 0
    ahead_days: int = 0
    weekly: Instalment | None = None
    monthly: Instalment | None = None
    # What an auto-save pays, so that the goal is reached in time; `monthly` is the same sum then.
    autosave: Instalment | None = None
    # All that is to go, or all that fits in the plan, at once.
    at_once: Instalment | None = None
    pace_month_kobo: int = 0
    # The day on which the pace reaches the goal.
    projected_on: datetime.date | None = None

    @property
    def suggested(self) -> Instalment | None:
        """The sum to name first: all of it when the date is near, else a sum per week or per month."""
        if self.state == State.DUE_SOON:
            return self.at_once
        return self.weekly if self.days_left <= WEEKLY_UP_TO_DAYS else self.monthly

    @property
    def needs_saver(self) -> bool:
        return self.state in {State.DUE_SOON, State.BEHIND}

    @property
    def is_over(self) -> bool:
        return self.state in {State.CLOSED, State.MATURED}


def standing(
    plan: Measured, today: datetime.date, pace: Pace | None = None, *, autosave: Instalment | None = None
) -> Standing:
    """Return where a plan stands today. `pace` is needed for the projection alone; nothing is read from the database.

    `autosave` is what the plan's auto-save pays each month, if that is what the goal needs: no page may name two sums.

    - To go = goal - balance, at least 0. Interest counts: it is part of the balance.
    - Behind (or ahead) = days since the start - balance x days of the term // goal.
    - A suggested sum = to go / payments, rounded up to whole hundreds of naira, at most what is to go, at least the
      smallest top-up, and never more than fits in the plan (`PLAN_MAX_KOBO`). All payments together reach the goal, or
      fill the plan. Payments are every 7 days, or on the same day of each month (its last day where the month is
      shorter), before the day of maturity: on that day a plan takes no more money. The first is today for an empty
      plan, or if there is no other; for a plan that holds money it is the next, because today's may have been paid.
    - Projection = today + to go x days of the pace / kobo of the pace, rounded up to a whole day.
    """
    if plan.closed_at is not None:
        return Standing(State.CLOSED)
    days_left = _days_left(plan, today)
    to_go_kobo = max(0, plan.target_kobo - plan.balance_kobo) if plan.target_kobo else 0
    if plan.matures_on is not None and plan.matures_on <= today:
        return Standing(State.MATURED, to_go_kobo)
    if plan.target_kobo is None:
        return Standing(State.RUNNING if plan.matures_on else State.NO_GOAL, days_left=days_left)
    if not to_go_kobo:
        return Standing(State.REACHED, days_left=days_left)
    found = _to_goal(plan, plan.target_kobo, to_go_kobo, today, pace)
    return dataclasses.replace(found, autosave=autosave, monthly=autosave) if autosave else found


def months_before(day: datetime.date, today: datetime.date) -> int:
    """Return how many payments on the same day of each month there are from today on and before a later day."""
    months = (day.year - today.year) * 12 + day.month - today.month
    return months + (1 if day.day > today.day else 0)


def milestone(target_kobo: int | None, *, before_kobo: int, after_kobo: int) -> int:
    """Return the highest quarter of a goal that a balance has just reached, in per cent: 25, 50, 75 or 100; 0 if none.

    All amounts are in kobo.
    """
    reached = [
        percent
        for percent in QUARTERS
        if target_kobo and before_kobo * 100 < target_kobo * percent <= after_kobo * 100
    ]
    return max(reached, default=0)


def _days_left(plan: Measured, today: datetime.date) -> int:
    return max(0, (plan.matures_on - today).days) if plan.matures_on else 0


def _to_goal(
    plan: Measured, target_kobo: int, to_go_kobo: int, today: datetime.date, pace: Pace | None
) -> Standing:
    """Return the standing of an open plan that has not reached its goal."""
    days_left, room_kobo = _days_left(plan, today), max(0, settings.PLAN_MAX_KOBO - plan.balance_kobo)
    month_kobo, projected_on = _projection(to_go_kobo, today, pace)
    undated = Standing(
        State.NO_DATE,
        to_go_kobo,
        at_once=_suggestion(to_go_kobo, room_kobo, Every.ONCE, 1),
        pace_month_kobo=month_kobo,
        projected_on=projected_on,
    )
    if plan.matures_on is None:
        return undated
    behind_days = _behind_days(plan, target_kobo, plan.matures_on, today)
    paid = 1 if plan.balance_kobo else 0
    weeks = max(1, -(-days_left // 7) - paid)
    months = max(1, months_before(plan.matures_on, today) - paid)
    return dataclasses.replace(
        undated,
        state=_dated_state(days_left, behind_days),
        days_left=days_left,
        behind_days=max(0, behind_days),
        ahead_days=max(0, -behind_days),
        weekly=_suggestion(to_go_kobo, room_kobo, Every.WEEK, weeks),
        monthly=_suggestion(to_go_kobo, room_kobo, Every.MONTH, months),
    )


def _dated_state(days_left: int, behind_days: int) -> State:
    if days_left <= DUE_SOON_DAYS:
        return State.DUE_SOON
    return State.BEHIND if behind_days >= BEHIND_FROM_DAYS else State.ON_TRACK


def _behind_days(plan: Measured, target_kobo: int, ends: datetime.date, today: datetime.date) -> int:
    saved_for = plan.balance_kobo * (ends - plan.started_on).days // target_kobo
    return (today - plan.started_on).days - saved_for


def _suggestion(to_go_kobo: int, room_kobo: int, every: Every, payments: int) -> Instalment | None:
    """Return the sum of each payment (kobo); None when nothing fits in the plan."""
    if not room_kobo:
        return None
    amount_kobo = min(money.round_up(-(-to_go_kobo // payments), STEP_KOBO), to_go_kobo)
    return Instalment(min(max(amount_kobo, settings.TOP_UP_MIN_KOBO), room_kobo), every, payments)


def _projection(to_go_kobo: int, today: datetime.date, pace: Pace | None) -> tuple[int, datetime.date | None]:
    """Return the pace of a month (kobo), and the day on which it reaches the goal; nothing without a steady pace."""
    if pace is None or pace.days < LEAST_PACE_DAYS or pace.month_kobo <= 0:
        return 0, None
    days = -(-to_go_kobo * pace.days // pace.saved_kobo)
    is_near = days <= _FURTHEST_DAYS
    return pace.month_kobo, today + datetime.timedelta(days=days) if is_near else None
