"""The progress of circles towards their goals (totals over the members, which no row stores), and their activity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db.models import Case, Count, F, Q, QuerySet, Sum, When

from savings import installation
from savings.models import Circle, CircleEvent, Membership, Transaction

# The total of so many members takes a few milliseconds. Totals of larger circles are cached for a minute.
_ALWAYS_FRESH = 500
_CACHE_SECONDS = 60
_NO_MEMBERS = [0, 0, 0, 0]
_IS_CURRENT = Q(left_at__isnull=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """The number of members of a circle, and the kobo they have saved together."""

    members: int
    saved_kobo: int
    # True if several members hide their amounts. The total is then rounded down to a hundredth of the goal.
    is_rounded: bool
    # True if a single member hides theirs. The total leaves it out, because a total with it, less the amounts of all
    # others, would reveal it.
    leaves_one_out: bool = False

    @property
    def is_fresh(self) -> bool:
        """Return whether this is current. The total of a large circle may be a minute old; do not cache it again."""
        return self.members <= _ALWAYS_FRESH

    def percent(self, goal_kobo: int) -> int:
        """Return the share of the goal in whole per cent, at most 100."""
        return min(100, self.share(goal_kobo))

    def share(self, goal_kobo: int) -> int:
        """Return the share of the goal in whole per cent, which is above 100 where more was saved."""
        return self.saved_kobo * 100 // goal_kobo


def progress_of(circle: Circle) -> Progress:
    """Return the progress of one circle."""
    return progress_of_all([circle])[circle.pk]


def progress_of_all(circles: Iterable[Circle]) -> dict[int, Progress]:
    """Return the progress of each circle by its id, in at most one query. A large circle's is up to a minute old."""
    by_id = {circle.pk: circle for circle in circles}
    cached = cache.get_many([_key(pk) for pk in by_id])
    sums = {pk: values for pk in by_id if (values := _parse_sums(cached.get(_key(pk))))}
    missing = by_id.keys() - sums.keys()
    if missing:
        sums |= _sums(missing)
    return {pk: build_progress(circle, *sums.get(pk, _NO_MEMBERS)) for pk, circle in by_id.items()}


def left_out_of(circle_id: int) -> QuerySet[Membership, Any]:
    """Return what the total of a circle leaves out, in kobo, as a subquery of one value.

    That is the amount of the only member who hides theirs; 0 if several do, and NULL if nobody does.
    """
    hidden = _counted().filter(circle=circle_id, hides_amount=True).order_by().values("circle")
    kobo = Case(When(members=1, then=Sum("saved_kobo")), default=0)
    return hidden.annotate(members=Count("id")).annotate(kobo=kobo).values("kobo")


def events_of(circle: Circle) -> QuerySet[CircleEvent, Any]:
    """Return a circle's activity as dictionaries, for a keyset page, without reversed payments.

    A win or a goal is left out if the member has since chosen to be off the leaderboard.
    """
    counts = Q(transaction=None) | Q(transaction__status=Transaction.Status.SUCCESS)
    shown_on_board = (CircleEvent.Kind.WON, CircleEvent.Kind.REACHED_GOAL)
    is_off = Q(kind__in=shown_on_board, membership__on_board=False)
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


def _counted() -> QuerySet[Membership]:
    """A member who left after the end still counts in the result, and so does their choice to hide their amount."""
    return Membership.objects.filter(_IS_CURRENT | Q(left_at__gte=F("circle__settled_at")))


def _sums(circle_ids: Iterable[int]) -> dict[int, list[int]]:
    rows = (
        _counted()
        .filter(circle_id__in=list(circle_ids))
        .values_list("circle_id")
        .annotate(
            members=Count("id", filter=_IS_CURRENT),
            saved=Sum("saved_kobo"),
            hidden=Count("id", filter=Q(hides_amount=True)),
            hidden_kobo=Sum("saved_kobo", filter=Q(hides_amount=True), default=0),
        )
        .order_by("circle_id")
    )
    sums = {
        pk: [members, int(saved_kobo), hidden, int(hidden_kobo)]
        for pk, members, saved_kobo, hidden, hidden_kobo in rows
    }
    large = {_key(pk): values for pk, values in sums.items() if values[0] > _ALWAYS_FRESH}
    if large:
        # The epoch is stored with them, because a restored backup may have another circle with this id.
        cache.set_many(
            {key: [installation.epoch(), *values] for key, values in large.items()}, _CACHE_SECONDS
        )
    return sums


def _parse_sums(cached: object) -> list[int] | None:
    """Return the totals from a cached value; None for no value and for any other content."""
    match cached:
        case [str(epoch), int(members), int(saved_kobo), int(hidden), int(hidden_kobo)] if (
            epoch == installation.epoch()
        ):
            return [members, saved_kobo, hidden, hidden_kobo]
    return None


def build_progress(circle: Circle, members: int, saved_kobo: int, hidden: int, hidden_kobo: int) -> Progress:
    """Return the progress of a circle from its sums: all members, what they saved, and those who hide theirs."""
    # An ended circle has a final total.
    saved_kobo = max(0, saved_kobo if circle.final_kobo is None else circle.final_kobo)
    if hidden == 1:
        return Progress(members, max(0, saved_kobo - hidden_kobo), is_rounded=False, leaves_one_out=True)
    if hidden:
        step_kobo = max(1, circle.goal_kobo // 100)
        saved_kobo = saved_kobo // step_kobo * step_kobo
    return Progress(members, saved_kobo, bool(hidden))


def _key(circle_id: int) -> str:
    return f"circle:{circle_id}:progress"
