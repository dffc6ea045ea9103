"""Says in words where a plan stands: one line with one thing to do on its page, a few words on its card."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from savings import autosave, money, plans
from savings.dashboard import Growth, Saving
from savings.models import Transaction
from savings.plans import PACE_DAYS, Pace, Standing, State
from web.messages import plans as messages

_ORDER = {State.DUE_SOON: 0, State.BEHIND: 1, State.MATURED: 3, State.CLOSED: 4}
_MONTH_DAYS = 30
# A goal is near when one part in so many is missing.
_NEAR = 10


class Line(NamedTuple):
    """One sentence about a plan, and the one thing to do about it: the words of a link and its URL, or neither.

    `sum_kobo` is the sum that the link to the top-up form fills in; 0 without one.
    """

    text: str
    action: str = ""
    url: str = ""
    is_top_up: bool = False
    sum_kobo: int = 0


def of(plan: Saving, today: datetime.date, growth: Growth | None = None) -> Standing:
    """Return where a plan stands; with its recent growth also the projection."""
    filling = autosave.filling(plan)
    if growth is None:
        return plans.standing(plan, today, autosave=filling)
    days = min(PACE_DAYS, (today - plan.opened_on).days)
    return plans.standing(plan, today, Pace(growth.pace_kobo, days), autosave=filling)


def urgency(plan: Saving, stands: Standing) -> tuple[int, int]:
    """Return the sort key by which a plan that needs its saver most comes first, then the nearest date."""
    if stands.state == State.BEHIND:
        return _ORDER[State.BEHIND], -stands.behind_days
    far = datetime.date.max.toordinal()
    return _ORDER.get(stands.state, 2), plan.matures_on.toordinal() if plan.matures_on else far


def by_urgency(savings: Iterable[Saving], today: datetime.date) -> list[Saving]:
    """Return plans with the most urgent first, and plans of one urgency in their order."""
    return sorted(savings, key=lambda plan: urgency(plan, of(plan, today)))


def deeds(savings: Iterable[Saving], today: datetime.date) -> list[tuple[str, Line]]:
    """Return the name and the line of each plan that needs its saver, where something can be done about it."""
    stands = [(plan, of(plan, today)) for plan in savings]
    needing = [(plan.name, _beside_action(line(plan, one), one)) for plan, one in stands if one.needs_saver]
    return [(name, said) for name, said in needing if said.action]


def _beside_action(said: Line, stands: Standing) -> Line:
    """Return a line without the sum that its action names already."""
    is_all = stands.state == State.DUE_SOON and said.sum_kobo == stands.to_go_kobo
    return said._replace(text=messages.days_to_go(stands.days_left)) if is_all else said


def short(plan: Saving, stands: Standing) -> str:
    """Return a few words for a card: `₦56,000 to go · 7 days`."""
    to_go = messages.to_go(stands.to_go_kobo)
    words = {
        State.CLOSED: messages.CLOSED,
        State.MATURED: messages.MATURED,
        State.REACHED: messages.GOAL_REACHED,
        State.NO_GOAL: messages.NO_GOAL,
        State.RUNNING: messages.days_to_go(stands.days_left),
        State.NO_DATE: to_go,
        State.DUE_SOON: messages.to_go_in_days(stands.to_go_kobo, stands.days_left),
        State.BEHIND: messages.to_go_behind(stands.to_go_kobo, stands.behind_days),
        State.ON_TRACK: messages.to_go_on_track(stands.to_go_kobo) if plan.balance_kobo else to_go,
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
        return Line(messages.NO_GOAL_LINE, messages.SET_GOAL, edit)
    if stands.state == State.RUNNING and plan.matures_on:
        return Line(messages.runs_until(stands.days_left, plan.matures_on), *_top_up(plan))
    if stands.at_once is None:
        return Line(messages.is_full(settings.PLAN_MAX_KOBO))
    return _to_go(plan, stands)


def rest_of_goal(plan: Saving, stands: Standing) -> Line | None:
    """Return the line of a goal without a date whose last tenth is missing, with all of that; None for another plan."""
    is_near = stands.to_go_kobo * _NEAR <= (plan.target_kobo or 0)
    if stands.state != State.NO_DATE or stands.at_once is None or not is_near:
        return None
    return Line(messages.to_go(stands.to_go_kobo), *_top_up(plan, stands.at_once.amount_kobo))


def milestone(movement: Transaction) -> str:
    """Return the sentence about the milestone that a payment into a plan has reached; empty if it reached none."""
    return messages.milestone(plans.milestone_of(movement), str(movement.plan))


def _to_go(plan: Saving, stands: Standing) -> Line:
    """Return the line of a plan that has a goal, has not reached it, and takes money."""
    left_kobo, suggested = stands.to_go_kobo, stands.suggested
    if suggested is None or plan.matures_on is None:
        return _without_date(plan, stands)
    action = _top_up(plan, suggested.amount_kobo)
    if stands.state == State.DUE_SOON:
        return Line(messages.due_soon(left_kobo, stands.days_left), *action)
    if stands.autosave is not None:
        # The sum is paid already: to press for it once more would pay it twice.
        text = messages.autosaved(left_kobo, stands.autosave, behind_days=_behind(stands))
        return Line(text, *_top_up(plan))
    if stands.state == State.BEHIND:
        return Line(messages.behind(stands.behind_days, suggested), *action)
    if not plan.balance_kobo:
        text = messages.not_begun(left_kobo, plan.matures_on, suggested)
        return Line(text, *action)
    return Line(messages.on_track(left_kobo, suggested), *action)


def _behind(stands: Standing) -> int:
    return stands.behind_days if stands.state == State.BEHIND else 0


def _without_date(plan: Saving, stands: Standing) -> Line:
    if stands.projected_on is None:
        return Line(messages.without_date(stands.to_go_kobo), *_top_up(plan))
    pace_kobo = stands.pace_month_kobo
    text = messages.at_pace(stands.to_go_kobo, pace_kobo, stands.projected_on)
    return Line(text, *_top_up(plan, max(settings.TOP_UP_MIN_KOBO, min(pace_kobo, stands.to_go_kobo))))


def _over(plan: Saving) -> Line:
    if plan.matures_on is None or (
        plan.closed_at is not None and timezone.localdate(plan.closed_at) < plan.matures_on
    ):
        return Line(messages.CLOSED_LINE)
    if plan.balance_kobo:
        return Line(messages.matured_with_money(plan.matures_on))
    return Line(messages.matured(plan.matures_on), messages.START_ANOTHER, reverse("plans:start"))


def _reached(plan: Saving, stands: Standing) -> Line:
    text, months = messages.REACHED_LINE, stands.days_left // _MONTH_DAYS
    if plan.matures_on and months > 1:
        text = messages.reached_months_early(months, plan.matures_on)
    elif plan.matures_on:
        text = messages.reached_days_early(stands.days_left, plan.matures_on)
    return Line(text, messages.SET_HIGHER_GOAL, reverse("plans:edit", args=[plan.pk]))


def _top_up(plan: Saving, amount_kobo: int | None = None) -> tuple[str, str, bool, int]:
    """Return the link to the top-up form for a line, with a sum (kobo) as far as one payment takes it."""
    url = reverse("plans:top_up", args=[plan.pk])
    if amount_kobo is None:
        return messages.TOP_UP, url, True, 0
    amount_kobo = min(amount_kobo, settings.TOP_UP_MAX_KOBO)
    figures = money.figures(amount_kobo).removesuffix(".00")
    return messages.top_up_with(amount_kobo), f"{url}?{urlencode({'amount': figures})}", True, amount_kobo
