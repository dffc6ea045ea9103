"""What a rule would do, as its preview and the calendar say: the same dates that it then carries out."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from savings import autosave
from savings.models import Plan, Product
from tests.autosave import Every, fill_stash, live, make_rule, ran
from tests.factories import make_plan, make_product, pay_in

pytestmark = pytest.mark.django_db

NOON = "2026-11-29T12:00:00Z"
Day = datetime.date
IN_DECEMBER = [Day(2026, 12, day) for day in (4, 11, 18)]


def goal(kind: str = Product.Kind.TARGET) -> Plan:
    return make_plan(None, make_product(kind), target_kobo=100_000_00, days=200)


@pytest.mark.parametrize("kind", [Product.Kind.TARGET, Product.Kind.FLEXIBLE])
def test_a_rule_without_an_end_stops_at_the_goal_as_its_preview_says(kind: str) -> None:
    with time_machine.travel(NOON, tick=False):
        plan = goal(kind)
        fill_stash(plan.user)
        rule = make_rule(plan, amount_kobo=40_000_00, every=Every.WEEK, weekday=4)
        ahead = autosave.preview(rule.next_on, rule, Plan.objects.with_balance().get(pk=plan.pk))
        coming = autosave.coming(plan.user, Day(2026, 11, 30), Day(2027, 2, 28))
    assert ahead.dates == [(day, 40_000_00) for day in IN_DECEMBER]
    assert (ahead.reaches_on, ahead.payments, ahead.total_kobo) == (IN_DECEMBER[-1], 3, 120_000_00)
    assert [one.day for one in coming] == IN_DECEMBER
    live(Day(2026, 11, 30), Day(2027, 1, 10))
    assert [day for day, state in ran(rule) if state == "done"] == IN_DECEMBER


@time_machine.travel(NOON, tick=False)
def test_a_rule_past_its_goal_goes_on_to_the_end_of_the_plan() -> None:
    plan = goal()
    pay_in(plan.user, 100_000_00, plan=plan)
    rule = make_rule(plan, amount_kobo=40_000_00, every=Every.MONTH, month_day=1)
    assert rule.past_goal_kobo == plan.target_kobo
    ahead = autosave.preview(rule.next_on, rule, Plan.objects.with_balance().get(pk=plan.pk))
    assert (ahead.reaches_on, ahead.payments) == (None, 7)
    assert len(autosave.coming(plan.user, Day(2026, 11, 30), Day(2027, 12, 31))) == 7


@pytest.mark.parametrize("announces", [False, True])
def test_two_rules_reach_the_goal_together_on_the_day_that_is_named(*, announces: bool) -> None:
    with time_machine.travel(NOON, tick=False):
        plan = goal()
        fill_stash(plan.user)
        # The second saves what is missing, which the first makes less from week to week.
        rules = [
            make_rule(plan, amount_kobo=8_000_00, every=Every.WEEK, weekday=4),
            make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=5),
        ]
    first = Day(2026, 12, 4)
    if announces:
        live(Day(2026, 11, 30), Day(2026, 12, 3))
    with time_machine.travel("2026-12-03T20:00:00Z" if announces else NOON, tick=False):
        for rule in rules:
            rule.refresh_from_db()
        ahead = Plan.objects.with_balance().get(pk=plan.pk)
        named = autosave.reaches_goal_on(ahead, rules, announced=[(first, 8_000_00)] if announces else [])
    assert rules[0].next_on == (Day(2026, 12, 11) if announces else first)
    live(Day(2026, 12, 4) if announces else Day(2026, 11, 30), Day(2027, 4, 30))
    done = [day for rule in rules for day, state in ran(rule) if state == "done"]
    assert named == max(done)
    assert sum(1 for day in done if day == named) == 1


@time_machine.travel(NOON, tick=False)
def test_no_day_is_named_where_rules_do_not_reach_the_goal() -> None:
    plan = goal()
    rule = make_rule(plan, amount_kobo=1_000_00, every=Every.MONTH, month_day=1)

    def named() -> Day | None:
        return autosave.reaches_goal_on(Plan.objects.with_balance().get(pk=plan.pk), [rule])

    # The plan ends before.
    assert named() is None
    pay_in(plan.user, 99_000_00, plan=plan)
    assert named() == Day(2026, 12, 1)
    # It is there already.
    pay_in(plan.user, 1_000_00, plan=plan)
    assert named() is None
    assert autosave.reaches_goal_on(make_plan(), [rule]) is None
