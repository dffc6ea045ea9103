"""The coming dates: each source, their order, what the stash surely gets, and a fixed number of queries."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import Traveller

from savings import autosave, calendar, ledger, plans, references
from savings.calendar import Direction, Event, Kind
from savings.calendar.events import of_autosaves
from savings.models import Membership, Notice, Payout, Plan, Product, TaxRate, User
from tests.autosaves import coming, make_rule, make_rules
from tests.factories import join_circle, make_plan, make_product, start_circle
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
LAGOS = zoneinfo.ZoneInfo("Africa/Lagos")
TODAY = datetime.date(2026, 12, 20)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Traveller]:
    """Ten in the morning of 20 December 2026, Nigerian time."""
    with time_machine.travel("2026-12-20T09:00:00Z", tick=False) as clock:
        yield clock


def events(user: User, days: int = 60, *kinds: Kind) -> list[Event]:
    found = calendar.coming_events(user, TODAY, TODAY + days * DAY)
    return [event for event in found if not kinds or event.kind in kinds]


def give_notice(plan: Plan, amount_kobo: int) -> Notice:
    reference = references.mint(references.NOTICE_PREFIX)
    return plans.give_notice(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def quiet(kind: Product.Kind = Product.Kind.FLEXIBLE, **fields: Any) -> Product:
    """Return a product without interest."""
    return make_product(kind, rate_bps=0, **fields)


def test_nothing_comes_to_a_newcomer(saver: User) -> None:
    assert events(saver) == []


def test_an_autosave_from_the_stash_goes_out_and_one_from_a_card_does_not() -> None:
    stash, card, skipped = of_autosaves(
        [
            coming(TODAY, 500),
            coming(TODAY, 700, source="card", plan_id=None, plan_name=""),
            coming(TODAY, 500, is_skipped=True),
        ]
    )
    assert (stash.title, stash.note, stash.amount_kobo) == ("Auto-save into Rent", "From your stash", 500)
    assert stash.uid == "autosave-7-2026-12-20"
    assert (stash.direction, card.direction) == (Direction.OUT_OF_STASH, Direction.FROM_CARD)
    assert (card.title, card.plan_id) == ("Auto-save into your stash", None)
    assert (skipped.is_cancelled, skipped.note, skipped.uid) == (True, "Skipped", stash.uid)


def test_the_dates_of_a_rule_come_until_it_is_paused(saver: User) -> None:
    rule = make_rule(make_plan(saver, quiet(), name="Rent"), days=3)
    first, second, third = events(saver, 18)
    assert [event.day for event in (first, second, third)] == [TODAY + days * DAY for days in (3, 10, 17)]
    assert (first.uid, first.title) == (f"autosave-{rule.pk}-2026-12-23", "Auto-save into Rent")
    autosave.skip_next(rule, first.day)
    assert [event.is_cancelled for event in events(saver, 18)] == [True, False, False]
    autosave.pause_rule(rule)
    assert [event.is_cancelled for event in events(saver, 18)] == [True]


def test_a_date_that_failed_comes_with_its_next_try(saver: User, clock: Traveller) -> None:
    rule = make_rule(make_plan(saver, quiet()), days=1, every="month", weekday=None, month_day=21)
    for day, hour, next_day, next_hour in ((21, 7, 21, 19), (21, 19, 22, 7), (22, 7, 24, 7)):
        clock.move_to(datetime.datetime(2026, 12, day, hour, tzinfo=LAGOS))
        autosave.carry_out_due(timezone.now())
        clock.move_to(datetime.datetime(2026, 12, day, hour, 30, tzinfo=LAGOS))
        found = calendar.coming_events(saver, timezone.localdate(), TODAY + 10 * DAY)
        assert [(event.day.day, event.uid) for event in found] == [
            (next_day, f"autosave-{rule.pk}-2026-12-21")
        ]
        assert found[0].note == "From your stash. We try again."
        assert found[0].at == datetime.datetime(2026, 12, next_day, next_hour, tzinfo=LAGOS)
    assert calendar.coming_events(saver, TODAY + 5 * DAY, TODAY + 10 * DAY) == []


@pytest.mark.parametrize(
    ("at_maturity", "direction", "certain_kobo"),
    [
        (Plan.AtMaturity.STASH, Direction.INTO_STASH, 900),
        (Plan.AtMaturity.ROLLOVER, Direction.NONE, 0),
        (Plan.AtMaturity.COMPOUND, Direction.NONE, 0),
    ],
)
def test_a_maturity_says_what_happens_then(
    saver: User, at_maturity: str, direction: Direction, certain_kobo: int
) -> None:
    plan = make_plan(
        saver, quiet(Product.Kind.LOCKED), holding_kobo=900, days=40, name="Rent", at_maturity=at_maturity
    )
    (event,) = events(saver)
    assert (event.title, event.day, event.plan_id) == ("Rent matures", TODAY + 40 * DAY, plan.pk)
    assert (event.amount_kobo, event.direction, event.certain_kobo) == (900, direction, certain_kobo)
    assert event.uid == f"maturity-{plan.pk}-2027-01-29"
    assert events(saver, 39) == []


def test_a_matured_plan_is_late_until_it_was_processed(saver: User, clock: Traveller) -> None:
    plan = make_plan(saver, quiet(Product.Kind.LOCKED), holding_kobo=900, days=40)
    clock.shift(41 * DAY)
    today = timezone.localdate()
    assert [event.day for event in calendar.coming_events(saver, today, today)] == [today]
    plans.mature_due_plans(today)
    assert calendar.coming_events(saver, today, today + 300 * DAY) == []
    plan.refresh_from_db()


def test_interest_of_a_day_is_one_event_with_its_sum(saver: User) -> None:
    product = make_product(rate_bps=1_000)
    TaxRate.objects.all().delete()
    made = [make_plan(saver, product, holding_kobo=36_500_00, name=f"Plan {n}") for n in range(2)]
    january, february = events(saver, 60, Kind.INTEREST)
    assert (january.day, february.day) == (datetime.date(2027, 1, 1), datetime.date(2027, 2, 1))
    assert (january.title, january.plan_id) == ("Interest on 2 plans", None)
    # Twelve days at ₦10 a day, for each plan.
    assert january.amount_kobo == 2 * 120_00
    assert january.direction == Direction.NONE
    plans.change_interest_to(made[0], Plan.InterestTo.STASH)
    one, other = events(saver, 12, Kind.INTEREST)
    assert {one.direction, other.direction} == {Direction.INTO_STASH, Direction.NONE}
    assert {one.title, other.title} == {"Interest on Plan 0", "Interest on Plan 1"}
    assert one.certain_kobo == other.certain_kobo == 0


def test_the_sums_are_those_of_the_projection_of_a_plan(saver: User) -> None:
    plan = make_plan(
        saver, make_product(Product.Kind.TARGET, rate_bps=1_200), holding_kobo=777_777_77, days=100
    )
    taxes = ledger.TaxRates.read()
    loaded = saver.plans.with_balance().get()
    whole = ledger.project_interest(loaded, today=TODAY, taxes=taxes).in_all
    sums = [event.amount_kobo or 0 for event in events(saver, 200, Kind.INTEREST)]
    assert whole is not None
    assert len(sums) == 4
    assert sum(sums) == whole.net_kobo
    assert plan.pk


def test_a_plan_that_pays_at_maturity_has_interest_on_that_day_alone(saver: User) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1_000, interest_paid="maturity")
    make_plan(saver, product, holding_kobo=10_000_00, days=50)
    interest, maturity = events(saver)
    assert (interest.kind, maturity.kind) == (Kind.INTEREST, Kind.MATURITY)
    assert interest.day == maturity.day == TODAY + 50 * DAY
    assert interest.direction == Direction.INTO_STASH


def test_a_notice_takes_its_money_from_the_maturity(saver: User) -> None:
    product = quiet(
        min_term_days=1, max_term_days=900, notice_hours=24, early_exit="penalty", penalty_bps=100
    )
    plan = make_plan(saver, product, holding_kobo=1_000_00, days=30)
    notice = give_notice(plan, 400_00)
    noticed, maturity = events(saver)
    assert (noticed.at, noticed.day) == (notice.due_at, TODAY + DAY)
    # The penalty of 1 % does not arrive.
    assert (noticed.amount_kobo, noticed.certain_kobo) == (396_00, 396_00)
    assert (maturity.amount_kobo, maturity.certain_kobo) == (600_00, 600_00)


def test_a_notice_that_its_plan_does_not_live_to_see_is_left_out(saver: User) -> None:
    product = quiet(min_term_days=1, max_term_days=900, notice_hours=240)
    plan = make_plan(saver, product, holding_kobo=1_000_00, days=5)
    give_notice(plan, 400_00)
    (maturity,) = events(saver)
    assert maturity.certain_kobo == 1_000_00


def test_a_withdrawal_on_its_way_is_there_until_it_has_arrived(saver: User) -> None:
    waiting = make_payout(saver, send_at=timezone.now() + 2 * DAY)
    sent = make_payout(saver, Payout.State.SENT, recipient=waiting.recipient)
    make_payout(saver, Payout.State.PAID, recipient=waiting.recipient)
    now, later = events(saver)
    assert (now.reference, now.day, now.at) == (sent.transaction.reference, TODAY, None)
    assert (later.reference, later.day, later.at) == (
        waiting.transaction.reference,
        TODAY + 2 * DAY,
        waiting.send_at,
    )
    assert (later.amount_kobo, later.direction) == (waiting.transaction.amount_kobo, Direction.NONE)


def test_a_circle_ends_for_its_members_only(saver: User) -> None:
    circle = start_circle(product=quiet(), days=30, name="Rent circle")
    membership = join_circle(circle, saver)
    (event,) = events(saver, 60, Kind.CIRCLE_END)
    assert (event.title, event.circle_slug, event.day) == ("Rent circle ends", circle.slug, TODAY + 30 * DAY)
    Membership.objects.filter(pk=membership.pk).update(left_at=timezone.now())
    assert events(saver, 60, Kind.CIRCLE_END) == []


def test_another_user_sees_none_of_it(saver: User) -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), holding_kobo=900, days=40)
    make_payout(plan.user)
    assert events(saver) == []
    assert events(plan.user)


def test_a_time_zone_decides_the_day_of_a_notice(saver: User, clock: Traveller) -> None:
    # 23:30 in UTC is the next day in Lagos, and here the next year.
    clock.move_to("2026-12-30T23:30:00Z")
    plan = make_plan(saver, quiet(Product.Kind.EMERGENCY), holding_kobo=1_000_00)
    give_notice(plan, 400_00)
    (event,) = events(saver)
    assert (event.day, event.uid.rpartition("-20")[2]) == (datetime.date(2027, 1, 1), "27-01-01")


def test_events_are_in_the_order_in_which_they_happen(saver: User) -> None:
    plan = make_plan(saver, quiet(Product.Kind.EMERGENCY), holding_kobo=1_000_00)
    give_notice(plan, 400_00)
    (noticed,) = events(saver)
    (autosave,) = of_autosaves([coming(noticed.day, 5)])
    make_plan(saver, quiet(Product.Kind.LOCKED), days=1 + 29, holding_kobo=5)
    (maturity,) = events(saver, 60, Kind.MATURITY)
    same_day = [noticed, autosave, Event(**{**vars(maturity), "day": noticed.day})]
    found = sorted(same_day, key=lambda event: event.place)
    assert [event.kind for event in found] == [Kind.MATURITY, Kind.AUTOSAVE, Kind.NOTICE]


def test_much_costs_as_many_queries_as_little(saver: User) -> None:
    def add(times: int) -> None:
        product, ends = make_product(Product.Kind.EMERGENCY), make_product(Product.Kind.LOCKED)
        make_rules(saver, times)
        for _ in range(times):
            give_notice(make_plan(saver, product, holding_kobo=1_000), 5)
            make_plan(saver, ends, holding_kobo=1_000, days=40)
            join_circle(start_circle(product=product), saver)
        payout = make_payout(saver)
        for _ in range(times):
            make_payout(saver, recipient=payout.recipient)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            events(saver)
        return len(queries)

    add(1)
    few = count()
    saver.recipients.update(removed_at=timezone.now())
    add(25)
    assert count() == few <= 6
