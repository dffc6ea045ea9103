"""Pages of a leaderboard: ranks, ties, neighbours and gaps, the same from Redis and from SQL."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from savings import leaderboards
from savings.leaderboards import Board, Order, standings, store
from savings.models import Circle, Membership
from tests import factories

pytestmark = pytest.mark.django_db

FRIDAY = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


@pytest.fixture(params=["redis", "sql"])
def source(request: pytest.FixtureRequest) -> str:
    """The source of leaderboards; both must give the same."""
    return str(request.param)


def show(
    circle: Circle, source: str, reader: Membership | None = None, order: Order = Order.SAVED, first: int = 0
) -> Board:
    """Return a page of a leaderboard, rebuilt in Redis or from SQL."""
    if source == "redis":
        leaderboards.rebuild_board(circle.pk, force=True)
    reader_id = reader.pk if reader else None
    board = leaderboards.read_board(circle_id=circle.pk, membership_id=reader_id, order=order, first=first)
    assert (board.version == -1) == (source == "sql")
    return board


def ranks(board: Board) -> list[tuple[int, int]]:
    return [(line.membership_id, line.rank) for line in board.lines]


def test_equal_amounts_share_a_rank_and_the_next_rank_is_skipped(source: str) -> None:
    circle = factories.make_circle()
    ada, bola, chidi, dayo = (factories.make_member(circle, saved_kobo=kobo) for kobo in (500, 300, 300, 100))
    board = show(circle, source)
    assert ranks(board) == [(ada.pk, 1), (bola.pk, 2), (chidi.pk, 2), (dayo.pk, 4)]
    assert (board.size, board.members, board.total_kobo) == (4, 4, 1200)


def test_in_a_tie_the_earlier_member_comes_first(source: str) -> None:
    circle = factories.make_circle()
    early, late = factories.make_member(circle, saved_kobo=100), factories.make_member(circle, saved_kobo=200)
    factories.pay_in(early.user, 100, plan=early.plan)
    assert ranks(show(circle, source)) == [(late.pk, 1), (early.pk, 1)]


def test_a_member_without_savings_or_off_the_board_has_no_rank_but_counts_for_the_circle(
    source: str,
) -> None:
    circle = factories.make_circle()
    factories.make_member(circle)
    hidden = factories.make_member(circle, saved_kobo=100, on_board=False)
    shown = factories.make_member(circle, saved_kobo=50)
    board = show(circle, source, hidden)
    assert ranks(board) == [(shown.pk, 1)]
    assert (board.mine, board.around) == (None, [])
    assert (board.members, board.total_kobo) == (3, 150)


def test_my_line_has_five_neighbours_on_each_side_and_the_next_higher_amount(source: str) -> None:
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=10 * (20 - number)) for number in range(20)]
    board = show(circle, source, members[10])
    assert [line.membership_id for line in board.around] == [member.pk for member in members[5:16]]
    assert [line.rank for line in board.around] == list(range(6, 17))
    assert board.mine == board.around[5]
    assert board.next_sum_kobo == 110


def test_my_line_can_be_read_without_a_page(source: str) -> None:
    circle = factories.make_circle()
    member = factories.make_member(circle, saved_kobo=10)
    show(circle, source)
    board = leaderboards.read_board(circle_id=circle.pk, membership_id=member.pk, length=0)
    assert board.lines == []
    assert board.mine is not None
    assert board.mine.rank == 1


def test_the_first_has_nothing_above(source: str) -> None:
    circle = factories.make_circle()
    first = factories.make_member(circle, saved_kobo=10)
    factories.make_member(circle, saved_kobo=5)
    board = show(circle, source, first)
    assert board.next_sum_kobo is None
    assert [line.rank for line in board.around] == [1, 2]


def test_a_page_that_starts_inside_a_tie_shows_its_rank(source: str) -> None:
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=kobo) for kobo in (9, 5, 5, 5, 1)]
    assert ranks(show(circle, source, first=2)) == [
        (members[2].pk, 2),
        (members[3].pk, 2),
        (members[4].pk, 5),
    ]


def test_the_share_of_the_own_target_is_another_order(source: str) -> None:
    circle = factories.make_circle()
    factories.make_member(circle, saved_kobo=5_000_00)
    big = factories.make_member(circle, saved_kobo=5_000_00, target_kobo=20_000_00)
    small = factories.make_member(circle, saved_kobo=4_000_00, target_kobo=10_000_00)
    board = show(circle, source, big, Order.SHARE)
    assert [(line.membership_id, line.rank, line.score) for line in board.lines] == [
        (small.pk, 1, 400),
        (big.pk, 2, 250),
    ]
    assert board.next_sum_kobo == 400
    assert board.lines[0].saved_kobo == 4_000_00


def test_the_savings_of_this_month_are_another_order(source: str) -> None:
    with time_machine.travel(FRIDAY - datetime.timedelta(days=40)):
        circle = factories.make_circle()
        early = factories.make_member(circle, saved_kobo=900)
        factories.make_member(circle, saved_kobo=500)
    with time_machine.travel(FRIDAY):
        late = factories.make_member(circle, saved_kobo=300)
        factories.pay_in(early.user, 200, plan=early.plan)
        board = show(circle, source, order=Order.MONTH)
    assert [(line.membership_id, line.rank, line.score) for line in board.lines] == [
        (late.pk, 1, 300),
        (early.pk, 2, 200),
    ]


def test_lines_have_the_rank_at_the_start_of_the_week() -> None:
    with time_machine.travel(FRIDAY - datetime.timedelta(days=7)):
        circle = factories.make_circle()
        ada, bola, chidi = (factories.make_member(circle, saved_kobo=kobo) for kobo in (900, 500, 300))
    with time_machine.travel(FRIDAY):
        factories.pay_in(chidi.user, 400, plan=chidi.plan)
        new = factories.make_member(circle, saved_kobo=1000)
        lines = show(circle, "redis").lines
    assert [(line.membership_id, line.rank, line.rank_before) for line in lines] == [
        (new.pk, 1, None),
        (ada.pk, 2, 1),
        (chidi.pk, 3, 3),
        (bola.pk, 4, 2),
    ]


def test_the_version_increases_with_every_change_and_exceeds_that_of_a_lost_board() -> None:
    circle = factories.make_circle()
    member = factories.make_member(circle, saved_kobo=10)
    assert leaderboards.version(circle.pk) is None
    built = show(circle, "redis").version
    store.write(next(standings.Standing.read(Membership.objects.filter(pk=member.pk))))
    assert leaderboards.version(circle.pk) == built, "what the board knows already is no change"
    Membership.objects.update(version=99)
    store.write(next(standings.Standing.read(Membership.objects.filter(pk=member.pk))))
    changed = leaderboards.version(circle.pk)
    assert changed is not None
    assert changed > built
    assert show(circle, "redis").version > changed


@pytest.mark.usefixtures("epoch_known")
def test_a_page_from_redis_needs_no_query_at_all(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    circle = factories.make_circle()
    member = factories.make_member(circle, saved_kobo=10)
    show(circle, "redis")
    with django_assert_num_queries(0):
        assert leaderboards.read_board(circle_id=circle.pk, membership_id=member.pk).mine


def test_the_ranks_in_several_circles_are_those_of_their_boards(
    source: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    alone, tied, unranked = (factories.make_circle() for _ in range(3))
    mine = {
        alone.pk: factories.make_member(alone, saved_kobo=300).pk,
        tied.pk: factories.make_member(tied, saved_kobo=300).pk,
        unranked.pk: factories.make_member(unranked, on_board=False, saved_kobo=300).pk,
    }
    for kobo in (500, 400, 300, 300, 200, 0):
        factories.make_member(tied, saved_kobo=kobo)
    if source == "redis":
        for circle_id in mine:
            leaderboards.rebuild_board(circle_id, force=True)
    for members in ({alone.pk: mine[alone.pk]}, mine):
        # One is for the epoch, which a request knows.
        with django_assert_num_queries(1 if source == "redis" else 2):
            found = leaderboards.read_ranks(members)
    assert found == {alone.pk: (1, False), tied.pk: (3, True)}


def test_only_the_circles_without_a_board_in_redis_are_read_from_sql(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with_board, without = factories.make_circle(), factories.make_circle()
    mine = {circle.pk: factories.make_member(circle, saved_kobo=300).pk for circle in (with_board, without)}
    leaderboards.rebuild_board(with_board.pk, force=True)
    with django_assert_num_queries(2) as queries:
        assert leaderboards.read_ranks(mine) == dict.fromkeys(mine, (1, False))
    assert f"IN ({mine[without.pk]})" in queries[-1]["sql"]
    with django_assert_num_queries(0):
        assert leaderboards.read_ranks({}) == {}
