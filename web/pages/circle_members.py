"""Prepares the list of a circle's members."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.formats import date_format

from savings import leaderboards, money
from savings.circles import find_member
from savings.leaderboards import in_words
from savings.models import Circle, Membership
from web import keyset
from web.keyset import KeysetPage
from web.messages import circles as messages
from web.pages.board_members import SEARCH_FROM
from web.pages.circles import initials

# What the list of members shows of each.
_MEMBER_FIELDS = (
    "id",
    "user_id",
    "nickname",
    "hides_amount",
    "on_board",
    "saved_kobo",
    "final_rank",
    "reached_at",
    "joined_at",
)


def members(circle: Circle, reader: Membership, query: QueryDict, *, search: str = "") -> dict[str, Any]:
    """Return the context of the list of members, in whole naira. Each member decides whether their amount is shown.

    One page that shows all is in the order of the leaderboard: by rank, and in a tie by who reached the amount first.
    Of those without a rank the reader comes first, then the latest. Otherwise the members are in keyset pages, the
    reader first, then the latest. A search finds one member.
    """
    page = _found(circle, search) if search else _members(circle, reader, query)
    is_whole = not search and page.newer is None and page.older is None
    count_text = _count_and_total(circle, page.rows) if is_whole else messages.YOU_FIRST
    ranks = _ranks(page.rows) if is_whole else {}
    shared: Counter[int | None] = Counter(ranks.values())
    for row in page.rows:
        row["is_mine"] = row["id"] == reader.pk
        row["is_owner"] = row.pop("user_id") == circle.owner_id
        saved_kobo = row.pop("saved_kobo")
        shown = row["is_mine"] or not row["hides_amount"]
        row["amount"] = money.short(money.round_down(saved_kobo, money.KOBO_PER_NAIRA)) if shown else ""
        row["initials"] = initials(row["nickname"])
        rank = ranks.get(row["id"])
        row["is_first"] = rank == 1
        row["rank"] = in_words(rank, is_shared=shared[rank] > 1)
    if is_whole:
        page.rows[:] = [
            *sorted((row for row in page.rows if row["id"] in ranks), key=lambda row: _on_board(row, ranks)),
            *sorted((row for row in page.rows if row["id"] not in ranks), key=lambda row: not row["is_mine"]),
        ]
    else:
        page.rows.sort(key=lambda row: not row["is_mine"])
    return {
        "circle": circle,
        "page": page,
        "count_text": "" if search else count_text,
        "search": search,
        "has_search": bool(search) or not is_whole or len(page.rows) >= SEARCH_FROM,
    }


def _count_and_total(circle: Circle, rows: list[dict[str, Any]]) -> str:
    """Return what the members saved, and how many they are or when it ended, in words, from the rows of all members."""
    hidden = [row["saved_kobo"] for row in rows if row["hides_amount"]]
    saved_kobo = sum(row["saved_kobo"] for row in rows)
    progress = leaderboards.build_progress(circle, len(rows), saved_kobo, len(hidden), sum(hidden))
    if circle.final_kobo is None:
        return messages.members_and_total(progress)
    # Members who have left since count in the total, and so does their choice to hide their amounts.
    is_complete = saved_kobo == circle.final_kobo
    return messages.ended_with(
        date_format(circle.ends_on, "j M Y"), progress if is_complete else None, len(rows)
    )


def _on_board(row: dict[str, Any], ranks: dict[int, int]) -> tuple[Any, ...]:
    """Return what the leaderboard orders by."""
    return ranks[row["id"]], row["reached_at"], row["id"]


def _ranks(rows: list[dict[str, Any]]) -> dict[int, int]:
    """Return the rank of each ranked member, by the id, from the rows of all members."""
    saved = {row["id"]: row["saved_kobo"] for row in rows if row["on_board"] and row["saved_kobo"] > 0}
    final = {row["id"]: row["final_rank"] for row in rows}
    return {pk: final[pk] or 1 + sum(other > kobo for other in saved.values()) for pk, kobo in saved.items()}


def _members(circle: Circle, reader: Membership, query: QueryDict) -> KeysetPage[dict[str, Any]]:
    found: QuerySet[Membership, Any] = (
        Membership.objects.current().filter(circle=circle).exclude(pk=reader.pk).values(*_MEMBER_FIELDS)
    )
    page = keyset.page(found, query)
    if page.newer is None:
        page.rows.append(_values(reader))
    return page


def _found(circle: Circle, search: str) -> KeysetPage[dict[str, Any]]:
    member = find_member(circle.pk, search, among_few=circle.member_limit is not None)
    return KeysetPage([_values(member)] if member else [], None, None)


def _values(member: Membership) -> dict[str, Any]:
    return {name: getattr(member, name) for name in _MEMBER_FIELDS}
