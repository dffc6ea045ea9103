"""Who has saved how much in a circle: one page of its board, from Redis in one round trip, or from SQL.

The rank shown is 1 + the number of higher scores (competition ranking: 1, 2, 2, 4); within a score who got there first
comes first. Redis has no board, or is away: boards come from SQL, right and slower.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
from enum import StrEnum
from typing import Any

from django.dispatch import Signal
from django.utils import timezone

from savings.leaderboards import contributions, sql, store
from savings.models import Circle, Membership

logger = logging.getLogger(__name__)

TOP = 25
NEIGHBOURS = 5
# Sent with a `circle_id` by a reader who finds no board in Redis, once in five seconds: whoever runs tasks builds it.
board_missing = Signal()


class Order(StrEnum):
    """What a board can be ordered by: the sum, its share of the member's own target, what was saved this month."""

    SAVED = "saved"
    SHARE = "share"
    MONTH = "month"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One place on a board."""

    membership_id: int
    saved_kobo: int
    rank: int
    # What the order is by: kobo, or for shares thousandths of the target.
    score: int
    # The place at the start of the week; none for who had none, for the other orders and from SQL.
    rank_before: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Board:
    """What one page of a board shows, as of one moment."""

    # How many have a place, and which place (0 is the first) the first of `lines` has.
    size: int
    first: int
    lines: list[Line]
    # The reader's own line among their neighbours; none where they have no place.
    around: list[Line]
    mine: Line | None
    # The next higher score, which somebody has: what is missing to it, plus one, takes the next place.
    next_sum_kobo: int | None
    # The circle as a whole, those without a place among them.
    members: int
    total_kobo: int
    # Moves with every change; -1 where the board was computed by SQL.
    version: int
    as_of: datetime.datetime
    # The posting it is as of; empty where that is not known.
    after_reference: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    circle_id: int
    reader_id: int | None
    first: int
    length: int
    order: Order
    today: datetime.date


def read_board(
    circle: Circle,
    reader: Membership | None,
    *,
    first: int = 0,
    length: int = TOP,
    order: Order = Order.SAVED,
) -> Board:
    """Return `length` lines of a circle's board from position `first` on, with the reader's own among neighbours.

    One round trip to Redis and no SQL; a handful of SQL queries while Redis has no board, is away, or has only just
    come back and may have missed something.
    """
    asked = _Asked(circle.pk, reader.pk if reader else None, first, length, order, timezone.localdate())
    is_trusted = not store.gate.suspect or contributions.catch_up_after_outage()
    return (_from_redis(asked) if is_trusted else None) or _from_sql(asked)


def _from_redis(asked: _Asked) -> Board | None:
    month, week = asked.today.replace(day=1), store.week_of(asked.today)
    name = f"month:{month}" if asked.order == Order.MONTH else asked.order.value
    what = (
        name,
        asked.reader_id or "",
        asked.first,
        asked.length,
        NEIGHBOURS,
        week.isoformat(),
        month.isoformat(),
    )
    try:
        answer = store.run_script("read", asked.circle_id, *what)
    except store.BoardsUnavailable:
        return None
    if len(answer) == 1:
        if answer[0]:
            board_missing.send_robust(Circle, circle_id=asked.circle_id)
        return None
    try:
        return _parse_board(answer, asked)
    except (ValueError, TypeError):
        logger.exception(
            "unexpected data in the leaderboard of circle %s: it will be rebuilt", asked.circle_id
        )
        store.delete_board(asked.circle_id)
        return None


def _parse_board(answer: list[Any], asked: _Asked) -> Board:
    (moves, moment, reference), (members, total), size, rows, around, higher = answer
    neighbours = [_line(row) for row in around]
    return Board(
        size=size,
        first=asked.first,
        lines=[_line(row) for row in rows],
        around=neighbours,
        mine=next((line for line in neighbours if line.membership_id == asked.reader_id), None),
        next_sum_kobo=int(float(higher[1])) if higher else None,
        members=int(members),
        total_kobo=int(total),
        version=int(moves),
        as_of=datetime.datetime.fromisoformat(moment),
        after_reference=reference,
    )


def _line(row: list[Any]) -> Line:
    name, score, rank, saved, before = row
    return Line(
        membership_id=store.membership_id(name),
        saved_kobo=int(float(saved)),
        rank=rank,
        score=int(float(score)),
        rank_before=before or None,
    )


def _from_sql(asked: _Asked) -> Board:
    rows = sql.Rows(asked.circle_id, asked.order.value, asked.today)
    parts = rows.page(asked.first, asked.length, asked.reader_id, NEIGHBOURS)
    around = [Line(**row) for row in parts.pop("around")]
    return Board(
        first=asked.first,
        lines=[Line(**row) for row in parts.pop("lines")],
        around=around,
        mine=next((line for line in around if line.membership_id == asked.reader_id), None),
        version=-1,
        as_of=timezone.now(),
        after_reference="",
        **parts,
    )
