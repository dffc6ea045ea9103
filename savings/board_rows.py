"""A circle's board computed by SQL: what pages show while Redis has none, and the order that Redis must agree with."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import Count, F, Min, Q, Subquery, Sum
from django.db.models.expressions import Combinable

from savings.models import Membership


class Rows:
    """The places of one circle in one order (`saved`, `share`, `month`), best first."""

    def __init__(self, circle_id: int, order: str, today: datetime.date) -> None:
        score, is_placed = _order(order, today)
        everybody = Membership.objects.filter(circle_id=circle_id, left_at__isnull=True)
        self.is_placed = is_placed
        self.scored: Any = everybody.annotate(score=score)
        self.placed: Any = (
            self.scored.filter(is_placed)
            .values("score", "saved_kobo", "reached_at", membership_id=F("pk"))
            .order_by("-saved_kobo" if order == "saved" else "-score", "reached_at", "pk")
        )

    def page(self, first: int, length: int, reader_id: int | None, neighbours: int) -> dict[str, Any]:
        """Return the parts of a board in at most four queries, however many members there are."""
        # The only OFFSET of the site: a page far down the board, in the minutes in which Redis has none.
        rows = list(self.placed[first : first + length])
        sums = self._sums(reader_id, rows[0]["score"] if rows else 0)
        around = self._around(reader_id, neighbours, sums) if sums["is_placed"] else []
        return {
            "lines": _ranked(rows, first, 1 + sums["above_page"]),
            "around": around,
            "next_sum_kobo": sums["next_higher"] if around else None,
            "members": sums["members"],
            "total_kobo": sums["total"],
            "size": sums["size"],
        }

    def _sums(self, reader_id: int | None, page_score: int) -> dict[str, Any]:
        """Count all that a page needs in one pass over the circle."""
        me = self.placed.filter(pk=reader_id)
        mine, moment = Subquery(me.values("score")[:1]), Subquery(me.values("reached_at")[:1])
        same = Q(score=mine)
        before = Q(score__gt=mine) | same & Q(reached_at__lt=moment)
        before |= same & Q(reached_at=moment, pk__lt=reader_id or 0)
        sums: dict[str, Any] = self.scored.aggregate(
            members=Count("pk"),
            total=Sum("saved_kobo", default=0),
            size=Count("pk", filter=self.is_placed),
            above_page=Count("pk", filter=self.is_placed & Q(score__gt=page_score)),
            is_placed=Count("pk", filter=self.is_placed & Q(pk=reader_id)),
            before_me=Count("pk", filter=self.is_placed & before),
            above_me=Count("pk", filter=self.is_placed & Q(score__gt=mine)),
            next_higher=Min("score", filter=self.is_placed & Q(score__gt=mine)),
        )
        return sums

    def _around(self, reader_id: int | None, neighbours: int, sums: dict[str, Any]) -> list[dict[str, Any]]:
        position = max(0, sums["before_me"] - neighbours)
        rows = list(self.placed[position : sums["before_me"] + neighbours + 1])
        mine = next((row["score"] for row in rows if row["membership_id"] == reader_id), None)
        if rows[0]["score"] == mine:
            return _ranked(rows, position, 1 + sums["above_me"])
        return _ranked(rows, position, 1 + self.placed.filter(score__gt=rows[0]["score"]).count())


def _order(order: str, today: datetime.date) -> tuple[Combinable, Q]:
    """Return what an order is by, and who has a place in it."""
    is_placed = Q(on_board=True, saved_kobo__gt=0)
    if order == "share":
        # Whole thousandths, as in Redis: both databases divide whole numbers down.
        return F("saved_kobo") * 1000 / F("plan__target_kobo"), is_placed & Q(plan__target_kobo__isnull=False)
    if order == "month":
        this_month = Q(month=today.replace(day=1), saved_kobo__gt=F("month_start_kobo"))
        return F("saved_kobo") - F("month_start_kobo"), is_placed & this_month
    return F("saved_kobo"), is_placed


def _ranked(rows: list[dict[str, Any]], position: int, rank: int) -> list[dict[str, Any]]:
    """Give consecutive rows their ranks, 1 + the number of higher scores, where the first of them has that rank."""
    ranked = []
    for at, row in enumerate(rows):
        if at and row["score"] != rows[at - 1]["score"]:
            rank = position + at + 1
        ranked.append({key: row[key] for key in ("membership_id", "saved_kobo", "score")} | {"rank": rank})
    return ranked
