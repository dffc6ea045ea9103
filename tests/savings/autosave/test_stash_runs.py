"""Runs that are loaded ahead: nothing is saved by what was true before the owner was locked."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from savings import autosave, ledger, plans, references
from savings.autosave.stash_runs import RunsAhead
from savings.models import AutosaveRule, AutosaveRun, Circle, Plan, Transaction, User
from tests import factories
from tests.autosave import AMOUNT, Every, fill_stash, make_rule, work

pytestmark = pytest.mark.django_db
TODAY, TOMORROW = datetime.date(2026, 11, 30), datetime.date(2026, 12, 1)


@pytest.fixture
def run() -> Any:
    """A run of a plan with a goal, due now; the stash holds exactly enough."""
    with time_machine.travel(datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False) as clock:
        rule = make_rule(factories.make_plan(target_kobo=100_000_00), every=Every.DAY)
        fill_stash(rule.user, AMOUNT)
        work(TODAY)
        clock.move_to(datetime.datetime(2026, 12, 1, 6, 1, tzinfo=datetime.UTC))
        yield AutosaveRun.objects.select_related("rule__plan", "rule__user").get()


def plan_of(run: AutosaveRun) -> Plan:
    return Plan.objects.get(pk=run.rule.plan_id or 0)


def spend(run: AutosaveRun) -> None:
    """Move a part of the stash to another plan."""
    plan = factories.make_plan(run.rule.user)
    plans.move_to_plan(plan.user, plan, amount_kobo=1_00, reference=references.new("stash_to_plan"))


CHANGES: dict[str, Callable[[AutosaveRun], object]] = {
    "paused": lambda run: autosave.pause_rule(run.rule),
    "stopped": lambda run: autosave.stop_rule(run.rule),
    "skipped": lambda run: autosave.skip_next(run.rule, TOMORROW),
    "closed": lambda run: plans.close(plan_of(run)),
    "goal lowered": lambda run: plans.change_goal(plan_of(run), 50_000_00),
    "goal reached": lambda run: factories.pay_in(run.rule.user, 100_000_00, plan=run.rule.plan),
    "inactive": lambda run: User.objects.filter(pk=run.rule.user_id).update(is_active=False),
    "spent": spend,
    "done": lambda run: autosave.carry_out_due(timezone.now()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_loading_leaves_the_run_to_the_full_way(run: AutosaveRun, change: str) -> None:
    ahead = RunsAhead(timezone.now())
    ahead._load(run.pk)
    CHANGES[change](run)
    saved_before = Transaction.objects.filter(kind="autosave").count()
    assert not ahead.save(run.pk)
    assert Transaction.objects.filter(kind="autosave").count() == saved_before


@pytest.mark.usefixtures("books_balance")
def test_a_plain_run_is_saved_once(run: AutosaveRun) -> None:
    assert RunsAhead(timezone.now()).save(run.pk)
    assert not RunsAhead(timezone.now()).save(run.pk)
    run.refresh_from_db()
    assert (run.status, run.tries, run.tried_on) == ("done", 1, TOMORROW)
    assert ledger.balance_kobo(plan_of(run).account) == AMOUNT
    assert Transaction.objects.get(kind="autosave").autosave_run == run


def test_a_circle_that_ended_after_loading_stops_the_run(run: AutosaveRun) -> None:
    with time_machine.travel(datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False):
        member = factories.make_member(factories.make_circle())
        rule = make_rule(Plan.objects.get(pk=member.plan_id), every=Every.DAY)
        fill_stash(rule.user)
        work(TODAY)
    other = rule.runs.get()
    ahead = RunsAhead(timezone.now())
    ahead._load(run.pk)
    Circle.objects.update(starts_on=TODAY - datetime.timedelta(days=9), ends_on=TODAY)
    assert not ahead.save(other.pk)
    autosave.carry_out_due(timezone.now())
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (AutosaveRule.Status.PAUSED, AutosaveRule.Reason.CIRCLE_ENDED)


def test_many_runs_are_loaded_in_few_queries(run: AutosaveRun, django_assert_num_queries: Any) -> None:
    ahead = RunsAhead(timezone.now())
    with django_assert_num_queries(3):
        ahead._load(run.pk)
