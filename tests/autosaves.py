"""Auto-save rules for tests, and coming dates without a rule."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone

from savings import references
from savings.autosave import Coming
from savings.models import AutosaveRule, Plan, User
from tests.factories import make_plan


def make_rule(plan: Plan | None = None, *, days: int = 1, **fields: Any) -> AutosaveRule:
    """Return an active rule that saves ₦1,000 a week from the stash, next in a number of days."""
    plan = plan or make_plan()
    next_on = timezone.localdate() + datetime.timedelta(days=days)
    values: dict[str, Any] = {
        "reference": references.mint("RUL"),
        "source": "stash",
        "amount_kobo": 1_000_00,
        "every": "week",
        "weekday": next_on.weekday(),
        "next_on": next_on,
    }
    return AutosaveRule.objects.create(user=plan.user, plan=plan, **values | fields)


def coming(day: datetime.date, amount_kobo: int, **fields: Any) -> Coming:
    """Return a date of a rule that saves an amount from the stash into a plan."""
    values: dict[str, Any] = {
        "rule_id": 7,
        "run_id": None,
        "source": "stash",
        "plan_id": 3,
        "plan_name": "Rent",
        "is_skipped": False,
    }
    return Coming(day=day, amount_kobo=amount_kobo, **values | fields)


def make_rules(user: User, times: int) -> None:
    """Give a user a number of rules, into one plan."""
    plan = make_plan(user)
    for _ in range(times):
        make_rule(plan)
