"""Runs from a saved card: every outcome, with the event before, after, twice and never, and a worker killed midway."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import autosave, ledger, payments, plans
from savings.autosave import runs, stash_runs
from savings.models import AutosaveRule, AutosaveRun, OutboxRow, Plan, SavedCard, Transaction
from savings.models.ledger import derived_reference
from tests import cards
from tests.autosave import AMOUNT, Every, fill_stash, live, make_rule, work
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "books_balance")]
Day = datetime.date
TODAY, TOMORROW = Day(2026, 11, 30), Day(2026, 12, 1)
CHARGE = "/transaction/charge_authorization"
Status = AutosaveRun.Status


def rule_from(provider: Provider, plan: Plan, outcome: str = "success", **terms: Any) -> AutosaveRule:
    """Return a rule that is due tomorrow and announced."""
    card = cards.save_card(provider, plan.user, outcome)
    usual: dict[str, Any] = {"every": Every.WEEK, "weekday": 1}
    rule = make_rule(plan, card=card, **usual | terms)
    work(TODAY)
    hear(provider)
    return rule


def hear(provider: Provider) -> None:
    """Let the provider's events come in and process them."""
    provider.deliver(after_seconds=60)
    payments.sweep_events(timezone.now())


def at(day: Day, hour: int, minute: int = 0) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour, minute)))


def charges(provider: Provider) -> int:
    return provider.paths().count(f"POST {CHARGE}")


def saved(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


def test_a_card_is_charged_at_seven_with_cost_and_receipt(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)
    work(TOMORROW)
    run = rule.runs.get()
    movement = run.transactions.get()
    assert (run.status, movement.status, movement.kind) == (Status.DONE, "success", "autosave")
    assert movement.plan == plan
    assert saved(plan) == AMOUNT
    assert sorted(movement.entries.values_list("code", flat=True)) == ["cost", "primary"]
    assert OutboxRow.objects.filter(kind="top_up_received", transaction=movement).exists()
    assert movement.payment.saved_card == rule.card


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("outcome", ["success", "card-timeout", "card-duplicate"])
@pytest.mark.parametrize("is_first", [False, True])
def test_each_date_is_charged_once_whatever_is_heard_and_when(
    provider: Provider, plan: Plan, outcome: str, times: int, *, is_first: bool
) -> None:
    rule = rule_from(provider, plan, outcome)

    def answer_after_the_event(request: httpx.Request) -> httpx.Response:
        response = provider.simulator.handle_request(request)
        response.read()
        hear(provider)
        return response

    if is_first:
        provider.answers[CHARGE] = answer_after_the_event
    work(TOMORROW)
    for _ in range(times):
        with time_machine.travel(at(TOMORROW, 7, 2), tick=False):
            hear(provider)
    for minutes in (3, 13, 40, 70):
        with time_machine.travel(at(TOMORROW, 7) + datetime.timedelta(minutes=minutes), tick=False):
            payments.poll_due_payments(timezone.now())
            autosave.carry_out_due(timezone.now())
    run = rule.runs.get(due_on=TOMORROW)
    assert (run.status, run.tries, charges(provider)) == (Status.DONE, 1, 1)
    assert saved(plan) == AMOUNT


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("card-no-funds", "enough money on the card"),
        ("card-expired", "expired"),
        ("card-not-reusable", "again"),
    ],
)
def test_a_declined_card_has_a_reason_and_a_mail(
    provider: Provider, plan: Plan, outcome: str, says: str
) -> None:
    rule = rule_from(provider, plan, outcome)
    work(TOMORROW)
    run = rule.runs.get()
    assert saved(plan) == 0
    assert run.transactions.get().status == "failed"
    assert says in autosave.why_failed(run.reason)
    mail = OutboxRow.objects.get(kind="autosave_failed")
    assert says in mail.payload["why"]


def test_a_card_without_money_is_tried_four_times_under_four_references(
    provider: Provider, plan: Plan
) -> None:
    rule = rule_from(provider, plan, "card-no-funds", every=Every.MONTH, weekday=None, month_day=1)
    for day in range(1, 6):
        for hour in (7, 19):
            work(Day(2026, 12, day), hour)
    run = rule.runs.get()
    references = list(run.transactions.values_list("reference", flat=True))
    assert (run.status, run.tries, len(set(references)), charges(provider)) == (Status.FAILED, 4, 4, 4)
    assert all(run.transactions.values_list("failure_code", flat=True))
    assert saved(plan) == 0


def test_a_card_that_cannot_be_charged_again_pauses_its_rule(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan, "card-not-reusable")
    work(TOMORROW)
    work(TOMORROW, 19)
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == ("paused", AutosaveRule.Reason.CARD)
    assert charges(provider) == 1


@pytest.mark.parametrize("source", ["card", "stash"])
def test_a_run_whose_card_is_removed_is_skipped_alone_where_the_rule_has_another_source(
    provider: Provider, plan: Plan, source: str
) -> None:
    rule = rule_from(provider, plan)
    terms = {name: getattr(rule, name) for name in ("amount_kobo", "every", "weekday")}
    other = cards.save_card(provider, plan.user, "other-card") if source == "card" else None
    fill_stash(plan.user)
    autosave.change_rule(rule, autosave.Terms(source=source, card=other, **terms))
    removed = SavedCard.objects.order_by("pk")[0]
    payments.remove_card(removed)
    work(TOMORROW)
    rule.refresh_from_db()
    assert (rule.status, charges(provider)) == ("active", 0)
    assert AutosaveRun.objects.values_list("status", "reason").get() == ("skipped", "card")
    assert "The card we announced" in OutboxRow.objects.get(kind="autosave_failed").payload["why"]
    live(TOMORROW, TOMORROW + datetime.timedelta(days=7))
    assert saved(plan) == rule.amount_kobo
    assert charges(provider) == (source == "card")


def test_a_run_is_told_of_when_its_card_is_removed_between_two_tries(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan, "card-no-funds")
    work(TOMORROW)
    terms = {name: getattr(rule, name) for name in ("amount_kobo", "every", "weekday")}
    autosave.change_rule(rule, autosave.Terms(source="stash", **terms))
    payments.remove_card(SavedCard.objects.get())
    work(TOMORROW, 19)
    whys = [row.payload["again"] for row in OutboxRow.objects.filter(kind="autosave_failed").order_by("pk")]
    assert [bool(again) for again in whys] == [True, False]
    assert AutosaveRun.objects.get().status == "skipped"


def test_a_removed_card_pauses_its_rule_and_is_not_charged(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)
    payments.remove_card(SavedCard.objects.get())
    work(TOMORROW)
    rule.refresh_from_db()
    assert (rule.status, rule.reason, charges(provider)) == ("paused", AutosaveRule.Reason.CARD, 0)


def test_a_challenge_waits_over_midnight_and_is_never_charged_again(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan, "card-challenge", every=Every.MONTH, weekday=None, month_day=1)
    work(TOMORROW)
    work(TOMORROW, 19)
    work(Day(2026, 12, 2))
    run = rule.runs.get()
    assert (run.status, charges(provider)) == (Status.TRYING, 1)
    assert OutboxRow.objects.filter(kind="card_needs_approval").count() == 1


def test_a_silent_provider_leaves_a_run_on_its_way(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)

    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    provider.instead = silent
    work(TOMORROW)
    for hour in (8, 19, 23):
        work(TOMORROW, hour)
    run = rule.runs.get(due_on=TOMORROW)
    assert (run.status, run.tries, charges(provider)) == (Status.TRYING, 1, 1)
    assert run.transactions.get().status == "pending"


def test_a_charge_that_never_arrived_is_tried_again_in_the_evening(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)

    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    provider.answers[CHARGE] = lost
    work(TOMORROW)
    del provider.answers[CHARGE]
    for minutes in (11, 31, 61, 70):
        with time_machine.travel(at(TOMORROW, 7) + datetime.timedelta(minutes=minutes), tick=False):
            payments.poll_due_payments(timezone.now())
            autosave.carry_out_due(timezone.now())
    work(TOMORROW, 19)
    run = rule.runs.get(due_on=TOMORROW)
    assert (run.status, run.tries, saved(plan)) == (Status.DONE, 2, AMOUNT)


def test_a_wrong_sum_is_checked_and_not_charged_again(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan, every=Every.MONTH, weekday=None, month_day=1)

    def less(request: httpx.Request) -> httpx.Response:
        response = provider.simulator.handle_request(request)
        response.read()
        answer = response.json()
        answer["data"]["amount"] -= 1
        return httpx.Response(200, json=answer)

    provider.answers[CHARGE] = less
    for hour in (7, 19):
        work(TOMORROW, hour)
    work(Day(2026, 12, 2))
    run = rule.runs.get()
    assert (run.status, run.reason, charges(provider)) == (Status.FAILED, AutosaveRun.Reason.CHECKED, 1)
    assert run.transactions.get().status == "review"


def test_money_whose_plan_is_full_meanwhile_goes_to_the_stash(
    provider: Provider, plan: Plan, settings: Settings
) -> None:
    rule = rule_from(provider, plan, "card-timeout")
    work(TOMORROW)
    run = rule.runs.get(due_on=TOMORROW)
    assert run.status == Status.TRYING
    settings.PLAN_MAX_KOBO = AMOUNT - 1
    with time_machine.travel(at(TOMORROW, 7, 20), tick=False):
        payments.poll_due_payments(timezone.now())
        autosave.carry_out_due(timezone.now())
    run.refresh_from_db()
    assert run.status == Status.DONE
    assert saved(plan) == 0
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) >= AMOUNT


class Killed(BaseException):
    """The worker ends here."""


def _before_the_charge(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    monkeypatch.setattr(payments, "charge_card", die)


def _in_the_call(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(request: httpx.Request) -> httpx.Response:
        raise Killed

    provider.answers[CHARGE] = die


def _after_the_call(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(request: httpx.Request) -> httpx.Response:
        provider.simulator.handle_request(request).read()
        raise Killed

    provider.answers[CHARGE] = die


def _after_the_posting(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    monkeypatch.setattr(runs, "_follow_up", die)


@pytest.mark.parametrize("kill", [_before_the_charge, _in_the_call, _after_the_call, _after_the_posting])
def test_a_killed_worker_charges_once(
    provider: Provider, plan: Plan, kill: Callable[[Provider, pytest.MonkeyPatch], None]
) -> None:
    rule = rule_from(provider, plan)
    with pytest.MonkeyPatch.context() as patched:
        kill(provider, patched)
        with pytest.raises(Killed):
            work(TOMORROW)
    provider.answers.clear()
    for minutes in (3, 11, 31, 61, 70):
        with time_machine.travel(at(TOMORROW, 7) + datetime.timedelta(minutes=minutes), tick=False):
            payments.poll_due_payments(timezone.now())
            autosave.carry_out_due(timezone.now())
    work(TOMORROW, 19)
    run = rule.runs.get(due_on=TOMORROW)
    assert (run.status, saved(plan)) == (Status.DONE, AMOUNT)
    assert run.transactions.filter(status="success").count() == 1


def test_a_date_that_a_restored_backup_has_lost_is_not_charged_again(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)
    run = rule.runs.get()
    work(TOMORROW)
    (lost,) = run.transactions.values_list("reference", flat=True)
    assert saved(plan) == AMOUNT
    other = make_rule(plan, card=rule.card, every=Every.WEEK, weekday=1)
    again = AutosaveRun(pk=run.pk + 10_000_000, rule=rule, due_on=run.due_on, tries=1)
    assert stash_runs.reference_of(again) == lost
    again.rule = other
    assert stash_runs.reference_of(again) != lost


def test_a_run_that_the_release_before_has_begun_is_not_charged_again(provider: Provider, plan: Plan) -> None:
    rule = rule_from(provider, plan)
    run = rule.runs.get()
    assert run.card
    with time_machine.travel(at(TOMORROW, 7), tick=False):
        AutosaveRun.objects.filter(pk=run.pk).update(
            status=Status.TRYING, tries=1, tried_on=TOMORROW, next_try_at=timezone.now()
        )
        payments.charge_card(
            run.card,
            plan=plan,
            amount_kobo=AMOUNT,
            reference=derived_reference(Transaction.Kind.AUTOSAVE, f"autosave:{run.pk}:1"),
            kind=Transaction.Kind.AUTOSAVE,
            autosave_run=run,
        )
    work(TOMORROW)
    assert (rule.runs.get(due_on=TOMORROW).status, charges(provider), saved(plan)) == (Status.DONE, 1, AMOUNT)


def test_a_charge_of_a_changed_rule_that_a_restored_backup_has_lost_ends_its_date(
    provider: Provider, plan: Plan
) -> None:
    rule = rule_from(provider, plan)
    run = rule.runs.get()
    run.tries = 1
    assert run.card
    with time_machine.travel(at(TOMORROW, 6), tick=False):
        payments.charge_card(
            run.card,
            plan=plan,
            amount_kobo=2 * AMOUNT,
            reference=stash_runs.reference_of(run),
            kind=Transaction.Kind.AUTOSAVE,
        )
    work(TOMORROW)
    assert (rule.runs.get(due_on=TOMORROW).status, charges(provider)) == (Status.DONE, 1)
    assert saved(plan) == 2 * AMOUNT


def test_the_stash_is_filled_from_a_card(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user)
    before = ledger.balance_kobo(ledger.stash_account(plan.user))
    make_rule(user=plan.user, card=card, every=Every.DAY)
    work(TODAY)
    work(TOMORROW)
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == before + AMOUNT
    movement = Transaction.objects.get(kind="autosave")
    assert (movement.plan, movement.status) == (None, "success")


def test_a_plan_with_a_charge_on_its_way_cannot_close(provider: Provider, plan: Plan) -> None:
    rule_from(provider, plan, "card-timeout")
    work(TOMORROW)
    with pytest.raises(Exception, match="on its way"):
        plans.close(plan)
