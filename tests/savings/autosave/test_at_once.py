"""Two workers at once: a date is announced once and saved once, whatever its saver does at that moment."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from savings import autosave, ledger, payments
from savings.exceptions import Refused
from savings.ledger import checks
from savings.models import AutosaveRun, OutboxRow, Plan, Postponement, Transaction
from tests import cards
from tests.autosave import AMOUNT, Every, fill_stash, make_rule, work
from tests.factories import make_plan
from tests.provider import Provider
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = datetime.date(2026, 11, 30)
IN_THE_MORNING = datetime.datetime(2026, 12, 1, 6, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(
        datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False
    ) as traveller:
        yield traveller
        assert list(checks.wrong_rows()) == []
        assert not Postponement.objects.exists()


def run_workers(times: int = 4) -> None:
    at_once(lambda _: autosave.carry_out_due(timezone.now()), times)


def saved(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


@pytest.mark.parametrize("rules", [1, 6])
def test_two_workers_announce_and_save_each_date_once(clock: Any, rules: int) -> None:
    plans = [make_plan() for _ in range(rules)]
    for plan in plans:
        make_rule(plan, every=Every.DAY)
        fill_stash(plan.user)
    run_workers()
    assert AutosaveRun.objects.count() == rules
    assert OutboxRow.objects.filter(kind="autosave_tomorrow").count() == rules
    clock.move_to(IN_THE_MORNING)
    run_workers()
    assert [saved(plan) for plan in plans] == [AMOUNT] * rules
    assert Transaction.objects.filter(kind="autosave").count() == rules


def test_two_workers_charge_a_card_once(clock: Any, provider: Provider) -> None:
    plan = make_plan()
    make_rule(plan, card=cards.save_card(provider, plan.user), every=Every.DAY)
    work(TODAY)
    clock.move_to(IN_THE_MORNING)
    run_workers()
    assert provider.paths().count("POST /transaction/charge_authorization") == 1
    payments.poll_due_payments(timezone.now())
    assert saved(plan) == AMOUNT


@pytest.mark.parametrize("change", [autosave.pause_rule, autosave.stop_rule])
def test_a_pause_at_the_moment_of_the_run_comes_before_or_after_it(clock: Any, change: Any) -> None:
    plan = make_plan()
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    work(TODAY)
    clock.move_to(IN_THE_MORNING)

    def act(number: int) -> object:
        return change(rule) if number % 2 else autosave.carry_out_due(timezone.now())

    at_once(act, 4, refusals=(Refused,))
    run = AutosaveRun.objects.get(due_on=IN_THE_MORNING.date())
    assert (run.status, saved(plan)) in {("done", AMOUNT), ("skipped", 0)}


def test_one_stash_pays_only_for_what_it_holds(clock: Any) -> None:
    plan = make_plan()
    for _ in range(4):
        make_rule(plan, every=Every.DAY)
    fill_stash(plan.user, 2 * AMOUNT + 1)
    work(TODAY)
    clock.move_to(IN_THE_MORNING)
    run_workers()
    assert saved(plan) == 2 * AMOUNT
    assert AutosaveRun.objects.filter(status="done").count() == 2
    assert AutosaveRun.objects.filter(reason="short").count() == 2


def test_the_same_form_at_once_makes_one_rule() -> None:
    plan = make_plan()
    connection.close()
    made = at_once(lambda _: make_rule(plan, reference="ASR01M85MW6EM6C1D15Q").pk, 6)
    assert len(made) == 1
