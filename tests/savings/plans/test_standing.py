"""Where a plan stands: its state, what is to go, the suggested sums and the projection."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from savings.plans import Every, Pace, Standing, State, standing
from savings.plans.standing import milestone

TODAY = datetime.date(2026, 11, 29)


class Example(NamedTuple):
    target_kobo: int | None = None
    balance_kobo: int = 0
    started_on: datetime.date = TODAY
    matures_on: datetime.date | None = None
    closed_at: datetime.datetime | None = None


def day(offset: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=offset)


def dated(balance: int, target: int, *, since: int, until: int) -> Standing:
    """Return the standing of a plan in naira that started `since` days ago and ends in `until` days."""
    return standing(Example(target * 100, balance * 100, day(-since), day(until)), TODAY)


def test_a_plan_ahead_of_its_line_is_on_track() -> None:
    found = dated(60_000, 120_000, since=100, until=265)
    assert (found.state, found.to_go_kobo, found.days_left) == (State.ON_TRACK, 60_000_00, 265)
    assert (found.ahead_days, found.behind_days) == (82, 0)


def test_a_plan_behind_its_line_says_by_how_many_days_and_what_gets_there() -> None:
    found = dated(20_000, 120_000, since=100, until=265)
    assert (found.state, found.behind_days) == (State.BEHIND, 40)
    assert found.suggested == found.monthly == (12_500_00, Every.MONTH, 8)


def test_a_few_days_behind_is_still_on_track() -> None:
    assert dated(0, 365_000, since=6, until=359).state == State.ON_TRACK
    assert dated(0, 365_000, since=7, until=358).state == State.BEHIND


def test_a_date_in_two_weeks_asks_for_all_that_is_to_go() -> None:
    found = dated(694_000, 750_000, since=358, until=7)
    assert (found.state, found.days_left) == (State.DUE_SOON, 7)
    assert found.suggested == (56_000_00, Every.ONCE, 1)
    assert dated(0, 750_000, since=0, until=15).state == State.ON_TRACK


def test_a_date_within_three_months_asks_by_the_week() -> None:
    assert dated(0, 95_000, since=0, until=70).suggested == (9_500_00, Every.WEEK, 10)


def test_a_goal_without_a_date_is_projected_at_the_plan_s_own_pace() -> None:
    plan = Example(200_000_00, 38_500_00, day(-200))
    found = standing(plan, TODAY, Pace(114_000_00, 90))
    assert (found.state, found.to_go_kobo, found.suggested) == (State.NO_DATE, 161_500_00, None)
    assert found.pace_month_kobo == 38_000_00
    assert found.projected_on == day(128)


@pytest.mark.parametrize(
    "pace", [None, Pace(50_000_00, 29), Pace(0, 90), Pace(-1, 90), Pace(1, 90), Pace(0, 0)]
)
def test_no_date_is_promised_without_a_steady_pace(pace: Pace | None) -> None:
    assert standing(Example(200_000_00, 100), TODAY, pace).projected_on is None


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (Example(), State.NO_GOAL),
        (Example(matures_on=day(30)), State.RUNNING),
        (Example(100, 100), State.REACHED),
        (Example(100, 250, matures_on=day(30)), State.REACHED),
        (Example(100, 99), State.NO_DATE),
        (Example(100, matures_on=TODAY), State.MATURED),
        (Example(100, 100, matures_on=day(-1)), State.MATURED),
        (Example(100, 100, closed_at=timezone.now()), State.CLOSED),
        # Started today, and one whose money went back.
        (Example(750_000_00, 0, TODAY, day(200)), State.ON_TRACK),
        (Example(750_000_00, 0, day(-100), day(100)), State.BEHIND),
    ],
)
def test_each_kind_of_plan_has_a_state(plan: Example, state: State) -> None:
    assert standing(plan, TODAY).state == state


def test_one_kobo_to_go_asks_for_the_smallest_top_up() -> None:
    found = standing(Example(1, 0, TODAY, day(300)), TODAY)
    assert found.to_go_kobo == 1
    assert found.monthly is not None
    assert found.monthly.amount_kobo == settings.TOP_UP_MIN_KOBO


def test_a_plan_without_room_has_no_suggestion(settings: Settings) -> None:
    settings.PLAN_MAX_KOBO = 500_00
    assert standing(Example(900_00, 500_00, TODAY, day(300)), TODAY).suggested is None
    found = standing(Example(900_00, 350_00, TODAY, day(300)), TODAY)
    assert found.at_once is not None
    assert found.at_once.amount_kobo == 150_00


@pytest.mark.parametrize(
    ("today", "ends", "payments"),
    [
        ("2026-11-29", "2026-11-30", 1),
        ("2026-11-29", "2026-12-29", 1),
        ("2026-11-29", "2026-12-30", 2),
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-03-01", 2),
        ("2026-11-29", "2027-11-29", 12),
    ],
)
def test_months_count_the_payments_before_the_last_day(today: str, ends: str, payments: int) -> None:
    start, end = datetime.date.fromisoformat(today), datetime.date.fromisoformat(ends)
    found = standing(Example(100_000_00, 0, start, end), start)
    assert found.monthly is not None
    assert found.monthly.payments == payments


def test_todays_payment_is_not_counted_twice() -> None:
    """A new plan names a sum for today and each month. Once paid, the sum for the other months is the same."""
    start, end = datetime.date(2026, 11, 29), datetime.date(2027, 8, 31)
    before = standing(Example(600_000_00, 0, start, end), start).monthly
    assert before == (60_000_00, Every.MONTH, 10)
    after = standing(Example(600_000_00, before.amount_kobo, start, end), start).monthly
    assert after == (60_000_00, Every.MONTH, 9)


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        (0, 24_99, 0),
        (0, 25_00, 25),
        (24_99, 80_00, 75),
        (25_00, 49_99, 0),
        (99_99, 100_00, 100),
        (100_00, 200_00, 0),
        (50_00, 20_00, 0),
    ],
)
def test_a_milestone_is_reached_by_the_payment_that_crosses_it(before: int, after: int, percent: int) -> None:
    assert milestone(100_00, before_kobo=before, after_kobo=after) == percent
    assert milestone(None, before_kobo=before, after_kobo=after) == 0


KOBO = st.integers(0, 2 * 10**14)
EXAMPLES = st.builds(
    Example,
    target_kobo=st.none() | KOBO.filter(bool),
    balance_kobo=KOBO,
    started_on=st.integers(-1_000, 0).map(day),
    matures_on=st.none() | st.integers(1, 4_000).map(day),
    closed_at=st.none(),
)
PACES = st.none() | st.builds(Pace, saved_kobo=st.integers(-(10**12), 10**14), days=st.integers(0, 90))


@given(plan=EXAMPLES, pace=PACES)
def test_suggested_sums_reach_the_goal_or_fill_the_plan(plan: Example, pace: Pace | None) -> None:
    found = standing(plan, TODAY, pace)
    room_kobo = settings.PLAN_MAX_KOBO - plan.balance_kobo
    for suggestion in filter(None, (found.weekly, found.monthly, found.at_once)):
        assert 0 < suggestion.amount_kobo <= room_kobo
        assert suggestion.amount_kobo * suggestion.payments >= min(found.to_go_kobo, room_kobo)
        assert suggestion.amount_kobo <= max(found.to_go_kobo, settings.TOP_UP_MIN_KOBO)
    if found.weekly and plan.matures_on:
        # An empty plan is paid into today, and one with money next week if there is a next week.
        has_next = (plan.matures_on - TODAY).days > 7
        begins_in = 1 if plan.balance_kobo and has_next else 0
        last = TODAY + datetime.timedelta(weeks=begins_in + found.weekly.payments - 1)
        assert last < plan.matures_on <= last + datetime.timedelta(weeks=1)


@given(plan=EXAMPLES, pace=PACES)
def test_the_state_never_contradicts_the_numbers(plan: Example, pace: Pace | None) -> None:
    found = standing(plan, TODAY, pace)
    target_kobo, ends = plan.target_kobo, plan.matures_on
    assert (found.to_go_kobo > 0) == (target_kobo is not None and plan.balance_kobo < target_kobo)
    assert not (found.behind_days and found.ahead_days)
    assert (found.state == State.REACHED) == (target_kobo is not None and not found.to_go_kobo)
    assert (found.state in {State.NO_GOAL, State.RUNNING}) == (target_kobo is None)
    if found.state == State.BEHIND and target_kobo and ends:
        elapsed, term = (TODAY - plan.started_on).days, (ends - plan.started_on).days
        assert plan.balance_kobo * term < target_kobo * elapsed
    if found.state == State.DUE_SOON:
        assert 0 < found.days_left <= 14
    if found.projected_on is not None:
        assert found.to_go_kobo > 0
        assert pace is not None
        days = (found.projected_on - TODAY).days
        assert pace.saved_kobo * days >= found.to_go_kobo * pace.days > pace.saved_kobo * (days - 1)
