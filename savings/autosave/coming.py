"""The coming dates of a saver's auto-save rules."""

from __future__ import annotations

import datetime
from itertools import takewhile
from typing import NamedTuple

from savings.autosave import stops
from savings.autosave.amounts import amount_on
from savings.autosave.rhythms import rhythm_of
from savings.autosave.rules import STATE_OF_PLAN
from savings.models import AutosaveRule, AutosaveRun, User


class Coming(NamedTuple):
    """One date of a rule: announced already, skipped, or expected if the rule stays as it is.

    `amount_kobo` is what is announced, or what the rule would save by the state of its plan and the dates before it.
    `plan_id` is None and `plan_name` empty for the stash. `run_id` is None for a date that is not announced yet.
    """

    rule_id: int
    run_id: int | None
    day: datetime.date
    amount_kobo: int
    source: str
    plan_id: int | None
    plan_name: str
    is_skipped: bool


def coming(user: User, since: datetime.date, until: datetime.date) -> list[Coming]:
    """Return the dates of a user's rules from one day to another, both included, in their order.

    Two queries, however many rules there are. Runs that are done or failed are not coming any more and left out.
    """
    complete = user.autosave_rules.select_related(*STATE_OF_PLAN)
    rules = {rule.pk: rule for rule in complete.order_by("id")}
    left = [AutosaveRun.Status.WAITING, AutosaveRun.Status.TRYING, AutosaveRun.Status.SKIPPED]
    runs = AutosaveRun.objects.filter(rule__user=user, due_on__range=(since, until), status__in=left)
    announced = list(runs.order_by("due_on", "id"))
    dates = [_announced(run, rules[run.rule_id]) for run in announced]
    saved_kobo = dict.fromkeys(rules, 0)
    for date in dates:
        saved_kobo[date.rule_id] += 0 if date.is_skipped else date.amount_kobo
    for rule in rules.values():
        dates += _expected(rule, until, saved_kobo[rule.pk])
    return sorted((date for date in dates if date.day >= since), key=lambda date: (date.day, date.rule_id))


def _announced(run: AutosaveRun, rule: AutosaveRule) -> Coming:
    return Coming(
        rule_id=rule.pk,
        run_id=run.pk,
        day=run.due_on,
        amount_kobo=run.amount_kobo,
        source=run.source,
        plan_id=rule.plan_id,
        plan_name=rule.plan.name if rule.plan else "",
        is_skipped=run.status == AutosaveRun.Status.SKIPPED,
    )


def _expected(rule: AutosaveRule, until: datetime.date, saved_kobo: int) -> list[Coming]:
    """Return the dates of a rule, up to a day, that are not announced yet; none for a rule that is not active."""
    if rule.next_on is None:
        return []
    rhythm, plan = rhythm_of(rule), rule.plan
    days = (rule.next_on, *takewhile(lambda day: day <= until, rhythm.dates(rule.next_on)))
    dates = []
    for day in days:
        if day > until or stops.reason_of_plan(plan, day, past_goal_kobo=rule.past_goal_kobo):
            break
        kobo = amount_on(day, rule, plan, saved_kobo=saved_kobo)
        if not kobo:
            break
        saved_kobo += kobo
        dates.append(
            Coming(
                rule_id=rule.pk,
                run_id=None,
                day=day,
                amount_kobo=kobo,
                source=rule.source,
                plan_id=rule.plan_id,
                plan_name=plan.name if plan else "",
                is_skipped=False,
            )
        )
    return dates
