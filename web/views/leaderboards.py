"""The leaderboard of a circle: the top, the reader and their neighbours, in pages that refresh themselves."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.crypto import salted_hmac

from savings import circles, leaderboards
from savings.leaderboards import Board, Order
from savings.models import Account, BoardDay, Circle, Entry, Membership, Plan, Product, Transaction
from web import access
from web.caching import pages as page_cache
from web.http import SaverRequest, render_part, search_text, wants_part
from web.messages import leaderboards as messages
from web.pages import charts
from web.pages import leaderboards as board_pages
from web.pages.board_members import BoardMember, board_members

_MOST_DIGITS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class BoardRequest:
    """The requested part of a board, and the membership of the reader. Both ids may come from the cache."""

    circle_id: int
    membership_id: int
    order: Order
    first: int
    search: str


@page_cache.page(
    "by",
    "from",
    shows=(Account, BoardDay, Circle, Entry, Membership, Plan, Product, Transaction),
    parts=False,
)
def leaderboard(request: SaverRequest, slug: str) -> HttpResponse:
    """One page of the board, or 304 at the cost of one query if the browser already shows this version."""
    wanted = _board_request(request, slug)
    shown_etag = request.headers.get("If-None-Match", "") if wants_part(request) else ""
    if shown_etag and shown_etag == _etag(request, wanted, leaderboards.version(wanted.circle_id)):
        return HttpResponseNotModified(headers={"ETag": shown_etag})
    board = _read_board(wanted, wanted.membership_id, first=wanted.first, length=leaderboards.TOP + 1)
    page_cache.shows_circle(request, wanted.circle_id, board.version)
    members = board_members(board, reader_id=wanted.membership_id, total_of=wanted.circle_id)
    mine = access.require_current_member(members.get(wanted.membership_id))
    board = board_pages.with_final_ranks(board, members, wanted.order)
    etag = _etag(request, wanted, board.version)
    context = board_pages.leaderboard(board, members, mine, wanted.order) | {
        "chart": _chart(request, mine, board) if wanted.order == Order.SAVED else "",
        "found": _search(wanted, mine) if wanted.search else None,
        "search": wanted.search,
        "etag": etag,
        "poll_headers": json.dumps({"If-None-Match": etag}),
    }
    response = render_part(request, "circles/leaderboard.html", "board", context)
    if etag and wants_part(request):
        response["ETag"] = etag
    return response


def _board_request(request: SaverRequest, slug: str) -> BoardRequest:
    first = request.GET.get("from", "0")
    order = request.GET.get("by", Order.SAVED)
    if not (first.isascii() and first.isdigit() and len(first) <= _MOST_DIGITS) or order not in list(Order):
        raise Http404
    circle_id, membership_id = access.board_ids(request, slug)
    return BoardRequest(circle_id, membership_id, Order(order), int(first), search_text(request))


def _read_board(wanted: BoardRequest, membership_id: int, *, first: int = 0, length: int = 0) -> Board:
    """Return the board in the requested order, with the lines around one member."""
    return leaderboards.read_board(
        circle_id=wanted.circle_id,
        membership_id=membership_id,
        first=first,
        length=length,
        order=wanted.order,
    )


def _chart(request: SaverRequest, mine: BoardMember, board: Board) -> str:
    """Return the chart of the reader's own rank over time; nobody sees another member's.

    While SQL computes the board, which is slow enough, only cached ranks of the past are used.
    """
    if board.mine is None:
        return ""
    today = min(timezone.localdate(), mine.circle.ends_on)
    past = leaderboards.ranks_by_day(mine.id, today, is_cached_only=board.version < 0)
    yesterday = today - datetime.timedelta(days=1)
    if timezone.localdate(mine.joined_at) < today and not (past and past[-1][0] == yesterday):
        # Yesterday's rank is not stored yet, and no version tells when it is.
        page_cache.shows_circle(request, mine.circle.id, None)
    return charts.rank_chart([*past, (today, board.mine.rank)], name="ranks", title=messages.RANK_CHART)


def _search(wanted: BoardRequest, mine: BoardMember) -> dict[str, Any]:
    """Return the member found by nickname, with their neighbours; no rows if they are not on the board."""
    is_limited = mine.circle.member_limit is not None
    other = circles.find_member(wanted.circle_id, wanted.search, among_few=is_limited)
    if other is None:
        return {"member": None}
    board = _read_board(wanted, other.pk)
    members = board_members(board)
    board = board_pages.with_final_ranks(board, members, wanted.order)
    return {"member": other, "rows": board_pages.neighbours(board, members, mine.id, wanted.order)}


def _etag(request: SaverRequest, wanted: BoardRequest, version: int | None) -> str:
    """Return the ETag of a board for one reader; empty if the board came from SQL.

    It is signed, so a client that gets 304 must have been shown this board before.
    """
    if version is None or version < 0:
        return ""
    user = request.user
    seen = (user.shown_as, wanted.circle_id, version, wanted.order, wanted.first, timezone.localdate())
    mark = salted_hmac("web.views.leaderboards", ":".join(map(str, seen)), algorithm="sha256").hexdigest()
    # Weak, because the response may be compressed or not.
    return f'W/"{mark}"'
