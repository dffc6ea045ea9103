"""Auto-save rules in tests: made through the real services, and run by the worker's task at a moment."""

from __future__ import annotations

import datetime
from typing import Any

import time_machine
from django.utils import timezone

from savings import autosave, plans, references
from savings.models import AutosaveRule, AutosaveRun, Plan, User
from savings.models.autosave import Source
from savings.models.local_days import start_of
from tests.factories import make_plan, pay_in

AMOUNT = 5_000_00
Every = AutosaveRule.Every


def make_rule(plan: Plan | None = None, *, user: User | None = None, **terms: Any) -> AutosaveRule:
    """Return a rule that saves ₦5,000 on each Friday from the stash, unless told otherwise."""
    terms.setdefault("amount_kobo", AMOUNT)
    terms.setdefault("every", Every.WEEK)
    terms.setdefault("source", Source.CARD if terms.get("card") else Source.STASH)
    if terms["every"] == Every.WEEK:
        terms.setdefault("weekday", 4)
    if terms["every"] == Every.MONTH:
        terms.setdefault("month_day", 25)
    if user is None:
        plan = plan or make_plan()
        user = plan.user
    reference = terms.pop("reference", None) or references.mint(references.AUTOSAVE_PREFIX)
    return autosave.create_rule(user, plan, autosave.Terms(**terms), reference=reference)


def fill_stash(user: User, kobo: int = 1_000_000_00) -> None:
    """Pay kobo into the stash of a user by card."""
    pay_in(user, kobo)


def work(day: datetime.date, hour: int = 7, minute: int = 1) -> int:
    """Run the worker's task on a local day at a time; return how many runs moved on."""
    moment = timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour, minute)))
    with time_machine.travel(moment, tick=False):
        return autosave.carry_out_due(timezone.now())


def live(first: datetime.date, last: datetime.date) -> None:
    """Run the worker's tasks in the morning and in the evening of each local day: maturities first."""
    day = first
    while day <= last:
        with time_machine.travel(start_of(day), tick=False):
            plans.mature_due_plans(day)
        work(day)
        work(day, 19)
        day += datetime.timedelta(days=1)


def ran(rule: AutosaveRule) -> list[tuple[datetime.date, str]]:
    """Return the dates of a rule with their states."""
    return list(AutosaveRun.objects.filter(rule=rule).order_by("due_on").values_list("due_on", "status"))
