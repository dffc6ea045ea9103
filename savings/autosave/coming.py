"""The coming dates of a saver's auto-save rules."""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from savings.autosave import stops
from savings.autosave.amounts import MOST_DATES, amount_on
from savings.autosave.rhythms import rhythm_of
from savings.autosave.rules import STATE_OF_PLAN
from savings.models import AutosaveRule, AutosaveRun, Plan, User

Status = AutosaveRun.Status
# A date of a rule, or one that is announced with its sum in kobo.
type _Dated = tuple[datetime.date, AutosaveRule | None, int]


class Coming(NamedTuple):
    """One date of a rule: announced already, tried again, skipped, or expected if the rule stays as it is.

    `day` is the day on which money moves: for a date whose first try failed, that of the next try at `again_at`.
    `due_on` is the date itself where that is another day. `amount_kobo` is what is announced, or what the rule would
    save by the state of its plan and the dates before it. `plan_id` is None and `plan_name` empty for the stash.
    `run_id` is None for a date that is not announced yet.
    """

    rule_id: int
    run_id: int | None
    day: datetime.date
    amount_kobo: int
    source: str
    plan_id: int | None
    plan_name: str
    is_skipped: bool
    due_on: datetime.date | None = None
    again_at: datetime.datetime | None = None


def coming(user: User, since: datetime.date, until: datetime.date) -> list[Coming]:
    """Return the dates of a user's rules from one day to another, both included, in their order.

    Two queries, however many rules there are. Runs that are done or failed are not coming any more and left out.
    """
    complete = user.autosave_rules.select_related(*STATE_OF_PLAN)
    rules = {rule.pk: rule for rule in complete.order_by("id")}
    left = Q(due_on__range=(since, until), status__in=[Status.WAITING, Status.TRYING, Status.SKIPPED])
    # One that failed waits for its next try after its date.
    again = Q(due_on__lt=since, status=Status.WAITING)
    runs = AutosaveRun.objects.filter(left | again, rule__user=user).order_by("due_on", "id")
    dates = [_announced(run, rules[run.rule_id]) for run in runs]
    saved_kobo = dict.fromkeys(rules, 0)
    for date in dates:
        saved_kobo[date.rule_id] += 0 if date.is_skipped else date.amount_kobo
    for rule in rules.values():
        dates += _expected(rule, until, saved_kobo[rule.pk])
    in_range = (date for date in dates if since <= date.day <= until)
    return sorted(in_range, key=lambda date: (date.day, date.rule_id))


def reaches_goal_on(
    plan: Plan, rules: Iterable[AutosaveRule], *, announced: Iterable[tuple[datetime.date, int]] = ()
) -> datetime.date | None:
    """Return the date on which a plan's rules together bring it to its goal; None if they do not, or it is there now.

    It is so if the rules stay as they are and nothing else comes or goes. `announced` are the dates, with their sums in
    kobo, that come before the `next_on` of their rules. Reads `plan.account` and `plan.membership`; no queries.
    """
    held_kobo, saved_kobo = plan.account.balance_kobo or 0, 0
    if not plan.target_kobo or held_kobo >= plan.target_kobo:
        return None
    sums: Iterable[_Dated] = sorted((day, None, kobo) for day, kobo in announced)
    dates = heapq.merge(sums, *(_dates(rule) for rule in rules), key=lambda date: date[0])
    for day, rule, announced_kobo in islice(dates, MOST_DATES):
        if stops.reason_of_plan(plan, day) is not None:
            return None
        saved_kobo += amount_on(day, rule, plan, saved_kobo=saved_kobo) if rule else announced_kobo
        if held_kobo + saved_kobo >= plan.target_kobo:
            return day
    return None


def _dates(rule: AutosaveRule) -> Iterator[_Dated]:
    """Yield the dates of a rule that are not announced yet, without a sum; none for a rule that is not active."""
    if rule.next_on is not None:
        yield rule.next_on, rule, 0
        yield from ((day, rule, 0) for day in rhythm_of(rule).dates(rule.next_on))


def _announced(run: AutosaveRun, rule: AutosaveRule) -> Coming:
    waits = run.status == Status.WAITING and run.next_try_at is not None
    day = timezone.localdate(run.next_try_at) if waits else run.due_on
    return Coming(
        rule_id=rule.pk,
        run_id=run.pk,
        day=day,
        amount_kobo=run.amount_kobo,
        source=run.source,
        plan_id=rule.plan_id,
        plan_name=rule.plan.name if rule.plan else "",
        is_skipped=run.status == Status.SKIPPED,
        due_on=run.due_on if day != run.due_on else None,
        again_at=run.next_try_at if waits and run.tries else None,
    )


def _expected(rule: AutosaveRule, until: datetime.date, saved_kobo: int) -> list[Coming]:
    """Return the dates of a rule, up to a day, that are not announced yet; none for a rule that is not active."""
    if rule.next_on is None:
        return []
    rhythm, plan = rhythm_of(rule), rule.plan
    days = (rule.next_on, *takewhile(lambda day: day <= until, rhythm.dates(rule.next_on)))
    dates = []
    for day in days:
        if day > until:
            break
        if stops.reason_of_plan(plan, day, past_goal_kobo=rule.past_goal_kobo, saved_kobo=saved_kobo):
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
