"""How much a rule saves at a date, and when it reaches the goal of its plan."""

from __future__ import annotations

import datetime
from itertools import islice, takewhile
from typing import NamedTuple, Protocol

from django.conf import settings

from savings import money
from savings.autosave.rhythms import Dated, Rhythm, rhythm_of
from savings.models import Plan
from savings.models.autosave import Source
from savings.plans import STEP_KOBO, Every, Instalment

# The dates that a preview names.
_NAMED_DATES = 4
# A preview looks no further ahead: 20 years of days.
MOST_DATES = 7_305


class Preview(NamedTuple):
    """What a rule would do. Amounts are in kobo.

    `dates` are the next four with their amounts. `reaches_on` is the date that brings the plan to its goal, if one
    does and nothing else comes or goes: the rule ends or pauses there. `payments` and `total_kobo` are of all dates up
    to that one, or to the end of the rule or of the plan; 0 for a rule without such an end.
    """

    dates: list[tuple[datetime.date, int]]
    reaches_on: datetime.date | None
    payments: int
    total_kobo: int


def least_kobo(source: str) -> int:
    """Return the smallest amount of a rule, in kobo."""
    least_kobo = settings.CARDS.autosave_min_kobo if source == Source.CARD else settings.TOP_UP_MIN_KOBO
    return int(least_kobo)


class Asked(Dated, Protocol):
    """What decides about the amount of a date: a rule, or the terms of one that is not stored yet."""

    @property
    def amount_kobo(self) -> int | None: ...
    @property
    def source(self) -> str: ...
    @property
    def until_goal(self) -> bool: ...
    @property
    def past_goal_kobo(self) -> int | None: ...


def amount_on(day: datetime.date, asked: Asked, plan: Plan | None, *, saved_kobo: int = 0) -> int:
    """Return what a rule saves on one of its dates, in kobo; 0 when the goal that it depends on is reached.

    Without an amount it is what the plan needs: to go / dates from this one to the day before maturity, rounded up to
    whole hundreds of naira, at most what is to go. A rule that ends with the goal saves at most what is to go, too. No
    date saves less than the smallest amount of its source. `saved_kobo` is added to the plan's balance: what earlier
    dates bring. Reads `plan.account`.
    """
    to_go_kobo = None
    if plan is not None and plan.target_kobo is not None:
        to_go_kobo = max(0, plan.target_kobo - (plan.account.balance_kobo or 0) - saved_kobo)
    amount_kobo = asked.amount_kobo
    if amount_kobo is None:
        amount_kobo = _needed_kobo(day, rhythm_of(asked), plan, to_go_kobo or 0)
    if asked.until_goal and to_go_kobo is not None:
        amount_kobo = min(amount_kobo, to_go_kobo)
    return max(amount_kobo, least_kobo(asked.source)) if amount_kobo else 0


def preview(
    first_on: datetime.date | None, asked: Asked, plan: Plan | None, *, announced_kobo: int = 0
) -> Preview:
    """Return what a rule with its first date would do, if nothing else moves. Reads `plan.account`; no queries.

    `announced_kobo` is what an earlier date will save, which is announced already: the plan then needs less.
    """
    rhythm = rhythm_of(asked)
    every = [] if first_on is None else [first_on, *islice(rhythm.dates(first_on), MOST_DATES)]
    dates = list(takewhile(lambda day: is_open_on(plan, day), every))
    balance_kobo = announced_kobo + ((plan.account.balance_kobo or 0) if plan else 0)
    target_kobo = plan.target_kobo if plan else None
    # As in `stops.reason_of_plan`: a goal that the saver knows to be reached stops nothing.
    stops_at_goal = asked.until_goal or asked.amount_kobo is None or target_kobo != asked.past_goal_kobo
    named: list[tuple[datetime.date, int]] = []
    saved_kobo = payments = 0
    reaches_on = None
    for day in dates:
        kobo = amount_on(day, asked, plan, saved_kobo=announced_kobo + saved_kobo)
        if not kobo:
            break
        saved_kobo, payments = saved_kobo + kobo, payments + 1
        if len(named) < _NAMED_DATES:
            named.append((day, kobo))
        if target_kobo and reaches_on is None and balance_kobo + saved_kobo >= target_kobo > balance_kobo:
            reaches_on = day
            if stops_at_goal:
                break
    if not ((reaches_on and stops_at_goal) or rhythm.until_on or (plan is not None and ends_with_plan(plan))):
        payments = saved_kobo = 0
    return Preview(named, reaches_on, payments, saved_kobo)


def instalment(
    first_on: datetime.date, rhythm: Rhythm, *, to_go_kobo: int, ends: datetime.date
) -> Instalment:
    """Return the sum (kobo) of each date from the first on, and their number, that reaches a goal before a day.

    It is rounded up to whole hundreds of naira, and at most what is to go.
    """
    left = 1 + sum(1 for _ in takewhile(lambda date: date < ends, rhythm.dates(first_on)))
    return Instalment(min(money.round_up(-(-to_go_kobo // left), STEP_KOBO), to_go_kobo), Every.MONTH, left)


def is_open_on(plan: Plan | None, day: datetime.date) -> bool:
    """Return whether a plan still takes money on a day, as its dates are now; the stash always does."""
    return plan is None or not (ends_with_plan(plan) and plan.is_matured(day))


def ends_with_plan(plan: Plan) -> bool:
    """Return whether a plan has a last day for payments: it matures, and does not begin again."""
    return plan.matures_on is not None and plan.at_maturity not in Plan.RENEWING


def _needed_kobo(day: datetime.date, rhythm: Rhythm, plan: Plan | None, to_go_kobo: int) -> int:
    if plan is None or plan.matures_on is None or not to_go_kobo:
        return to_go_kobo
    return instalment(day, rhythm, to_go_kobo=to_go_kobo, ends=plan.matures_on).amount_kobo
