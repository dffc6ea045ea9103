"""The members on a leaderboard as the other members see them, with their circle, in one query."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet, Subquery

from savings import leaderboards
from savings.leaderboards import Board
from savings.models import Membership
from savings.prepared_queries import prepared

# The smallest circle whose members can be searched.
SEARCH_FROM = 20


class BoardCircle(NamedTuple):
    """The columns of a circle that its leaderboard shows."""

    id: int
    name: str
    slug: str
    goal_kobo: int
    ends_on: datetime.date
    member_limit: int | None
    final_kobo: int | None
    # What the total leaves out, if the page asks for that.
    left_out_kobo: int = 0


class BoardMember(NamedTuple):
    """A member as others see them, and their circle."""

    circle: BoardCircle
    id: int
    nickname: str
    hides_amount: bool
    left_at: datetime.datetime | None
    plan_id: int
    joined_at: datetime.datetime
    final_rank: int | None


Members = dict[int, BoardMember]

_CIRCLE_COLUMNS = [f"circle__{name}" for name in BoardCircle._fields[:-1]]
_MEMBER_COLUMNS = BoardMember._fields[1:]


def board_members(board: Board, *, reader_id: int | None = None, total_of: int | None = None) -> Members:
    """Return the members on a page of a board, and the reader, by membership id, in at most one query.

    `total_of` is the id of the circle if the page shows its total: then the circle has what that leaves out.
    """
    ids = {line.membership_id for line in (*board.lines, *board.around)}
    if reader_id is not None:
        ids.add(reader_id)
    if not ids:
        return {}
    rows = _board_members([*ids]) if total_of is None else _board_members_and_left_out([*ids], total_of)
    at, end = len(_CIRCLE_COLUMNS), len(_CIRCLE_COLUMNS) + len(_MEMBER_COLUMNS)
    by_circle = {row[0]: row for row in rows}
    circles = {
        circle_id: BoardCircle(*row[:at], *(kobo or 0 for kobo in row[end:]))
        for circle_id, row in by_circle.items()
    }
    return {row[at]: BoardMember(circles[row[0]], *row[at:end]) for row in rows}


@prepared
def _board_members(ids: Sequence[int]) -> QuerySet[Membership, Any]:
    return Membership.objects.filter(pk__in=ids).values_list(*_CIRCLE_COLUMNS, *_MEMBER_COLUMNS)


@prepared
def _board_members_and_left_out(ids: Sequence[int], circle_id: int) -> QuerySet[Membership, Any]:
    # The subquery has the circle's id and no reference to the row: the database runs it once, not for each member.
    left_out = Subquery(leaderboards.left_out_of(circle_id))
    members = Membership.objects.filter(pk__in=ids)
    return members.values_list(*_CIRCLE_COLUMNS, *_MEMBER_COLUMNS, left_out)
