"""Prepares a leaderboard page: each line ready to print, without the amounts that members hide."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings import leaderboards, money
from savings.leaderboards import Board, Line, Order, ordinal
from savings.models import Membership, User
from savings.prepared_queries import prepared
from web.pages.circles import initials

PODIUM = 3
# The bar of a hidden amount is rounded to this step, so that its length does not reveal the amount.
_COARSE_PERCENT = 5


class BoardMember(NamedTuple):
    """A member as others see them, with their circle: one row of the single query for names."""

    id: int
    user_id: int
    nickname: str
    hides_amount: bool
    left_at: datetime.datetime | None
    plan_id: int
    joined_at: datetime.datetime
    final_rank: int | None
    circle__name: str
    circle__slug: str
    circle__goal_kobo: int
    circle__ends_on: datetime.date
    circle__member_limit: int | None
    circle__settled_at: datetime.datetime | None
    circle__final_kobo: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the board, ready to print. `amount` is empty if hidden."""

    id: int
    rank: str
    plinth: int
    name: str
    initials: str
    amount: str
    percent: int
    is_mine: bool
    is_hidden: bool
    moved: int | None

    @property
    def steps(self) -> int:
        return abs(self.moved or 0)


def board_members(ids: Iterable[int]) -> dict[int, BoardMember]:
    """Return these members by membership id, in one query."""
    unique = [*set(ids)]
    return {row[0]: BoardMember(*row) for row in _board_members(unique)} if unique else {}


@prepared
def _board_members(ids: Sequence[int]) -> QuerySet[Membership, Any]:
    return Membership.objects.filter(pk__in=ids).values_list(*BoardMember._fields)


@prepared
def _running(user_id: int, today: datetime.date) -> QuerySet[Membership, Any]:
    """The ids of a user's latest membership in a running circle, and of that circle."""
    running = Membership.objects.current().filter(user=user_id, circle__ends_on__gt=today)
    return running.order_by("-id").values_list("id", "circle_id")[:1]


def membership_ids(board: Board) -> set[int]:
    """Return the ids of the memberships on a page of a board."""
    return {line.membership_id for line in (*board.lines, *board.around)}


def as_it_ended(board: Board, known: dict[int, BoardMember]) -> Board:
    """Return an ended circle's board with the final ranks; members who have left since leave a gap.

    Any other board is returned unchanged.
    """

    def fixed(line: Line) -> Line:
        rank = known[line.membership_id].final_rank if line.membership_id in known else None
        return line if rank is None else dataclasses.replace(line, rank=rank, rank_before=None)

    around = [fixed(line) for line in board.around]
    mine = fixed(board.mine) if board.mine else None
    return dataclasses.replace(board, lines=[fixed(line) for line in board.lines], around=around, mine=mine)


def listing(
    board: Board, known: dict[int, BoardMember], reader_id: int | None, order: Order
) -> dict[str, Any]:
    """Return the podium, the lines of the page and, if not on the page, the reader's line and its neighbours."""
    shown, beyond = board.lines[: leaderboards.TOP], board.lines[leaderboards.TOP :]
    renderer = _RowRenderer(known, reader_id, order, [*board.lines, *board.around])
    rows = renderer.rows(shown, beyond, first=board.first)
    on_page = {row.id for row in rows}
    around = [row for row in renderer.rows(board.around, []) if row.id not in on_page]
    podium = PODIUM if board.first == 0 else 0
    is_near = bool(board.mine and board.mine.membership_id in on_page)
    return {
        "podium": rows[:podium],
        "rows": rows[podium:],
        "around": [] if is_near else around,
        "places": f"Places {board.first + 1:,} to {board.first + len(rows):,} of {board.size:,}",
        "next_from": board.first + leaderboards.TOP if beyond else None,
        "previous_from": max(0, board.first - leaderboards.TOP) if board.first else None,
    }


def neighbours(board: Board, known: dict[int, BoardMember], reader_id: int | None, order: Order) -> list[Row]:
    """Return the lines around the member that the board was read for."""
    return _RowRenderer(known, reader_id, order, board.around).rows(board.around, [])


def glance(user: User) -> dict[str, Any] | None:
    """Return the reader's rank and two neighbours on each side in their latest running circle, if any.

    The ids are read first, then the board, then rows from SQL, so `version` is older than everything shown.
    """
    running = _running(user.pk, timezone.localdate())
    if not running:
        return None
    [(mine_id, circle_id)] = running
    board = leaderboards.read_board(circle_id=circle_id, membership_id=mine_id, length=0)
    known = board_members(membership_ids(board) | {mine_id})
    rows = neighbours(board, known, mine_id, Order.SAVED)
    at = next((at for at, row in enumerate(rows) if row.is_mine), 0)
    return {
        "circle_id": circle_id,
        "version": board.version,
        "name": known[mine_id].circle__name,
        "slug": known[mine_id].circle__slug,
        "size": board.size,
        "place": place(board, known, Order.SAVED),
        "rows": rows[max(0, at - 2) : at + 3],
    }


def place(board: Board, known: dict[int, BoardMember], order: Order) -> dict[str, Any] | None:
    """Return the reader's rank, its change, the neighbours above and below, and the gap to the next rank."""
    mine = board.mine
    if mine is None:
        return None
    above = next(
        (line for line in board.around if line.score == board.next_sum_kobo and _shows(known, line)), None
    )
    at = board.around.index(mine)
    below = next((line for line in board.around[at + 1 :] if line.score < mine.score), None)
    has_track = above and below and _shows(known, below)
    gap = above.score - mine.score if above else 0
    return {
        "ordinal": ordinal(mine.rank),
        "moved": _moved(mine),
        "steps": abs(_moved(mine) or 0),
        "leads": mine.rank == 1,
        "above": above and _neighbour(above, known, order),
        "below": has_track and below and _neighbour(below, known, order),
        "gap": _text(gap, order, exact=True) if above else "",
        "gap_whole": _text(-(-gap // 100) * 100, order) if above else "",
        "gap_naira": -(-gap // 100) if above and order != Order.SHARE else None,
        "next_ordinal": ordinal(above.rank) if above else "",
        "track": _track(mine, above, below) if has_track and above and below else None,
    }


def as_of_text(moment: datetime.datetime) -> str:
    """Return a moment as the board shows it: `today, 09:14`."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localdate()
    return f"{'today' if is_today else date_format(local, 'j M')}, {date_format(local, 'H:i')}"


class _RowRenderer:
    """Turns lines into rows, with bars relative to one amount."""

    def __init__(
        self, known: dict[int, BoardMember], reader_id: int | None, order: Order, lines: list[Line]
    ) -> None:
        self.known = known
        self.reader_id = reader_id
        self.order = order
        # The bars are relative to the highest amount that the reader may see. Relative to a hidden one, the others'
        # bars would reveal it, and so would the reader's own, because the reader knows their amount.
        seen = [line.score for line in lines if _shows(known, line) or line.membership_id == reader_id]
        self.whole = max(seen, default=max((line.score for line in lines), default=1)) or 1

    def rows(self, lines: list[Line], beyond: list[Line], *, first: int | None = None) -> list[Row]:
        """Return the rows of successive lines. `beyond` is used only to find out whether the last one is tied."""
        ranks = [line.rank for line in (*lines, *beyond)]
        if first is None:
            first = next((rank - at - 1 for at, rank in enumerate(ranks) if at and rank != ranks[at - 1]), 0)
        # A rank above the line's position is shared with a line before this page.
        before = [ranks[0]] if ranks and ranks[0] <= first else []
        tied = {rank for rank in ranks if (before + ranks).count(rank) > 1}
        return [
            self._row(line, is_tied=line.rank in tied) for line in lines if line.membership_id in self.known
        ]

    def _row(self, line: Line, *, is_tied: bool) -> Row:
        member = self.known[line.membership_id]
        is_mine = member.id == self.reader_id
        percent = max(0, min(100, line.score * 100 // self.whole))
        if member.hides_amount and not is_mine:
            percent = round(percent / _COARSE_PERCENT) * _COARSE_PERCENT
        return Row(
            id=member.id,
            rank=f"{line.rank:,}{'=' if is_tied else ''}",
            plinth=line.rank,
            name=member.nickname,
            initials=initials(member.nickname),
            amount=_text(line.score, self.order) if is_mine or not member.hides_amount else "",
            percent=percent,
            is_mine=is_mine,
            is_hidden=member.hides_amount,
            moved=_moved(line),
        )


def _shows(known: dict[int, BoardMember], line: Line) -> bool:
    member = known.get(line.membership_id)
    return member is not None and not member.hides_amount


def _moved(line: Line) -> int | None:
    """Return how many ranks a line has risen since the start of the week; None for a new line."""
    return None if line.rank_before is None else line.rank_before - line.rank


def _text(score: int, order: Order, *, exact: bool = False) -> str:
    if order == Order.SHARE:
        return f"{score // 10}.{score % 10}\u00a0%"
    return money.naira(score) if exact else money.naira(score // 100 * 100).removesuffix(".00")


def _neighbour(line: Line, known: dict[int, BoardMember], order: Order) -> dict[str, str]:
    return {
        "ordinal": ordinal(line.rank),
        "name": known[line.membership_id].nickname,
        "amount": _text(line.score, order),
    }


def _track(mine: Line, above: Line, below: Line) -> int:
    """Return the reader's position between the two neighbours, in percent."""
    return (mine.score - below.score) * 100 // (above.score - below.score)
