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
from web.pages import charts
from web.pages import leaderboards as board_pages
from web.pages.leaderboards import BoardMember

_MOST_DIGITS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """The requested part of a board, and the reader's membership."""

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
    asked = _asked(request, slug)
    seen = request.headers.get("If-None-Match", "") if wants_part(request) else ""
    if seen and seen == _etag(request, asked, leaderboards.version(asked.circle_id)):
        return HttpResponseNotModified(headers={"ETag": seen})
    board = leaderboards.read_board(
        circle_id=asked.circle_id,
        membership_id=asked.membership_id,
        first=asked.first,
        length=leaderboards.TOP + 1,
        order=asked.order,
    )
    page_cache.shows_circle(request, asked.circle_id, board.version)
    known = board_pages.board_members(board_pages.membership_ids(board) | {asked.membership_id})
    board = _fixed(board, known, asked)
    context = _circle(known.get(asked.membership_id))
    context |= board_pages.listing(board, known, asked.membership_id, asked.order)
    context |= {
        "board": board,
        "order": asked.order,
        "orders": _orders(asked.order, has_ended=context["has_ended"]),
        "place": board_pages.place(board, known, asked.order),
        "chart": _chart(request, asked, context["mine"], board) if asked.order == Order.SAVED else "",
        "as_of": board_pages.as_of_text(board.as_of),
        "percent": _percent(board, context["circle"]),
        "found": _found(asked, context["circle"]) if asked.search else None,
        "search": asked.search,
        "etag": (etag := _etag(request, asked, board.version)),
        "poll_headers": json.dumps({"If-None-Match": etag}),
    }
    response = render_part(request, "circles/leaderboard.html", "board", context)
    if etag and wants_part(request):
        response["ETag"] = etag
    return response


def _asked(request: SaverRequest, slug: str) -> _Asked:
    first = request.GET.get("from", "0")
    order = request.GET.get("by", Order.SAVED)
    if not (first.isascii() and first.isdigit() and len(first) <= _MOST_DIGITS) or order not in list(Order):
        raise Http404
    circle_id, membership_id = access.board_ids(request, slug)
    return _Asked(
        circle_id=circle_id,
        membership_id=membership_id,
        order=Order(order),
        first=int(first),
        search=search_text(request),
    )


def _circle(mine: BoardMember | None) -> dict[str, Any]:
    """Return the circle and the reader from the reader's current membership, or 404 if they have left."""
    mine = access.current_member(mine)
    days_left = (mine.circle__ends_on - timezone.localdate()).days
    return {"circle": mine, "mine": mine, "days_left": days_left, "has_ended": days_left <= 0}


def _fixed(board: Board, known: dict[int, BoardMember], asked: _Asked) -> Board:
    """Return a board with the final ranks, if it is the order they were fixed for."""
    return board_pages.as_it_ended(board, known) if asked.order == Order.SAVED else board


def _percent(board: Board, circle: BoardMember) -> int:
    saved_kobo = board.total_kobo if circle.circle__final_kobo is None else circle.circle__final_kobo
    return min(100, max(0, saved_kobo) * 100 // circle.circle__goal_kobo)


def _chart(request: SaverRequest, asked: _Asked, mine: BoardMember, board: Board) -> str:
    """Return the chart of the reader's own rank over time; nobody sees another member's.

    While SQL computes the board, which is slow enough, only cached ranks of the past are used.
    """
    if board.mine is None:
        return ""
    today = min(timezone.localdate(), mine.circle__ends_on)
    past = leaderboards.ranks_by_day(mine.id, today, is_cached_only=board.version < 0)
    yesterday = today - datetime.timedelta(days=1)
    if timezone.localdate(mine.joined_at) < today and not (past and past[-1][0] == yesterday):
        # Yesterday's rank is not stored yet, and no version tells when it is.
        page_cache.shows_circle(request, asked.circle_id, None)
    return charts.place_chart([*past, (today, board.mine.rank)], name="places", title="Your place over time")


def _found(asked: _Asked, circle: BoardMember) -> dict[str, Any]:
    """Return the member found by nickname, with their neighbours; no rows if they are not on the board."""
    other = circles.find_member(
        asked.circle_id, asked.search, among_few=circle.circle__member_limit is not None
    )
    if other is None:
        return {"member": None}
    board: Board = leaderboards.read_board(
        circle_id=asked.circle_id, membership_id=other.pk, length=0, order=asked.order
    )
    known = board_pages.board_members(board_pages.membership_ids(board))
    board = _fixed(board, known, asked)
    rows = board_pages.neighbours(board, known, asked.membership_id, asked.order)
    return {"member": other, "rows": rows}


def _orders(current: Order, *, has_ended: bool) -> list[tuple[str, str, bool]]:
    words = {Order.SAVED: "Final board" if has_ended else "Saved", Order.SHARE: "Of own goal"}
    if not has_ended:
        words[Order.MONTH] = "This month"
    return [(order.value, text, order == current) for order, text in words.items()]


def _etag(request: SaverRequest, asked: _Asked, version: int | None) -> str:
    """Return the ETag of a board for one reader; empty if the board came from SQL.

    It is signed, so a client that gets 304 must have been shown this board before.
    """
    if version is None or version < 0:
        return ""
    user = request.user
    seen = (user.shown_as, asked.circle_id, version, asked.order, asked.first, timezone.localdate())
    mark = salted_hmac("web.views.leaderboards", ":".join(map(str, seen)), algorithm="sha256").hexdigest()
    # Weak, because the response may be compressed or not.
    return f'W/"{mark}"'
