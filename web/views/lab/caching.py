"""The lesson of caching."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse

from savings import leaderboards, payments
from savings.leaderboards import BoardsUnavailable
from web import notices
from web.http import SaverRequest, redirect
from web.lab import board_loading, boards, caches, document, shared_value
from web.lab import stampede as crowds
from web.lab import wrong_key as keys
from web.lab.board_loading import LabBoard
from web.lab.measure import compare, source
from web.messages import lab as messages
from web.views.lab.showing import ROUNDS, show

_LESSON = {"lesson": "caching"}
# More than elsewhere, because these ways take less than a millisecond.
_ROUNDS = 7
_SIZES = {str(members): LabBoard(members) for members in board_loading.SIZES}


def caching(request: SaverRequest) -> HttpResponse:
    """A value, a fragment, a whole page and a 304, each without and with the cache."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in caches.WAYS else "value"
    visitor = caches.visitor_of(request.user, kind)
    context = _LESSON | {
        "kind": kind,
        "kinds": [(name, name.replace("not-modified", "304").capitalize()) for name in caches.WAYS],
        "comparison": compare(caches.WAYS[kind], visitor, rounds=_ROUNDS),
        "page_bytes": len(caches.visit(request.user).content) if kind == "not-modified" else 0,
        "is_page_cached": settings.KEEPS_PAGES,
    }
    return show(request, "lab/caching.html", context)


def stampede(request: SaverRequest) -> HttpResponse:
    """Twenty requests at once for an expired value, without and with the lock; run only by POST."""
    is_asked = request.POST.get("visitors") == str(crowds.VISITORS)
    context = _LESSON | {
        "runs": crowds.run_all() if is_asked else [],
        "visitors": crowds.VISITORS,
        "query_ms": round(crowds.QUERY_SECONDS * 1000),
    }
    return show(
        request,
        "lab/stampede.html",
        context,
        status=422 if request.method == "POST" and not is_asked else 200,
    )


def wrong_key(request: SaverRequest) -> HttpResponse:
    """A cached balance without and with its owner in the key, the tests that catch the wrong one, and shared data."""
    context = _LESSON | {
        "ways": keys.visit_all(),
        "refusal": keys.refusal(),
        "guards": keys.guards(),
        "shared": shared_value.measured(),
        "readers": shared_value.READERS,
        "cached_offer": source(shared_value.cached_offer),
        "banks": source(payments.list_banks),
    }
    return show(request, "lab/wrong_key.html", context)


def leaderboard(request: SaverRequest) -> HttpResponse:
    """A circle of the lab in one of three sizes: its first ranks, computed and cached in two ways."""
    return _show_board(request, _board(request), {})


def load_board(request: SaverRequest) -> HttpResponse:
    """Load a circle of the lab; a large one in the background."""
    board = _board(request)
    if request.method == "POST" and not board_loading.start_loading(board):
        notices.notify(request, messages.LOADING_ALREADY)
    return redirect(request, _url(board))


def pay_in(request: SaverRequest) -> HttpResponse:
    """Pay into the plan of one member of the lab's circle, and refresh its leaderboard in both ways."""
    board = _board(request)
    if request.method != "POST" or not board_loading.is_loaded(board):
        return redirect(request, _url(board))
    before = boards.read_around(board).mine
    boards.pay_in(board, boards.PAYMENT_KOBO)
    paid = {"comparison": compare(boards.REFRESHING, board, rounds=0), "rank_before": before and before.rank}
    return _show_board(request, board, paid)


def empty_board(request: SaverRequest) -> HttpResponse:
    """Remove the lab's circle from Redis, read its leaderboard all the same, rebuild it, and read it again."""
    board = _board(request)
    if request.method != "POST" or not board_loading.is_loaded(board):
        return redirect(request, _url(board))
    try:
        board_loading.empty(board)
        comparison = compare(boards.EMPTIED, board, rounds=0, pair=boards.EMPTIED_PAIR)
    except BoardsUnavailable:
        notices.notify(request, messages.REDIS_AWAY)
        return redirect(request, _url(board))
    return _show_board(request, board, {"comparison": comparison, "was_emptied": True})


def clean_boards(request: SaverRequest) -> HttpResponse:
    """Delete the lab's circles."""
    if request.method == "POST":
        board_loading.clean()
        notices.notify(request, messages.CLEANED)
    return redirect(request, reverse("lab:leaderboard"))


def _board(request: SaverRequest) -> LabBoard:
    """Return the circle of the size in the query or the form, the smallest without a valid one."""
    given = request.POST if request.method == "POST" else request.GET
    return _SIZES.get(given.get("members", ""), LabBoard(board_loading.SIZES[0]))


def _url(board: LabBoard) -> str:
    return reverse("lab:leaderboard", query={"members": board.members})


def _show_board(request: SaverRequest, board: LabBoard, done: dict[str, Any]) -> HttpResponse:
    loaded = board_loading.loaded_so_far(board)
    context: dict[str, Any] = _LESSON | {
        "sizes": board_loading.SIZES,
        "board": board,
        "stored_of": f"{board.members:,} members",
        "loaded": loaded,
        "payment_kobo": boards.PAYMENT_KOBO,
        "top": leaderboards.TOP,
        "conclusions": boards.conclusions(document.stored().figures.get("boards", ())),
    }
    if loaded is None and board_loading.is_loaded(board):
        rounds = ROUNDS if board.members > board_loading.MOST_AT_ONCE else _ROUNDS
        # The value is in the cache before anything is counted.
        boards.cached_as_a_value(board)
        context["comparison"] = done.get("comparison") or compare(
            boards.READING, board, rounds=rounds, pair=boards.PAIR
        )
        context["around"] = boards.read_around(board)
        context |= {name: done.get(name) for name in ("rank_before", "was_emptied")}
    return show(request, "lab/leaderboard.html", context)
