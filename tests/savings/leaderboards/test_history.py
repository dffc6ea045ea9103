"""The daily history of leaderboards: exact for the first ranks, close below, and one row for each day and circle."""

from __future__ import annotations

import datetime
import random
from itertools import pairwise

import hypothesis
import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from savings import circles, leaderboards, ledger, plans, references
from savings.leaderboards import history, store
from savings.models import Account, BoardDay, Circle, Membership, Transaction
from tests import factories

pytestmark = pytest.mark.django_db

MONDAY = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)


def on_day(days: int, hours: int = 0) -> time_machine.travel:
    return time_machine.travel(MONDAY + datetime.timedelta(days=days, hours=hours), tick=False)


def keep_night_after(days: int) -> int:
    """Run the scheduled task two minutes after the end of that day in Lagos."""
    with time_machine.travel(datetime.datetime(2026, 11, 2, 23, 2, tzinfo=datetime.UTC), tick=False) as clock:
        clock.shift(datetime.timedelta(days=days))
        return leaderboards.record_days(timezone.now())


def member_ranks(member: Membership, days: int) -> list[int | None]:
    """Return the member's ranks before that day."""
    cache.clear()
    return [
        rank
        for _, rank in leaderboards.ranks_by_day(member.pk, (MONDAY + datetime.timedelta(days=days)).date())
    ]


@pytest.fixture(params=["redis", "sql"])
def source(request: pytest.FixtureRequest) -> str:
    """The source of the stored leaderboards; both must give the same."""
    return str(request.param)


@pytest.fixture
def circle() -> Circle:
    with on_day(0):
        return factories.make_circle()


def ranks(sums: list[int]) -> dict[int, int]:
    """Return the rank of each amount: 1 + the number of higher ones."""
    ordered = sorted(sums, reverse=True)
    return {own: 1 + ordered.index(own) for own in set(sums)}


def sparse(sums: list[int]) -> list[list[int]]:
    """Return the stored marks of a leaderboard with these amounts."""
    ordered, ranks_of_sums = sorted(sums, reverse=True), ranks(sums)
    at = [position for position in history._positions() if position < len(sums) - 1] + [len(sums) - 1]
    return [
        list(mark)
        for mark in dict.fromkeys((ranks_of_sums[ordered[position]], ordered[position]) for position in at)
    ]


def test_a_day_is_stored_once(circle: Circle, source: str) -> None:
    with on_day(0):
        for kobo in (500, 300, 300, 100):
            factories.make_member(circle, saved_kobo=kobo)
        factories.make_member(circle, saved_kobo=900, on_board=False)
        if source == "redis":
            leaderboards.rebuild_board(circle.pk)
    assert [keep_night_after(0), keep_night_after(0)] == [1, 0]
    day = BoardDay.objects.get()
    assert (day.day, day.size) == (MONDAY.date(), 4)
    assert day.marks == [[1, 500], [2, 300], [4, 100]]


def test_only_circles_that_ran_on_the_day_are_stored(circle: Circle) -> None:
    with on_day(1):
        factories.make_circle()
    assert keep_night_after(0) == 1
    with on_day(400):
        assert leaderboards.record_days(timezone.now()) == 0
    assert BoardDay.objects.get().circle == circle
    assert BoardDay.objects.get().marks == []


def test_ranks_by_day_follow_the_amount_with_ties_and_missing_days(circle: Circle) -> None:
    with on_day(0):
        ada, bola = (factories.make_member(circle, saved_kobo=kobo) for kobo in (300, 500))
    keep_night_after(0)
    with on_day(1):
        factories.pay_in(ada.user, 200, plan=ada.plan)
    keep_night_after(1)
    # The next day was not stored.
    with on_day(3):
        factories.pay_in(ada.user, 100, plan=ada.plan)
    keep_night_after(3)
    assert member_ranks(ada, 4) == [2, 1, 1]
    assert member_ranks(bola, 4) == [1, 1, 2]
    with on_day(4):
        assert [day.day for day, _ in leaderboards.ranks_by_day(ada.pk, timezone.localdate())] == [2, 3, 5]


def test_a_payment_between_midnight_and_storing_counts_in_marks_and_amounts(
    circle: Circle,
) -> None:
    with on_day(0):
        ada, bola = (factories.make_member(circle, saved_kobo=kobo) for kobo in (300, 500))
    with time_machine.travel(datetime.datetime(2026, 11, 2, 23, 1, tzinfo=datetime.UTC), tick=False):
        factories.pay_in(ada.user, 400, plan=ada.plan)
    keep_night_after(0)
    assert (member_ranks(ada, 1), member_ranks(bola, 1)) == ([1], [2])


def test_interest_does_not_change_a_rank_and_withdrawals_and_reversals_do(circle: Circle) -> None:
    with on_day(0):
        ada, _ = (factories.make_member(circle, saved_kobo=kobo) for kobo in (300, 250))
        expense = ledger.house_account(Account.Kind.INTEREST_EXPENSE)
        paid = factories.put_in(ada.user, 100, plan=ada.plan)
    keep_night_after(0)
    with on_day(1):
        ledger.reverse(paid, reference=references.new("reversal"))
        reference = references.new("plan_to_stash")
        plans.move_from_plan(ada.user, ada.plan, amount_kobo=100, reference=reference)
        factories.settled(
            Transaction.Kind.INTEREST,
            900,
            debit=expense,
            credit=ada.plan.account,
            user=ada.user,
            plan=ada.plan,
        )
    keep_night_after(1)
    assert member_ranks(ada, 2) == [1, 2]


def test_no_rank_before_joining_and_without_savings(circle: Circle) -> None:
    with on_day(0):
        factories.make_member(circle, saved_kobo=500)
    keep_night_after(0)
    with on_day(1):
        late = factories.make_member(circle)
    keep_night_after(1)
    with on_day(2):
        factories.pay_in(late.user, 100, plan=late.plan)
    keep_night_after(2)
    assert member_ranks(late, 3) == [None, 2]


def test_a_member_who_left_and_joined_again_starts_a_new_history() -> None:
    with on_day(0):
        circle = factories.start_circle()
        first = factories.join_circle(circle, saved_kobo=500)
    keep_night_after(0)
    with on_day(1):
        reference = references.new("plan_to_stash")
        plans.move_from_plan(first.user, first.plan, amount_kobo=500, reference=reference)
        circles.leave(first)
        again = factories.join_circle(circle, first.user, saved_kobo=300)
    keep_night_after(1)
    assert member_ranks(again, 2) == [1]


@pytest.mark.usefixtures("epoch_known")
def test_the_history_costs_two_queries_once_a_day_with_few_or_many_payments(
    circle: Circle, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with on_day(0):
        member = factories.make_member(circle, saved_kobo=100)
    for days in range(3):
        keep_night_after(days)
    with on_day(3):
        factories.fill(member.user, 50, plan=member.plan)
        with django_assert_num_queries(2):
            found = leaderboards.ranks_by_day(member.pk, timezone.localdate())
        with django_assert_num_queries(0):
            assert leaderboards.ranks_by_day(member.pk, timezone.localdate()) == found
            cache.clear()
            assert leaderboards.ranks_by_day(member.pk, timezone.localdate(), is_cached_only=True) == []


def test_days_are_stored_for_five_weeks_then_sundays_for_a_year(circle: Circle) -> None:
    circle.ends_on = datetime.date(2029, 1, 1)
    today = datetime.date(2028, 5, 10)
    BoardDay.objects.bulk_create(
        BoardDay(circle=circle, day=today - datetime.timedelta(days=ago), taken_at=MONDAY, size=0, marks=[])
        for ago in range(1, 500)
    )
    assert leaderboards.record_day(circle, today)
    days = list(BoardDay.objects.order_by("-day").values_list("day", flat=True))
    assert days[:36] == [today - datetime.timedelta(days=ago) for ago in range(36)]
    assert {day.isoweekday() for day in days[36:]} == {7}
    assert (today - days[-1]).days in range(358, 366)
    assert len(days) < 90


def test_a_million_members_need_a_few_hundred_marks() -> None:
    positions = history._positions()
    assert positions[: history.EXACT_RANKS] == list(range(history.EXACT_RANKS))
    assert 350 < len([position for position in positions if position < 1_000_000]) < 400
    assert all(after - before <= max(1, before / 20) for before, after in pairwise(positions))


@hypothesis.given(sums=st.lists(st.integers(1, 40), min_size=1, max_size=150))
def test_the_first_two_hundred_ranks_are_exact(sums: list[int]) -> None:
    marks = sparse(sums)
    for own, rank in ranks(sums).items():
        assert history.estimated_rank(own, size=len(sums), marks=marks) == rank


@pytest.mark.parametrize("most_kobo", [500, 10_000_000])
def test_lower_ranks_are_within_one_step_and_in_order(most_kobo: int) -> None:
    chance = random.Random(most_kobo)
    sums = [1 + int(chance.random() ** 3 * most_kobo) for _ in range(5_000)]
    marks = sparse(sums)
    exact = ranks(sums)
    found = {own: history.estimated_rank(own, size=len(sums), marks=marks) or 0 for own in exact}
    assert [found[own] for own in sorted(exact)] == sorted(found.values(), reverse=True)
    for own, rank in exact.items():
        step = 0 if rank <= history.EXACT_RANKS else rank / 19
        assert abs(found[own] - rank) <= step


def test_a_day_is_stored_from_sql_while_redis_is_away(circle: Circle) -> None:
    with on_day(0):
        factories.make_member(circle, saved_kobo=500)
    store.gate.fail()
    assert keep_night_after(0) == 1
    assert BoardDay.objects.get().marks == [[1, 500]]
