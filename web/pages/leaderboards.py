"""Prepares a leaderboard page: its lines, the reader's rank, and the part of both that the dashboard shows."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings import leaderboards
from savings.leaderboards import Board, Line, Order, in_words, ordinal
from savings.models import Membership, User
from savings.prepared_queries import prepared
from web.messages import leaderboards as messages
from web.pages.board_members import SEARCH_FROM, BoardCircle, BoardMember, Members, board_members
from web.pages.board_rows import Row, RowRenderer, ranks_risen, score_text, shows_amount

PODIUM = 3


def leaderboard(board: Board, members: Members, mine: BoardMember, order: Order) -> dict[str, Any]:
    """Return the context of a page of a board. `mine` is the reader's membership."""
    days_left = (mine.circle.ends_on - timezone.localdate()).days
    saved_kobo = _saved_kobo(board, mine.circle)
    percent = min(100, saved_kobo * 100 // mine.circle.goal_kobo)
    return {
        "board": board,
        "circle": mine.circle,
        "mine": mine,
        "days_left": days_left,
        "has_ended": days_left <= 0,
        "order": order,
        "orders": _orders(order, has_ended=days_left <= 0),
        "my_rank": my_rank(board, members, order),
        "as_of": as_of_text(board.as_of),
        # A hundredth of the goal is as exact as it may be while members hide their amounts.
        "percent": percent,
        # The page does not know whether several members hide theirs, so the total is as exact as the share; beyond the
        # goal it has none. One that leaves out what a single member hides is exact.
        "saved_kobo": saved_kobo if mine.circle.left_out_kobo else None,
        "about_kobo": mine.circle.goal_kobo * percent // 100 if percent < 100 else None,
        "can_search": board.members >= SEARCH_FROM,
        **_listing(board, members, mine.id, order),
    }


def with_final_ranks(board: Board, members: Members, order: Order) -> Board:
    """Return an ended circle's board with the final ranks; members who have left since leave a gap.

    The final ranks are those by the amount saved. Any other board is returned unchanged.
    """
    if order != Order.SAVED:
        return board

    def ranked(line: Line) -> Line:
        rank = members[line.membership_id].final_rank if line.membership_id in members else None
        return line if rank is None else dataclasses.replace(line, rank=rank, rank_before=None)

    around = [ranked(line) for line in board.around]
    mine = ranked(board.mine) if board.mine else None
    return dataclasses.replace(board, lines=[ranked(line) for line in board.lines], around=around, mine=mine)


def neighbours(board: Board, members: Members, reader_id: int, order: Order) -> list[Row]:
    """Return the lines around the member that the board was read for."""
    return RowRenderer(members, reader_id, order, board.around).rows(board.around)


def standing_in(circle_id: int, membership_id: int) -> dict[str, Any]:
    """Return a member's rank in a circle by the amount saved, or None, and the number of ranked members."""
    board = leaderboards.read_board(circle_id=circle_id, membership_id=membership_id, length=0)
    members = board_members(board) if board.mine else {}
    return {"my_rank": my_rank(board, members, Order.SAVED), "ranked": board.size}


def glance(user: User) -> dict[str, Any] | None:
    """Return the reader's rank and two neighbours on each side in their latest running circle, if any.

    The ids are read first, then the board, then rows from SQL, so `version` is older than everything shown.
    """
    running = _latest_running(user.pk, timezone.localdate())
    if not running:
        return None
    [(mine_id, circle_id)] = running
    board = leaderboards.read_board(circle_id=circle_id, membership_id=mine_id, length=0)
    members = board_members(board, reader_id=mine_id)
    rows = neighbours(board, members, mine_id, Order.SAVED)
    at = next((at for at, row in enumerate(rows) if row.is_mine), 0)
    circle = members[mine_id].circle
    return {
        "circle_id": circle_id,
        "version": board.version,
        "name": circle.name,
        "slug": circle.slug,
        "size": board.size,
        "is_all": board.size >= board.members,
        "my_rank": my_rank(board, members, Order.SAVED),
        "rows": rows[max(0, at - 2) : at + 3],
    }


@prepared
def _latest_running(user_id: int, today: datetime.date) -> QuerySet[Membership, Any]:
    """The ids of a user's latest membership in a running circle, and of that circle."""
    running = Membership.objects.current().filter(user=user_id, circle__ends_on__gt=today)
    return running.order_by("-id").values_list("id", "circle_id")[:1]


def my_rank(board: Board, members: Members, order: Order) -> dict[str, Any] | None:
    """Return the reader's rank, its change, the neighbours above and below, and the gap to the next rank."""
    mine = board.mine
    if mine is None:
        return None
    next_lines = (line for line in board.around if line.score == board.next_sum_kobo)
    above = next((line for line in next_lines if shows_amount(members, line)), None)
    at = board.around.index(mine)
    below = next((line for line in board.around[at + 1 :] if line.score < mine.score), None)
    has_track = above and below and shows_amount(members, below)
    risen = ranks_risen(mine)
    return {
        "ordinal": in_words(mine.rank, is_shared=board.is_tied),
        "moved": risen,
        "steps": abs(risen or 0),
        "leads": mine.rank == 1,
        "above": above and _neighbour(above, members, order),
        "below": has_track and below and _neighbour(below, members, order),
        "track": _track(mine, above, below) if has_track and above and below else None,
        "next_ordinal": ordinal(above.rank) if above else "",
        **_gap(above.score - mine.score if above else None, order),
    }


def as_of_text(moment: datetime.datetime) -> str:
    """Return a moment as the board shows it: `today, 09:14`."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localdate()
    return messages.as_of("" if is_today else date_format(local, "j M"), date_format(local, "H:i"))


def _listing(board: Board, members: Members, reader_id: int, order: Order) -> dict[str, Any]:
    """Return the podium, the lines of the page and, if not on the page, the reader's line and its neighbours."""
    shown, beyond = board.lines[: leaderboards.TOP], board.lines[leaderboards.TOP :]
    renderer = RowRenderer(members, reader_id, order, [*board.lines, *board.around])
    rows = renderer.rows(shown, beyond=beyond, first=board.first)
    on_page = {row.id for row in rows}
    around = [row for row in renderer.rows(board.around) if row.id not in on_page]
    podium = podium_size(rows) if board.first == 0 else 0
    is_near = bool(board.mine and board.mine.membership_id in on_page)
    return {
        "podium": rows[:podium],
        "rows": rows[podium:],
        "around": [] if is_near else around,
        "has_moves": any(row.steps for row in [*rows, *around]),
        "range_text": messages.ranks_shown(board.first + 1, board.first + len(rows), board.size),
        "next_from": board.first + leaderboards.TOP if beyond else None,
        "previous_from": max(0, board.first - leaderboards.TOP) if board.first else None,
    }


def podium_size(rows: list[Row]) -> int:
    """Return how many of the first rows stand on the podium. Equal ranks stand there together, or in the list."""
    for size in range(min(PODIUM, len(rows)), 0, -1):
        if size == len(rows) or rows[size].plinth != rows[size - 1].plinth:
            return size
    return 0


def _orders(current: Order, *, has_ended: bool) -> list[tuple[str, str, bool]]:
    words = {
        Order.SAVED: messages.FINAL_BOARD if has_ended else messages.BY_SAVED,
        Order.SHARE: messages.BY_SHARE,
    }
    if not has_ended:
        words[Order.MONTH] = messages.BY_MONTH
    return [(order.value, text, order == current) for order, text in words.items()]


def _saved_kobo(board: Board, circle: BoardCircle) -> int:
    """Return the total of a circle, without the amount that would be known if the total had it."""
    saved_kobo = board.total_kobo if circle.final_kobo is None else circle.final_kobo
    return max(0, saved_kobo - circle.left_out_kobo)


def _neighbour(line: Line, members: Members, order: Order) -> dict[str, str]:
    return {
        "ordinal": ordinal(line.rank),
        "name": members[line.membership_id].nickname,
        "amount": score_text(line.score, order),
    }


def _gap(gap: int | None, order: Order) -> dict[str, Any]:
    """Return the gap to the next rank as text, exact and rounded up to whole naira; empty if it is not shown."""
    if gap is None:
        return {"gap": "", "gap_sum": "", "gap_whole": "", "gap_naira": None}
    whole_naira = -(-gap // 100)
    return {
        "gap": score_text(gap, order, exact=True),
        # As the button says it; a share has no sum.
        "gap_sum": "" if order == Order.SHARE else score_text(whole_naira * 100, order),
        "gap_whole": score_text(whole_naira * 100, order),
        "gap_naira": None if order == Order.SHARE else whole_naira,
    }


def _track(mine: Line, above: Line, below: Line) -> int:
    """Return the reader's position between the two neighbours, in percent."""
    return (mine.score - below.score) * 100 // (above.score - below.score)
