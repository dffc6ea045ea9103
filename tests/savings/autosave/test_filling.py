"""The auto-save that pays what a goal needs: one sum, whether a page reads the rule or the plan."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine

from savings import autosave
from savings.dashboard import Saving, holdings
from savings.models import AutosaveRule, Plan, Product
from tests.autosave import Every, make_rule, work
from tests.factories import make_plan, make_product

pytestmark = pytest.mark.django_db

NOON = "2026-11-29T12:00:00Z"
Day = datetime.date


def saving_of(plan: Plan) -> Saving:
    found = Plan.objects.with_balance().annotate(**autosave.filling_columns("pk"))
    saving = Saving.from_plan(found.get(pk=plan.pk))
    # A loaded plan has no rate of tax.
    held = [one._replace(next_tax_bps=0) for one in holdings(plan.user).plans if one.pk == plan.pk]
    assert held == [saving]
    return saving


def goal(**fields: Any) -> Plan:
    return make_plan(None, make_product(Product.Kind.TARGET), target_kobo=100_000_00, days=200, **fields)


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("month_day", [1, 25, 31])
def test_the_sum_is_that_of_the_rule_s_own_preview(month_day: int) -> None:
    plan = goal()
    rule = make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=month_day)
    found = autosave.filling(saving_of(plan))
    ahead = autosave.preview(rule.next_on, rule, Plan.objects.with_balance().get(pk=plan.pk))
    assert found is not None
    assert (found.amount_kobo, found.payments) == (ahead.dates[0][1], ahead.payments)


def test_what_is_announced_is_the_sum() -> None:
    with time_machine.travel(NOON, tick=False):
        plan = goal()
        rule = make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=30)
        work(Day(2026, 11, 29))
        announced_kobo = rule.runs.get().amount_kobo
        rule.runs.update(amount_kobo=announced_kobo + 1_00)
        found = autosave.filling(saving_of(plan))
    assert found is not None
    assert found.amount_kobo == announced_kobo + 1_00


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    "fields",
    [
        {"amount_kobo": 5_000_00},
        {"until_on": Day(2027, 2, 1)},
        {"status": AutosaveRule.Status.PAUSED, "reason": AutosaveRule.Reason.SAVER, "next_on": None},
    ],
)
def test_a_rule_that_does_not_fill_the_goal_is_left_out(fields: dict[str, Any]) -> None:
    plan = goal()
    rule = make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=25)
    AutosaveRule.objects.filter(pk=rule.pk).update(**fields)
    assert autosave.filling(saving_of(plan)) is None
