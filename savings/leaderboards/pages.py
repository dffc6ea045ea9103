"""Read one page of a circle's leaderboard, from Redis in one round trip, or from SQL.

A rank is 1 + the number of higher scores (competition ranking: 1, 2, 2, 4). Within a score, the member who reached it
first comes first. If Redis has no leaderboard or is away, the page comes from SQL: correct, but slower.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from django.dispatch import Signal
from django.utils import timezone

from savings.leaderboards import contributions, sql, standings, store
from savings.models import Circle

logger = logging.getLogger(__name__)

TOP = 25
NEIGHBOURS = 5
# Sent with a `circle_id` when a reader finds no leaderboard in Redis, at most once in five seconds; a task rebuilds it.
board_missing = Signal()


class Order(StrEnum):
    """The orders of a leaderboard: amount saved, its share of the member's own target, amount saved this month."""

    SAVED = "saved"
    SHARE = "share"
    MONTH = "month"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of a leaderboard."""

    membership_id: int
    saved_kobo: int
    rank: int
    # The value that is ranked: kobo, or thousandths of the target in the order SHARE.
    score: int
    # The rank at the start of the week. None without savings then, in the orders SHARE and MONTH, and from SQL.
    rank_before: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Board:
    """The content of one page of a leaderboard, as of one moment."""

    # The number of ranked members, and the position (from 0) of the first of `lines`.
    size: int
    first: int
    lines: list[Line]
    # The reader's own line among their neighbours; empty if the reader has no rank.
    around: list[Line]
    mine: Line | None
    # The next higher score of a member. The reader needs one more than the difference to pass it.
    next_sum_kobo: int | None
    # All members of the circle, including those without a rank, and the amount they have saved together.
    members: int
    total_kobo: int
    # Increases with every change; -1 for a leaderboard computed by SQL.
    version: int
    as_of: datetime.datetime
    # The reference of the last posting that is included; empty if it is not known.
    after_reference: str

    @property
    def is_tied(self) -> bool:
        """Whether another member has the rank of the reader."""
        mine = self.mine
        return mine is not None and any(line.rank == mine.rank and line != mine for line in self.around)


class Rank(NamedTuple):
    """A member's rank by the amount saved, and whether others share it."""

    rank: int
    is_shared: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Query:
    circle_id: int
    reader_id: int | None
    first: int
    length: int
    order: Order
    today: datetime.date
    neighbours: int = NEIGHBOURS

    @property
    def arguments(self) -> tuple[str | int, ...]:
        """The arguments of `lua/read.lua`."""
        month = self.today.replace(day=1)
        name = f"month:{month}" if self.order == Order.MONTH else self.order.value
        week = store.week_of(self.today)
        page = (self.first, self.length, self.neighbours)
        return (name, self.reader_id or "", *page, week.isoformat(), month.isoformat())


def read_board(
    *,
    circle_id: int,
    membership_id: int | None = None,
    first: int = 0,
    length: int = TOP,
    order: Order = Order.SAVED,
) -> Board:
    """Return `length` lines of a circle's leaderboard from position `first` (from 0), and the reader's own line.

    The reader is the member with `membership_id`; without it, nobody's line and neighbours are returned.
    One round trip to Redis and no SQL. Two SQL queries while Redis has no leaderboard, is away, or has just come back
    and may have missed standings.
    """
    query = _Query(circle_id, membership_id, first, length, order, timezone.localdate())
    return (_from_redis(query) if _is_trusted() else None) or _from_sql(query)


def read_ranks(mine: Mapping[int, int]) -> dict[int, Rank]:
    """Return the ranks of members by the amount saved, by circle; a member without a rank is left out.

    `mine` maps the ids of circles to the ids of the memberships. One round trip to Redis for all circles, and one SQL
    query for all those of which it has no leaderboard.
    """
    today = timezone.localdate()
    # Members with one rank are neighbours.
    queries = [
        _Query(circle, member, 0, 0, Order.SAVED, today, neighbours=1) for circle, member in mine.items()
    ]
    boards = _all_from_redis(queries) if queries and _is_trusted() else {}
    ranks = {
        circle_id: Rank(board.mine.rank, board.is_tied) for circle_id, board in boards.items() if board.mine
    }
    missing = [member for circle, member in mine.items() if circle not in boards]
    return ranks | {circle_id: Rank(rank, shared) for circle_id, rank, shared in sql.ranks(missing)}


def _is_trusted() -> bool:
    return not store.gate.suspect or contributions.catch_up_after_outage()


def _all_from_redis(queries: list[_Query]) -> dict[int, Board]:
    """Return the boards that Redis has, by circle."""
    try:
        answers = store.run_script_on_each("read", {query.circle_id: query.arguments for query in queries})
    except store.BoardsUnavailable:
        return {}
    boards = (_read_answer(answer, query) for answer, query in zip(answers, queries, strict=True))
    return {query.circle_id: board for query, board in zip(queries, boards, strict=True) if board}


def _from_redis(query: _Query) -> Board | None:
    try:
        answer = store.run_script("read", query.circle_id, *query.arguments)
    except store.BoardsUnavailable:
        return None
    return _read_answer(answer, query)


def _read_answer(answer: list[Any], query: _Query) -> Board | None:
    if len(answer) == 1:
        if answer[0]:
            board_missing.send_robust(Circle, circle_id=query.circle_id)
        return None
    try:
        return _parse_board(answer, query)
    except (ValueError, TypeError):
        logger.exception(
            "unexpected data in the leaderboard of circle %s: it will be rebuilt", query.circle_id
        )
        store.delete_board(query.circle_id)
        return None


def _parse_board(answer: list[Any], query: _Query) -> Board:
    (moves, moment, reference), (members, total), size, rows, around, higher = answer
    neighbours = [_line(row) for row in around]
    return Board(
        size=size,
        first=query.first,
        lines=[_line(row) for row in rows],
        around=neighbours,
        mine=next((line for line in neighbours if line.membership_id == query.reader_id), None),
        next_sum_kobo=int(float(higher[1])) if higher else None,
        members=int(members),
        total_kobo=int(total),
        version=int(moves),
        as_of=datetime.datetime.fromisoformat(moment),
        after_reference=reference,
    )


def _line(row: list[Any]) -> Line:
    sort_key, score, rank, saved, before = row
    return Line(
        membership_id=standings.membership_id(sort_key),
        saved_kobo=int(float(saved)),
        rank=rank,
        score=int(float(score)),
        rank_before=before or None,
    )


def _from_sql(query: _Query) -> Board:
    rows = sql.Rows(query.circle_id, query.order.value, query.today)
    parts = rows.page(
        first=query.first, length=query.length, reader_id=query.reader_id, neighbours=NEIGHBOURS
    )
    around = [Line(**row) for row in parts.pop("around")]
    return Board(
        first=query.first,
        lines=[Line(**row) for row in parts.pop("lines")],
        around=around,
        mine=next((line for line in around if line.membership_id == query.reader_id), None),
        version=-1,
        as_of=timezone.now(),
        after_reference="",
        **parts,
    )
