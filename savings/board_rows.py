"""A circle's board computed by SQL: what pages show while Redis has none, and the order that Redis must agree with."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import Count, F, Min, Q, Sum

from savings.models import Membership


class Rows:
    """The places of one circle in one order (`saved`, `share`, `month`), best first."""

    def __init__(self, circle_id: int, order: str, today: datetime.date) -> None:
        self.everybody = Membership.objects.filter(circle_id=circle_id, left_at__isnull=True)
        placed = self.everybody.filter(on_board=True, saved_kobo__gt=0)
        if order == "share":
            # Whole thousandths, as in Redis: both databases divide whole numbers down.
            scored = placed.filter(plan__target_kobo__isnull=False).annotate(
                score=F("saved_kobo") * 1000 / F("plan__target_kobo")
            )
        elif order == "month":
            scored = placed.filter(month=today.replace(day=1), saved_kobo__gt=F("month_start_kobo")).annotate(
                score=F("saved_kobo") - F("month_start_kobo")
            )
        else:
            scored = placed.annotate(score=F("saved_kobo"))
        self.placed: Any = scored.values("score", "saved_kobo", "reached_at", membership_id=F("pk")).order_by(
            *(["-saved_kobo"] if order == "saved" else ["-score"]), "reached_at", "pk"
        )

    def page(self, first: int, length: int) -> list[dict[str, Any]]:
        """Return the fields of `length` lines from position `first` on."""
        # The only OFFSET of the site: a page far down the board, in the minutes in which Redis has none.
        rows = list(self.placed[first : first + length])
        return self._ranked(rows, first) if rows else []

    def around(self, membership_id: int, neighbours: int) -> list[dict[str, Any]]:
        """Return the fields of a member's own line between that many before and after it; none without a place."""
        me = self.placed.filter(pk=membership_id).first()
        if me is None:
            return []
        same = Q(score=me["score"])
        same_moment = same & Q(reached_at=me["reached_at"])
        before = Q(score__gt=me["score"]) | same & Q(reached_at__lt=me["reached_at"])
        before |= same_moment & Q(pk__lt=membership_id)
        after = Q(score__lt=me["score"]) | same & Q(reached_at__gt=me["reached_at"])
        after |= same_moment & Q(pk__gt=membership_id)
        above = list(self.placed.filter(before).reverse()[:neighbours])[::-1]
        below = list(self.placed.filter(after)[:neighbours])
        position = self.placed.filter(before).count() - len(above)
        return self._ranked([*above, me, *below], position)

    def next_higher(self, score: int) -> int | None:
        """Return the lowest score above that one."""
        lowest: int | None = (
            self.placed.filter(score__gt=score).order_by().aggregate(lowest=Min("score"))["lowest"]
        )
        return lowest

    def totals(self) -> tuple[int, int, int]:
        """Return how many members the circle has, what they have saved together (kobo), how many have a place."""
        sums = self.everybody.aggregate(members=Count("pk"), total=Sum("saved_kobo", default=0))
        return sums["members"], sums["total"], self.placed.count()

    def _ranked(self, rows: list[dict[str, Any]], position: int) -> list[dict[str, Any]]:
        """Give consecutive rows their ranks: 1 + the number of higher scores."""
        rank = 1 + self.placed.filter(score__gt=rows[0]["score"]).count()
        ranked = []
        for at, row in enumerate(rows):
            if at and row["score"] != rows[at - 1]["score"]:
                rank = position + at + 1
            fields = {key: row[key] for key in ("membership_id", "saved_kobo", "score")}
            ranked.append(fields | {"rank": rank})
        return ranked
