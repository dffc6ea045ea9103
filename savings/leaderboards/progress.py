"""How far circles are, and what happened in them: sums over the members, which no row keeps, and the activity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Q, QuerySet, Sum

from savings import installation
from savings.models import Circle, CircleEvent, Membership, Transaction

# Summing so many takes a few milliseconds: smaller circles are always summed anew, larger ones once a minute.
_ALWAYS_FRESH = 500
_SECONDS = 60
_NOBODY = [0, 0, 0]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How many are in a circle, and what they have saved together (kobo)."""

    members: int
    saved_kobo: int
    # Some members hide their sum. Then the whole is given in hundredths of the goal, rounded down: beside the sums
    # of all the others the exact one would tell theirs.
    is_rounded: bool

    @property
    def is_fresh(self) -> bool:
        """Say whether this is as of now. A large circle's may be a minute old, and must not be kept for longer."""
        return self.members <= _ALWAYS_FRESH

    def percent(self, goal_kobo: int) -> int:
        """Return the share of the goal in whole per cent, at most 100."""
        return min(100, self.saved_kobo * 100 // goal_kobo)


def progress_of(circle: Circle) -> Progress:
    """Return the progress of one circle."""
    return progress_of_all([circle])[circle.pk]


def progress_of_all(circles: Iterable[Circle]) -> dict[int, Progress]:
    """Return the progress of each circle by its id, in at most one query. A large circle's is up to a minute old."""
    asked = {circle.pk: circle for circle in circles}
    known = cache.get_many([_key(pk) for pk in asked])
    sums = {pk: found for pk in asked if (found := _sums_in(known.get(_key(pk))))}
    missing = asked.keys() - sums.keys()
    if missing:
        sums |= _sums(missing)
    return {pk: _build_progress(circle, *sums.get(pk, _NOBODY)) for pk, circle in asked.items()}


def events_of(circle: Circle) -> QuerySet[CircleEvent, Any]:
    """Return what happened in a circle, as dictionaries, for a keyset page. What was taken back is left out.

    Left out too is the first place of somebody who is not on the board any more: that is their choice.
    """
    counts = Q(transaction=None) | Q(transaction__status=Transaction.Status.SUCCESS)
    is_off = Q(kind=CircleEvent.Kind.WON, membership__on_board=False)
    return (
        circle.events.filter(counts)
        .exclude(is_off)
        .values(
            "id",
            "kind",
            "happened_at",
            "membership_id",
            "membership__nickname",
            "membership__hides_amount",
            "transaction__amount_kobo",
        )
    )


def _sums(circle_ids: Iterable[int]) -> dict[int, list[int]]:
    # Whoever left after the end still has a part in the result, and may have hidden how large a one.
    is_current = Q(left_at__isnull=True)
    rows = (
        Membership.objects.filter(is_current | Q(left_at__gte=F("circle__settled_at")))
        .filter(circle_id__in=list(circle_ids))
        .values_list("circle_id")
        .annotate(
            members=Count("id", filter=is_current),
            saved=Sum("saved_kobo"),
            hidden=Count("id", filter=Q(hides_amount=True)),
        )
        .order_by("circle_id")
    )
    sums = {pk: [members, int(saved_kobo), hidden] for pk, members, saved_kobo, hidden in rows}
    large = {_key(pk): found for pk, found in sums.items() if found[0] > _ALWAYS_FRESH}
    if large:
        # With the epoch beside them: a restored backup may have another circle under that id.
        cache.set_many({key: [installation.epoch(), *found] for key, found in large.items()}, _SECONDS)
    return sums


def _sums_in(found: object) -> list[int] | None:
    """Return the sums that were put there, and None for anything else that a cache may hold."""
    match found:
        case [str(epoch), int(members), int(saved_kobo), int(hidden)] if epoch == installation.epoch():
            return [members, saved_kobo, hidden]
    return None


def _build_progress(circle: Circle, members: int, saved_kobo: int, hidden: int) -> Progress:
    # Once the end has come, the sum is the one that was fixed then.
    saved_kobo = max(0, saved_kobo if circle.final_kobo is None else circle.final_kobo)
    if hidden:
        step_kobo = max(1, circle.goal_kobo // 100)
        saved_kobo = saved_kobo // step_kobo * step_kobo
    return Progress(members, saved_kobo, bool(hidden))


def _key(circle_id: int) -> str:
    return f"circle:{circle_id}:progress"
