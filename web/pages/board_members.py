"""The members on a leaderboard as the other members see them, with their circle, in one query."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

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

_CIRCLE_COLUMNS = [f"circle__{name}" for name in BoardCircle._fields]
_MEMBER_COLUMNS = BoardMember._fields[1:]


def board_members(board: Board, *, reader_id: int | None = None) -> Members:
    """Return the members on a page of a board, and the reader, by membership id, in at most one query."""
    ids = {line.membership_id for line in (*board.lines, *board.around)}
    if reader_id is not None:
        ids.add(reader_id)
    rows = _board_members([*ids]) if ids else []
    at = len(_CIRCLE_COLUMNS)
    by_circle = {row[0]: row for row in rows}
    circles = {circle_id: BoardCircle(*row[:at]) for circle_id, row in by_circle.items()}
    return {row[at]: BoardMember(circles[row[0]], *row[at:]) for row in rows}


@prepared
def _board_members(ids: Sequence[int]) -> QuerySet[Membership, Any]:
    return Membership.objects.filter(pk__in=ids).values_list(*_CIRCLE_COLUMNS, *_MEMBER_COLUMNS)
