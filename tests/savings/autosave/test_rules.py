"""Making and changing rules: what can be asked for, and which date comes next."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import autosave, circles, ledger, payments, plans, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import AutosaveRule, AutosaveRun, Plan, Product
from savings.models.autosave import Source
from tests import cards, factories
from tests.autosave import AMOUNT, Every, fill_stash, live, make_rule, ran, work
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
Day = datetime.date
Status, Reason = AutosaveRule.Status, AutosaveRule.Reason
# A Monday.
TODAY = Day(2026, 11, 30)


def terms(rule: AutosaveRule, **changes: Any) -> autosave.Terms:
    fields = ("amount_kobo", "every", "source", "card", "weekday", "month_day", "until_on", "until_goal")
    return autosave.Terms(**{name: getattr(rule, name) for name in fields} | changes)


def test_a_rule_begins_tomorrow_at_the_earliest() -> None:
    assert make_rule(every=Every.DAY).next_on == Day(2026, 12, 1)
    assert make_rule(weekday=0).next_on == Day(2026, 12, 7)
    assert make_rule(weekday=1).next_on == Day(2026, 12, 1)
    assert make_rule(every=Every.MONTH, month_day=30).next_on == Day(2026, 12, 30)
    assert make_rule(every=Every.ONCE, until_on=Day(2026, 12, 24)).next_on == Day(2026, 12, 24)


def test_the_same_form_twice_makes_one_rule(plan: Plan) -> None:
    reference = references.mint(references.AUTOSAVE_PREFIX)
    first = make_rule(plan, reference=reference)
    assert make_rule(plan, reference=reference) == first
    with pytest.raises(ReferenceTaken):
        make_rule(plan, reference=reference, amount_kobo=AMOUNT + 1)
    with pytest.raises(ReferenceTaken):
        make_rule(factories.make_plan(), reference=reference)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"amount_kobo": 99_99}, "amount_kobo"),
        ({"amount_kobo": 0}, "amount_kobo"),
        ({"amount_kobo": -5}, "amount_kobo"),
        ({"amount_kobo": 10_000_000_01}, "amount_kobo"),
        ({"amount_kobo": None, "every": Every.MONTH}, "amount_kobo"),
        ({"every": Every.WEEK, "weekday": 7}, "weekday"),
        ({"every": Every.WEEK, "weekday": None}, "weekday"),
        ({"every": Every.MONTH, "month_day": 0}, "month_day"),
        ({"every": Every.MONTH, "month_day": 32}, "month_day"),
        ({"every": Every.ONCE}, "until_on"),
        ({"every": Every.ONCE, "until_on": TODAY}, "until_on"),
        ({"every": Every.DAY, "until_on": TODAY}, "until_on"),
        ({"every": Every.WEEK, "weekday": 4, "until_on": Day(2026, 12, 3)}, "until_on"),
        ({"until_goal": True}, "until_goal"),
        ({"source": Source.CARD}, "source"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_field(asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        make_rule(**asked)
    assert refused.value.field == field
    assert not AutosaveRule.objects.exists()


def test_the_stash_is_filled_from_a_card_only(provider: Provider, plan: Plan) -> None:
    with pytest.raises(Refused) as refused:
        make_rule(user=plan.user)
    assert refused.value.field == "source"
    rule = make_rule(user=plan.user, card=cards.save_card(provider, plan.user))
    assert (rule.plan, rule.source) == (None, Source.CARD)


def test_another_users_card_and_a_removed_one_are_refused(provider: Provider, plan: Plan) -> None:
    theirs = cards.save_card(provider, factories.make_user())
    mine = cards.save_card(provider, plan.user)
    with pytest.raises(Refused):
        make_rule(plan, card=theirs)
    payments.remove_card(mine)
    mine.refresh_from_db()
    with pytest.raises(Refused):
        make_rule(plan, card=mine)


def test_a_card_is_charged_from_a_thousand_naira(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user)
    with pytest.raises(Refused) as refused:
        make_rule(plan, card=card, amount_kobo=999_99)
    assert refused.value.field == "amount_kobo"
    assert make_rule(plan, card=card, amount_kobo=1_000_00).amount_kobo == 1_000_00


def test_a_plan_that_takes_no_money_gets_no_rule(settings: Settings) -> None:
    closed = factories.make_plan()
    plans.close(closed)
    with pytest.raises(Refused, match="closed"):
        make_rule(closed)
    ending = factories.make_plan(product=factories.make_product(Product.Kind.TARGET), days=30)
    with pytest.raises(Refused, match="ends on"):
        make_rule(ending, every=Every.ONCE, until_on=ending.matures_on)
    assert make_rule(ending, every=Every.ONCE, until_on=Day(2026, 12, 29))


def test_a_rule_for_a_plan_with_its_goal_goes_on_beyond_it() -> None:
    plan = factories.make_plan(target_kobo=20_000_00, holding_kobo=20_000_00)
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user)
    live(TODAY, Day(2026, 12, 2))
    assert ran(rule)[:2] == [(Day(2026, 12, 1), "done"), (Day(2026, 12, 2), "done")]
    with pytest.raises(Refused, match="reached its goal"):
        make_rule(plan, until_goal=True)


def test_fifty_rules_are_the_most() -> None:
    plan = factories.make_plan()
    for _ in range(autosave.MOST_RULES):
        make_rule(plan)
    with pytest.raises(Refused, match="50"):
        make_rule(plan)
    autosave.stop_rule(AutosaveRule.objects.earliest("id"))
    make_rule(plan)


def test_who_owes_or_has_a_disputed_payment_makes_no_rule(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "available", lambda user: ledger.Available(0, 0, 5))
    with pytest.raises(Refused, match="owe"):
        make_rule(plan)
    monkeypatch.setattr(ledger, "available", lambda user: ledger.Available(0, 5, 0))
    with pytest.raises(Refused, match="disputed"):
        make_rule(plan)


def test_a_change_counts_from_the_date_after_the_announced_one() -> None:
    rule = make_rule(every=Every.MONTH, month_day=3)
    fill_stash(rule.user)
    work(Day(2026, 12, 2))
    rule = autosave.change_rule(rule, terms(rule, amount_kobo=9_000_00, month_day=10))
    # The run of the 3rd stays as it was announced, and the 10th is after it.
    assert AutosaveRun.objects.get().amount_kobo == AMOUNT
    assert rule.next_on == Day(2026, 12, 10)
    live(Day(2026, 12, 3), Day(2026, 12, 10))
    assert [run.amount_kobo for run in rule.runs.order_by("due_on")] == [AMOUNT, 9_000_00]


@pytest.mark.parametrize("hour", [6, 8])
def test_a_change_on_the_due_day_counts_from_the_next_date(hour: int, clock: Any) -> None:
    rule = make_rule(every=Every.DAY)
    fill_stash(rule.user)
    work(TODAY)
    if hour == 8:
        work(Day(2026, 12, 1))
    # 08:00 in Lagos is 07:00 UTC.
    clock.move_to(datetime.datetime(2026, 12, 1, hour - 1, tzinfo=datetime.UTC))
    autosave.change_rule(rule, terms(rule, amount_kobo=7_000_00))
    live(Day(2026, 12, 1), Day(2026, 12, 2))
    assert list(rule.runs.order_by("due_on").values_list("due_on", "amount_kobo"))[:2] == [
        (Day(2026, 12, 1), AMOUNT),
        # Announced on the 1st at 07:00, before a change at 08:00.
        (Day(2026, 12, 2), 7_000_00 if hour == 6 else AMOUNT),
    ]


def test_pausing_skips_what_was_announced_and_resuming_goes_on(clock: Any) -> None:
    rule = make_rule(every=Every.DAY)
    work(TODAY)
    rule = autosave.pause_rule(rule)
    assert (rule.status, rule.reason, rule.next_on) == (Status.PAUSED, Reason.SAVER, None)
    assert ran(rule) == [(Day(2026, 12, 1), "skipped")]
    live(Day(2026, 12, 1), Day(2027, 3, 1))
    assert len(ran(rule)) == 1
    clock.move_to(datetime.datetime(2028, 2, 28, 9, tzinfo=datetime.UTC))
    assert autosave.resume_rule(rule).next_on == Day(2028, 2, 29)


@pytest.mark.parametrize(
    ("asked", "pause_on", "resume_on", "next_on"),
    [
        ({"every": Every.MONTH, "month_day": 31}, Day(2027, 1, 30), Day(2027, 2, 27), Day(2027, 2, 28)),
        ({"every": Every.MONTH, "month_day": 31}, Day(2027, 1, 30), Day(2027, 2, 28), Day(2027, 3, 31)),
        ({"every": Every.MONTH, "month_day": 29}, Day(2028, 1, 28), Day(2028, 2, 28), Day(2028, 2, 29)),
        ({"every": Every.WEEK, "weekday": 4}, Day(2026, 12, 24), Day(2026, 12, 31), Day(2027, 1, 1)),
        ({"every": Every.DAY}, Day(2026, 12, 30), Day(2026, 12, 31), Day(2027, 1, 1)),
    ],
)
def test_a_pause_over_month_and_year_ends(
    asked: dict[str, Any], pause_on: Day, resume_on: Day, next_on: Day, clock: Any
) -> None:
    rule = make_rule(**asked)
    clock.move_to(datetime.datetime.combine(pause_on, datetime.time(5), tzinfo=datetime.UTC))
    autosave.pause_rule(rule)
    clock.move_to(datetime.datetime.combine(resume_on, datetime.time(5), tzinfo=datetime.UTC))
    assert autosave.resume_rule(rule).next_on == next_on


def test_a_single_date_that_passed_cannot_be_resumed(clock: Any) -> None:
    rule = make_rule(every=Every.ONCE, until_on=Day(2026, 12, 2))
    autosave.pause_rule(rule)
    clock.move_to(datetime.datetime(2026, 12, 5, tzinfo=datetime.UTC))
    with pytest.raises(Refused, match="no date left"):
        autosave.resume_rule(rule)


def test_skipping_the_next_date_before_and_after_it_is_announced() -> None:
    rule = make_rule(every=Every.DAY)
    fill_stash(rule.user)
    rule = autosave.skip_next(rule, Day(2026, 12, 1))
    assert rule.next_on == Day(2026, 12, 2)
    assert autosave.skip_next(rule, Day(2026, 12, 1)) == rule
    work(Day(2026, 12, 1))
    autosave.skip_next(rule, Day(2026, 12, 2))
    work(Day(2026, 12, 2))
    assert ran(rule) == [
        (Day(2026, 12, 1), "skipped"),
        (Day(2026, 12, 2), "skipped"),
        (Day(2026, 12, 3), "waiting"),
    ]
    with pytest.raises(Refused, match="not the next date"):
        autosave.skip_next(rule, Day(2026, 12, 9))
    work(Day(2026, 12, 3))
    with pytest.raises(Refused, match="on its way"):
        autosave.skip_next(rule, Day(2026, 12, 3))


def test_skipping_the_only_date_ends_the_rule() -> None:
    rule = make_rule(every=Every.ONCE, until_on=Day(2026, 12, 2))
    rule = autosave.skip_next(rule, Day(2026, 12, 2))
    assert (rule.status, rule.reason) == (Status.ENDED, Reason.DATE)


def test_a_stopped_rule_never_runs_again() -> None:
    rule = make_rule(every=Every.DAY)
    fill_stash(rule.user)
    work(TODAY)
    rule = autosave.stop_rule(rule)
    assert autosave.stop_rule(rule).reason == Reason.SAVER
    live(Day(2026, 12, 1), Day(2026, 12, 5))
    assert ran(rule) == [(Day(2026, 12, 1), "skipped")]
    for change in (autosave.pause_rule, autosave.resume_rule):
        with pytest.raises(Refused, match="ended"):
            change(rule)


def test_a_left_circle_stops_its_rule() -> None:
    member = factories.make_member(factories.make_circle())
    plan = Plan.objects.get(pk=member.plan_id)
    rule = make_rule(plan, every=Every.DAY)
    circles.leave(member)
    with pytest.raises(Refused, match="left the circle"):
        make_rule(plan)
    work(TODAY)
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (Status.PAUSED, Reason.LEFT)


def test_the_database_refuses_rules_that_cannot_be(plan: Plan) -> None:
    good = {"reference": "ASR1", "user": plan.user, "plan": plan, "source": "stash", "amount_kobo": 5}
    good |= {"every": "week", "weekday": 1, "next_on": timezone.localdate()}
    AutosaveRule.objects.create(**good)
    bad: list[dict[str, Any]] = [
        {"amount_kobo": 0},
        {"amount_kobo": None},
        {"plan": None},
        {"source": "card"},
        {"weekday": 7},
        {"weekday": None},
        {"month_day": 3},
        {"every": "month", "weekday": None, "month_day": 32},
        {"status": "paused", "reason": "saver"},
        {"status": "ended", "next_on": None},
        {"reason": "saver"},
    ]
    for number, change in enumerate(bad):
        with pytest.raises(IntegrityError), transaction.atomic():
            AutosaveRule.objects.create(**good | {"reference": f"ASR{number + 2}"} | change)
