"""The members on a leaderboard: one query, with what the board shows of their circle."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from savings import leaderboards
from tests.factories import make_circle, make_member
from web.pages.board_members import BoardCircle, board_members

pytestmark = pytest.mark.django_db


def test_members_and_reader_come_with_their_circle_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    circle = make_circle()
    ada, bola = (make_member(circle, nickname=name, saved_kobo=500) for name in ("Ada", "Bola"))
    reader = make_member(circle, nickname="Reader", hides_amount=True)
    board = leaderboards.read_board(circle_id=circle.pk)
    with django_assert_num_queries(1):
        members = board_members(board, reader_id=reader.pk)
    assert members.keys() == {ada.pk, bola.pk, reader.pk}
    mine = members[reader.pk]
    assert (mine.nickname, mine.hides_amount, mine.plan_id) == ("Reader", True, reader.plan_id)
    assert mine.circle == BoardCircle(
        id=circle.pk,
        name=circle.name,
        slug=circle.slug,
        goal_kobo=circle.goal_kobo,
        ends_on=circle.ends_on,
        member_limit=circle.member_limit,
        final_kobo=None,
    )


def test_an_empty_board_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    board = leaderboards.read_board(circle_id=make_circle().pk)
    with django_assert_num_queries(0):
        assert board_members(board) == {}


@pytest.mark.parametrize(("hidden", "left_out_kobo"), [(0, 0), (1, 700), (2, 0)])
def test_the_circle_has_what_its_total_leaves_out(
    hidden: int, left_out_kobo: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    circle = make_circle()
    reader = make_member(circle, saved_kobo=500)
    for _ in range(hidden):
        make_member(circle, saved_kobo=700, hides_amount=True, on_board=False)
    make_member(make_circle(), saved_kobo=900, hides_amount=True)
    board = leaderboards.read_board(circle_id=circle.pk)
    with django_assert_num_queries(1):
        members = board_members(board, reader_id=reader.pk, total_of=circle.pk)
    assert members[reader.pk].circle.left_out_kobo == left_out_kobo
