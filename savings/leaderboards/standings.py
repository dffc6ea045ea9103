"""The standing of each member as a leaderboard stores it, and the member's sort key in the sorted sets."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Self

from django.db.models import QuerySet, Subquery

from savings.models import Installation, Membership

_END_OF_TIME = 2**63 - 1
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_FIELDS = (
    "id",
    "circle_id",
    "version",
    "saved_kobo",
    "reached_at",
    "on_board",
    "left_at",
    "plan__target_kobo",
    "week",
    "week_start_kobo",
    "month",
    "month_start_kobo",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Everything that a leaderboard stores about a member, as of one version."""

    membership_id: int
    circle_id: int
    version: int
    saved_kobo: int
    reached_at: datetime.datetime
    on_board: bool
    left_at: datetime.datetime | None
    target_kobo: int | None
    week: datetime.date | None
    week_start_kobo: int
    month: datetime.date | None
    month_start_kobo: int
    # The epoch of the database when the other values were read, in the same query.
    epoch: str | None

    @classmethod
    def read(cls, memberships: QuerySet[Membership]) -> Iterator[Self]:
        """Return the standings of a queryset of memberships, in its order."""
        epoch = Subquery(Installation.objects.filter(pk=1).values("epoch"))
        return (cls(*values) for values in memberships.values_list(*_FIELDS, epoch))

    @property
    def is_current(self) -> bool:
        """Whether the member is in the circle."""
        return self.left_at is None

    def script_values(self) -> list[str | int]:
        """Return the ten values of a member that the scripts take, as listed in `lua/apply.lua`."""
        is_ranked = self.is_current and self.on_board and self.saved_kobo > 0
        share = share_per_mille(self.saved_kobo, self.target_kobo) if self.target_kobo else ""
        return [
            self.membership_id,
            self.version,
            "1" if self.is_current else "0",
            self.saved_kobo,
            sort_key(self.membership_id, self.reached_at) if is_ranked else "",
            share,
            self.month.isoformat() if self.month else "",
            self.saved_kobo - self.month_start_kobo,
            self.week.isoformat() if self.week else "",
            self.week_start_kobo,
        ]


def share_per_mille(saved_kobo: int, target_kobo: int) -> int:
    """Return the saved share of a target in whole thousandths, rounded down."""
    return saved_kobo * 1000 // target_kobo


def sort_key(membership_id: int, reached_at: datetime.datetime) -> str:
    """Return a member's key in the sorted sets; within a score, the later key has the better position.

    Redis orders equal scores by key, and a leaderboard is read backwards. So the key is the moment and then the id,
    both subtracted from 2^63 - 1, in 16 hexadecimal digits each.
    """
    return f"{_END_OF_TIME - (reached_at - _EPOCH) // _MICROSECOND:016x}{_END_OF_TIME - membership_id:016x}"


def membership_id(sort_key: str) -> int:
    """Return the membership id of a sort key."""
    return _END_OF_TIME - int(sort_key[16:], 16)
