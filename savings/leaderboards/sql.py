"""A circle's leaderboard computed by SQL: shown while Redis has none, and the reference for the order in Redis."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from savings.models import Membership


class Rows:
    """The leaderboard of one circle in one order (`saved`, `share`, `month`), best first."""

    def __init__(self, circle_id: int, order: str, today: datetime.date) -> None:
        score, is_ranked = _score(order, today)
        members = Membership.objects.filter(circle_id=circle_id, left_at__isnull=True)
        self.is_ranked = is_ranked
        self.scored: Any = members.annotate(score=score)
        self.ranked: Any = (
            self.scored.filter(is_ranked)
            .values("score", "saved_kobo", "reached_at", membership_id=F("pk"))
            .order_by("-saved_kobo" if order == "saved" else "-score", "reached_at", "pk")
        )

    def page(self, *, first: int, length: int, reader_id: int | None, neighbours: int) -> dict[str, Any]:
        """Return the parts of `pages.Board` in two queries, for any number of members."""
        sums = self._sums(reader_id)
        page, around = range(first, first + length), range(0)
        if sums["has_rank"]:
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

    def _lines(self, *ranges: range) -> dict[int, dict[str, Any]]:
        """Read ranges of positions in one statement, so that all lines are of one moment."""
        wanted = [positions for positions in ranges if positions]
        # The only OFFSET of the site, used in the minutes in which Redis has no leaderboard.
        picked = [
            Q(pk__in=self.ranked.values("pk")[positions.start : positions.stop]) for positions in wanted
        ]
        if not picked:
            return {}
        above = {f"above_{positions.start}": self._above(positions.start) for positions in wanted}
        rows = self.ranked.filter(reduce(or_, picked)).annotate(**above)
        return _ranked(dict(zip(sorted(set().union(*wanted)), rows, strict=False)))

    def _above(self, position: int) -> Combinable:
        """Count the scores higher than the one at that position."""
        if position == 0:
            return Value(0)
        score = Subquery(self.ranked.values("score")[position : position + 1])
        higher = (
            self.ranked.order_by().filter(score__gt=score).values("circle_id").annotate(count=Count("pk"))
        )
        return Coalesce(Subquery(higher.values("count")), 0)

    def _sums(self, reader_id: int | None) -> dict[str, Any]:
        """Count everything a page needs in one pass over the circle."""
        me = self.ranked.filter(pk=reader_id)
        mine, moment = Subquery(me.values("score")[:1]), Subquery(me.values("reached_at")[:1])
        same = Q(score=mine)
        before = Q(score__gt=mine) | same & Q(reached_at__lt=moment)
        before |= same & Q(reached_at=moment, pk__lt=reader_id or 0)
        sums: dict[str, Any] = self.scored.aggregate(
            members=Count("pk"),
            total=Sum("saved_kobo", default=0),
            size=Count("pk", filter=self.is_ranked),
            has_rank=Count("pk", filter=self.is_ranked & Q(pk=reader_id)),
            before_me=Count("pk", filter=self.is_ranked & before),
            next_higher=Min("score", filter=self.is_ranked & Q(score__gt=mine)),
        )
        return sums


def ranks(membership_ids: Collection[int]) -> list[tuple[int, int, bool]]:
    """Return the circle and the fields of `pages.Rank` of each member with a rank by the amount saved, in one query."""
    if not membership_ids:
        return []
    others = Membership.objects.ranked().filter(circle=OuterRef("circle"))
    same = others.filter(saved_kobo=OuterRef("saved_kobo")).exclude(pk=OuterRef("pk"))
    higher = others.order_by().filter(saved_kobo__gt=OuterRef("saved_kobo")).values("circle")
    above = higher.annotate(count=Count("pk")).values("count")
    members = Membership.objects.ranked().filter(pk__in=membership_ids).order_by()
    return list(members.values_list("circle", 1 + Coalesce(Subquery(above), 0), Exists(same)))


def ranks_if_taken(membership: Membership, taken_kobo: int) -> tuple[int | None, int | None]:
    """Return a member's rank by the amount saved, and the rank if that many kobo left their plan; None without a rank.

    One query, which counts the members above.
    """
    sums = (membership.saved_kobo, membership.saved_kobo - taken_kobo)
    others = Membership.objects.ranked().filter(circle=membership.circle_id).exclude(pk=membership.pk)
    above = others.order_by().aggregate(
        **{str(at): Count("pk", filter=Q(saved_kobo__gt=kobo)) for at, kobo in enumerate(sums)}
    )
    before, after = (
        above[str(at)] + 1 if membership.on_board and kobo > 0 else None for at, kobo in enumerate(sums)
    )
    return before, after


def _score(order: str, today: datetime.date) -> tuple[Combinable, Q]:
    """Return the score of an order, and the condition for a rank in it."""
    is_ranked = Q(on_board=True, saved_kobo__gt=0)
    if order == "share":
        # Whole thousandths, rounded down as in Redis: both databases round the quotient of two integers down.
        return F("saved_kobo") * 1000 / F("plan__target_kobo"), is_ranked & Q(plan__target_kobo__isnull=False)
    if order == "month":
        this_month = Q(month=today.replace(day=1), saved_kobo__gt=F("month_start_kobo"))
        return F("saved_kobo") - F("month_start_kobo"), is_ranked & this_month
    return F("saved_kobo"), is_ranked


def _ranked(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return rows by position with their ranks: 1 + the number of higher scores."""
    ranked: dict[int, dict[str, Any]] = {}
    for at, row in rows.items():
        before = ranked.get(at - 1)
        if before is None:
            rank = 1 + row[f"above_{at}"]
        else:
            rank = before["rank"] if row["score"] == before["score"] else at + 1
        ranked[at] = {key: row[key] for key in ("membership_id", "saved_kobo", "score")} | {"rank": rank}
    return ranked
