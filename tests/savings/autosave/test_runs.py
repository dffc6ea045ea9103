"""Runs from the stash: announced the day before, run at 07:00, tried again, and never twice."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from savings import autosave, ledger, outbox, plans, references, tasks
from savings.models import AutosaveRule, AutosaveRun, OutboxRow, Plan, Product, Transaction, User
from tests import factories
from tests.autosave import AMOUNT, Every, fill_stash, live, make_rule, ran, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "books_balance")]
Day = datetime.date
Status, Reason = AutosaveRule.Status, AutosaveRule.Reason
TODAY = Day(2026, 11, 30)


def mails_of(user: User, *kinds: str) -> list[str]:
    rows = OutboxRow.objects.filter(user=user, kind__startswith="autosave_").order_by("id")
    return [kind for kind in rows.values_list("kind", flat=True) if not kinds or kind in kinds]


def saved(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


def recheck(day: Day = TODAY) -> None:
    """Deliver the rows that have rules looked at again, on the evening of a day."""
    rows = OutboxRow.objects.filter(kind=outbox.AUTOSAVE_RECHECK, done_at=None)
    with time_machine.travel(
        datetime.datetime.combine(day, datetime.time(22), tzinfo=datetime.UTC), tick=False
    ):
        for row_id in rows.values_list("pk", flat=True):
            outbox.deliver(row_id, tasks.HANDLERS)


def test_a_date_is_announced_the_day_before_and_saved_at_seven(plan: Plan) -> None:
    rule = make_rule(plan)
    fill_stash(plan.user)
    work(Day(2026, 12, 3), 6, 59)
    assert not AutosaveRun.objects.exists()
    work(Day(2026, 12, 3))
    run = AutosaveRun.objects.get()
    assert (run.due_on, run.amount_kobo, run.announced_at is not None) == (Day(2026, 12, 4), AMOUNT, True)
    work(Day(2026, 12, 4), 6, 59)
    assert saved(plan) == 0
    work(Day(2026, 12, 4), 7, 0)
    assert saved(plan) == AMOUNT
    run.refresh_from_db()
    movement = run.transactions.get()
    assert (movement.kind, movement.status, movement.plan) == ("autosave", "success", plan)
    assert (run.status, run.tries) == ("done", 1)
    rule.refresh_from_db()
    assert rule.next_on == Day(2026, 12, 11)
    assert mails_of(plan.user) == ["autosave_tomorrow"]


def test_a_notice_can_be_turned_off(plan: Plan) -> None:
    plan.user.wants_autosave_notices = False
    plan.user.save()
    make_rule(plan, every=Every.DAY)
    work(TODAY)
    assert AutosaveRun.objects.get().announced_at is not None
    assert mails_of(plan.user) == []


def test_running_twice_changes_nothing(plan: Plan) -> None:
    make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    work(TODAY)
    assert work(TODAY) == 0
    assert work(Day(2026, 12, 1)) == 1
    assert work(Day(2026, 12, 1)) == 0
    assert saved(plan) == AMOUNT


def test_a_full_year_of_each_rhythm_saves_each_date_once() -> None:
    savers_plans = [factories.make_plan() for _ in range(3)]
    rhythms: list[dict[str, Any]] = [
        {"every": Every.DAY},
        {"weekday": 4},
        {"every": Every.MONTH, "month_day": 31},
    ]
    rules = [make_rule(plan, **rhythm) for plan, rhythm in zip(savers_plans, rhythms, strict=True)]
    for plan in savers_plans:
        fill_stash(plan.user, 9_000_000_00)
    live(TODAY, Day(2027, 12, 31))
    counts = [rule.runs.filter(status="done").count() for rule in rules]
    assert counts == [396, 57, 13]
    assert [saved(plan) for plan in savers_plans] == [AMOUNT * count for count in counts]


def test_too_little_in_the_stash_is_tried_in_the_evening_and_on_two_more_days(plan: Plan) -> None:
    rule = make_rule(plan)
    fill_stash(plan.user, AMOUNT - 1)
    tries = []
    live(TODAY, Day(2026, 12, 3))
    for day in range(4, 9):
        for hour in (7, 12, 19):
            before = AutosaveRun.objects.get().tries
            work(Day(2026, 12, day), hour)
            if AutosaveRun.objects.filter(tries__gt=before).exists():
                tries.append((day, hour))
    assert tries == [(4, 7), (4, 19), (5, 7), (7, 7)]
    run = rule.runs.get()
    assert (run.status, run.reason) == ("failed", "short")
    assert (saved(plan), Transaction.objects.filter(kind="autosave").count()) == (0, 0)
    assert mails_of(plan.user, "autosave_failed") == ["autosave_failed"] * 4


def test_money_that_comes_before_the_evening_is_saved_then(plan: Plan) -> None:
    rule = make_rule(plan)
    live(TODAY, Day(2026, 12, 3))
    work(Day(2026, 12, 4))
    fill_stash(plan.user, AMOUNT)
    work(Day(2026, 12, 4), 18)
    assert saved(plan) == 0
    work(Day(2026, 12, 4), 19)
    assert saved(plan) == AMOUNT
    rule.refresh_from_db()
    assert rule.failures == 0


def test_a_daily_rule_has_one_further_try(plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    work(TODAY)
    work(Day(2026, 12, 1))
    work(Day(2026, 12, 1), 19)
    run = rule.runs.get(due_on=Day(2026, 12, 1))
    assert (run.status, run.tries) == ("failed", 2)


def test_a_rule_pauses_after_three_failed_dates_and_says_so(plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    live(TODAY, Day(2026, 12, 20))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.FAILED)
    failed = [day for day, status in ran(rule) if status == "failed"]
    assert failed == [Day(2026, 12, day) for day in (1, 2, 3)]
    assert mails_of(plan.user)[-1] == "autosave_stopped"
    assert mails_of(plan.user, "autosave_stopped") == ["autosave_stopped"]


def test_a_success_between_failures_starts_the_count_again(plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    live(TODAY, Day(2026, 12, 2))
    fill_stash(plan.user, AMOUNT)
    live(Day(2026, 12, 3), Day(2026, 12, 5))
    rule.refresh_from_db()
    assert (rule.status, rule.failures) == (Status.ACTIVE, 2)


def test_there_is_no_partial_saving(plan: Plan) -> None:
    make_rule(plan)
    fill_stash(plan.user, AMOUNT - 1)
    live(TODAY, Day(2026, 12, 9))
    assert saved(plan) == 0


@pytest.mark.parametrize(
    ("asked", "back_on", "latest"),
    [
        ({"every": Every.DAY}, Day(2027, 3, 2), Day(2027, 3, 2)),
        ({"weekday": 4}, Day(2027, 3, 2), Day(2027, 2, 26)),
        ({"every": Every.MONTH, "month_day": 31}, Day(2027, 3, 2), Day(2027, 2, 28)),
        ({"every": Every.ONCE, "until_on": Day(2026, 12, 24)}, Day(2027, 3, 2), Day(2026, 12, 24)),
    ],
)
@pytest.mark.parametrize("announced_first", [False, True])
def test_after_three_months_without_a_worker_only_the_latest_date_is_saved(
    asked: dict[str, Any], back_on: Day, latest: Day, *, announced_first: bool
) -> None:
    rule = make_rule(**asked)
    fill_stash(rule.user)
    if announced_first and rule.next_on:
        work(rule.next_on - datetime.timedelta(days=1))
    work(back_on, 10)
    work(back_on, 10, 2)
    assert rule.plan is not None
    assert saved(rule.plan) == AMOUNT
    done = [day for day, status in ran(rule) if status == "done"]
    assert done == [latest]
    assert mails_of(rule.user, "autosave_late") == ["autosave_late"]
    rule.refresh_from_db()
    assert rule.next_on is None or rule.next_on > back_on


def test_a_retry_lapses_when_the_next_date_comes(plan: Plan) -> None:
    rule = make_rule(plan, weekday=1)
    work(TODAY)
    # The worker was away on the first day, and comes back on the day before the next date.
    work(Day(2026, 12, 7), 20)
    run = rule.runs.get(due_on=Day(2026, 12, 1))
    assert run.status == "failed"
    fill_stash(plan.user)
    work(Day(2026, 12, 8))
    assert saved(plan) == AMOUNT


@pytest.mark.parametrize("is_announced", [False, True])
def test_a_closed_plan_pauses_its_rule_at_once(plan: Plan, *, is_announced: bool) -> None:
    rule = make_rule(plan, every=Every.DAY)
    if is_announced:
        work(TODAY)
    plans.close(plan)
    recheck()
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.CLOSED)
    live(Day(2026, 12, 1), Day(2026, 12, 3))
    assert [status for _, status in ran(rule)] == ["skipped"] * is_announced
    assert mails_of(plan.user, "autosave_stopped") == ["autosave_stopped"]


def test_a_matured_plan_pauses_its_rule_and_the_money_stays() -> None:
    plan = factories.make_plan(product=factories.make_product(Product.Kind.TARGET), days=30)
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    live(TODAY, Day(2027, 1, 3))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.MATURED)
    # The plan ends on 30 December and takes no money on that day.
    assert max(day for day, status in ran(rule) if status == "done") == Day(2026, 12, 29)


def test_a_plan_that_begins_again_keeps_its_rule() -> None:
    product = factories.make_product(Product.Kind.TARGET)
    plan = factories.make_plan(product=product, days=30, at_maturity=Plan.AtMaturity.COMPOUND)
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    live(TODAY, Day(2027, 1, 3))
    rule.refresh_from_db()
    assert rule.status == Status.ACTIVE
    done = [day for day, status in ran(rule) if status == "done"]
    assert done[-1] == Day(2027, 1, 3)


def test_a_rule_until_the_goal_saves_exactly_to_it_and_ends() -> None:
    plan = factories.make_plan(target_kobo=12_000_00)
    rule = make_rule(plan, every=Every.DAY, until_goal=True)
    fill_stash(plan.user)
    live(TODAY, Day(2026, 12, 3))
    recheck(Day(2026, 12, 3))
    rule.refresh_from_db()
    assert saved(plan) == 12_000_00
    assert (rule.status, rule.reason) == (Status.ENDED, Reason.GOAL)


def test_a_goal_pauses_a_rule_without_an_end_and_resuming_goes_beyond() -> None:
    plan = factories.make_plan(target_kobo=10_000_00)
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    live(TODAY, Day(2026, 12, 2))
    recheck(Day(2026, 12, 2))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.GOAL)
    with time_machine.travel(datetime.datetime(2026, 12, 3, 9, tzinfo=datetime.UTC), tick=False):
        rule = autosave.resume_rule(rule)
    live(Day(2026, 12, 3), Day(2026, 12, 5))
    assert saved(plan) == 20_000_00
    # A higher goal is a new one.
    plans.change_goal(plan, 22_000_00)
    live(Day(2026, 12, 6), Day(2026, 12, 8))
    recheck(Day(2026, 12, 8))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.GOAL)


def test_what_is_missing_is_recomputed_each_month_and_reaches_the_goal_in_time() -> None:
    product = factories.make_product(Product.Kind.TARGET, rate_bps=0)
    plan = factories.make_plan(product=product, target_kobo=100_000_00, days=150)
    rule = make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=31)
    fill_stash(plan.user)
    live(TODAY, Day(2027, 1, 15))
    # 31 December, 31 January, 28 February and 31 March come before the end on 29 April.
    assert AutosaveRun.objects.get().amount_kobo == 25_000_00
    with time_machine.travel(datetime.datetime(2027, 1, 15, 20, tzinfo=datetime.UTC), tick=False):
        factories.pay_in(plan.user, 30_000_00, plan=plan)
    live(Day(2027, 1, 16), Day(2027, 4, 28))
    recheck(Day(2027, 4, 28))
    assert list(rule.runs.order_by("due_on").values_list("amount_kobo", flat=True)) == [
        25_000_00,
        15_000_00,
        15_000_00,
        15_000_00,
    ]
    assert saved(plan) == 100_000_00


def test_what_was_announced_is_saved_whatever_the_plan_needs_by_then() -> None:
    product = factories.make_product(Product.Kind.TARGET, rate_bps=0)
    plan = factories.make_plan(product=product, target_kobo=100_000_00, days=62)
    make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=1)
    fill_stash(plan.user)
    work(TODAY)
    announced = AutosaveRun.objects.get().amount_kobo
    factories.pay_in(plan.user, 10_000_00, plan=plan)
    work(Day(2026, 12, 1))
    assert saved(plan) == 10_000_00 + announced


def test_a_full_plan_pauses_its_rule(plan: Plan, settings: Any) -> None:
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    work(TODAY)
    settings.PLAN_MAX_KOBO = AMOUNT - 1
    work(Day(2026, 12, 1))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.FULL)
    assert saved(plan) == 0


def test_a_rule_ends_after_its_last_date(plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY, until_on=Day(2026, 12, 2))
    fill_stash(plan.user)
    live(TODAY, Day(2026, 12, 6))
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.ENDED, Reason.DATE)
    assert saved(plan) == 2 * AMOUNT


def test_an_inactive_user_is_not_charged(plan: Plan) -> None:
    make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    User.objects.filter(pk=plan.user_id).update(is_active=False)
    live(TODAY, Day(2026, 12, 3))
    assert saved(plan) == 0
    assert mails_of(plan.user) == []


def test_the_database_holds_one_success_for_a_date(plan: Plan) -> None:
    make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    live(TODAY, Day(2026, 12, 1))
    run = AutosaveRun.objects.get(status="done")
    again: dict[str, Any] = {"kind": "autosave", "user": plan.user, "plan": plan, "amount_kobo": 1}
    for status in ("pending", "review"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Transaction.objects.create(
                reference=references.new("autosave"), status=status, autosave_run=run, **again
            )
    failed = Transaction(reference=references.new("autosave"), status="failed", autosave_run=run, **again)
    failed.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        AutosaveRun.objects.create(
            rule=run.rule, due_on=run.due_on, amount_kobo=1, source="stash", next_try_at=timezone.now()
        )


@pytest.mark.parametrize("rules", [1, 5])
def test_a_run_from_the_stash_takes_a_fixed_number_of_queries(
    rules: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rules):
        fill_stash(make_rule(every=Every.DAY).user)
    work(TODAY)
    # Announcing tomorrow's dates as well.
    with django_assert_max_num_queries(12 + 40 * rules):
        assert work(Day(2026, 12, 1)) == rules


def test_coming_dates_are_announced_skipped_and_expected_ones(plan: Plan) -> None:
    rule = make_rule(plan, every=Every.MONTH, month_day=31)
    daily = make_rule(plan, every=Every.ONCE, until_on=Day(2026, 12, 5))
    work(TODAY)
    autosave.skip_next(rule, Day(2026, 12, 31))
    found = autosave.coming(plan.user, TODAY, Day(2027, 3, 1))
    assert [(one.rule_id, one.day, one.is_skipped) for one in found] == [
        (daily.pk, Day(2026, 12, 5), False),
        (rule.pk, Day(2026, 12, 31), True),
        (rule.pk, Day(2027, 1, 31), False),
        (rule.pk, Day(2027, 2, 28), False),
    ]


@pytest.mark.parametrize("rules", [1, 20])
def test_coming_dates_take_two_queries(plan: Plan, rules: int, django_assert_num_queries: Any) -> None:
    for _ in range(rules):
        make_rule(plan)
    user = User.objects.get(pk=plan.user_id)
    with django_assert_num_queries(2):
        autosave.coming(user, TODAY, Day(2027, 3, 1))
