"""A circle's board computed by SQL: what pages show while Redis has none, and the order that Redis must agree with."""

from __future__ import annotations

import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Min, Q, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

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
        """Return the parts of a board in two queries, however many members there are."""
        sums = self._sums(reader_id)
        page, around = range(first, first + length), range(0)
        if sums["is_placed"]:
            around = range(max(0, sums["before_me"] - neighbours), sums["before_me"] + neighbours + 1)
        lines = self._lines(page, around)
        return {
            "lines": [lines[at] for at in page if at in lines],
            "around": [lines[at] for at in around if at in lines],
            "next_sum_kobo": sums["next_higher"] if around else None,
            "members": sums["members"],
            "total_kobo": sums["total"],
            "size": sums["size"],
        }

    def _lines(self, *stretches: range) -> dict[int, dict[str, Any]]:
        """Read stretches of the board, by position, in one statement: all of it is of one moment."""
        wanted = [stretch for stretch in stretches if stretch]
        # The only OFFSET of the site: pages of a board in the minutes in which Redis has none.
        picked = [Q(pk__in=self.placed.values("pk")[stretch.start : stretch.stop]) for stretch in wanted]
        if not picked:
            return {}
        above = {f"above_{stretch.start}": self._above(stretch.start) for stretch in wanted}
        rows = self.placed.filter(reduce(or_, picked)).annotate(**above)
        return _ranked(dict(zip(sorted(set().union(*wanted)), rows, strict=False)))

    def _above(self, position: int) -> Combinable:
        """Count the scores higher than the one at that position."""
        if position == 0:
            return Value(0)
        score = Subquery(self.placed.values("score")[position : position + 1])
        higher = (
            self.placed.order_by().filter(score__gt=score).values("circle_id").annotate(count=Count("pk"))
        )
        return Coalesce(Subquery(higher.values("count")), 0)

    def _sums(self, reader_id: int | None) -> dict[str, Any]:
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
            is_placed=Count("pk", filter=self.is_placed & Q(pk=reader_id)),
            before_me=Count("pk", filter=self.is_placed & before),
            next_higher=Min("score", filter=self.is_placed & Q(score__gt=mine)),
        )
        return sums


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


def _ranked(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Give rows, by position, their ranks: 1 + the number of higher scores."""
    ranked: dict[int, dict[str, Any]] = {}
    for at, row in rows.items():
        before = ranked.get(at - 1)
        if before is None:
            rank = 1 + row[f"above_{at}"]
        else:
            rank = before["rank"] if row["score"] == before["score"] else at + 1
        ranked[at] = {key: row[key] for key in ("membership_id", "saved_kobo", "score")} | {"rank": rank}
    return ranked
