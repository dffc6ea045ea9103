"""What happens on the day a circle ends: the places are fixed, and the members are told.

Nothing counts from that day on, so the board is still the one of the evening before, whenever this runs. The money is
none of its business: each plan inside matures as any other does.
"""

from __future__ import annotations

import datetime
import logging

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from savings import leaderboards, mails, outbox, plans
from savings.leaderboards import Progress
from savings.models import Circle, CircleEvent, Membership, User

logger = logging.getLogger(__name__)

# Each mail is a task: no more of them at once, so that others do not wait behind a million of these.
_BATCH = 100
_MOST_STEPS_AT_ONCE = 10
_TELL_CIRCLE, _TELL_MEMBER = "tell_circle_ended", "tell_member_circle_ended"
# The circle's activity names so many of those who share the first place.
_MOST_NAMED = 10
# One statement, however many there are: both databases take it as it is.
_STORE_RANKS = """
UPDATE savings_membership SET final_rank = ranked.place
FROM (
    SELECT id AS placed_id, RANK() OVER (ORDER BY saved_kobo DESC) AS place
    FROM savings_membership
    WHERE circle_id = %s AND left_at IS NULL AND on_board AND saved_kobo > 0
) AS ranked
WHERE id = ranked.placed_id
"""


def end_due_circles(today: datetime.date) -> int:
    """Fix the final places of each circle whose end has come, and return how many circles there were.

    A circle that cannot be settled is postponed, and the others are settled.
    """
    ended = Circle.objects.filter(settled_at=None, ends_on__lte=today).order_by("ends_on", "pk")
    return outbox.for_each_row(
        "settle_circle", ended, lambda circle_id: end_circle(Circle.objects.get(pk=circle_id))
    )


def end_circle(circle: Circle) -> bool:
    """Fix a circle's final places and what it has saved in all; False where that is done, or its end has not come.

    Safe at any time and at two workers: one conditional update lets one of them do it.
    """
    if not circle.has_ended(timezone.localdate()):
        return False
    leaderboards.record_day(circle, circle.ends_on - datetime.timedelta(days=1))
    with transaction.atomic():
        # Their plans' cards show the places. People before circles, as everywhere.
        User.objects.touch_all(
            User.objects.filter(memberships__circle=circle, memberships__left_at__isnull=True)
        )
        saved = circle.memberships.current().aggregate(kobo=Sum("saved_kobo", default=0))["kobo"]
        mine = Circle.objects.filter(pk=circle.pk, settled_at=None)
        if not mine.update(settled_at=timezone.now(), final_kobo=saved, told_until=0):
            return False
        with connection.cursor() as cursor:
            cursor.execute(_STORE_RANKS, [circle.pk])
        CircleEvent.objects.bulk_create(
            CircleEvent(circle=circle, membership=first, kind=CircleEvent.Kind.WON)
            for first in circle.memberships.filter(final_rank=1).order_by("reached_at", "id")[:_MOST_NAMED]
        )
        leaderboards.bump_circle_version(circle.pk, "ended")
    return True


def notify_members() -> int:
    """Write the mails to members of circles that have ended, at most a thousand, and return how many were written.

    Who has a plan that is about to mature is told with the mail about that: one mail is kinder than two.
    """
    postponed = Membership.objects.filter(pk__in=outbox.postponed_row_ids(_TELL_MEMBER))
    told = outbox.for_each_row(_TELL_MEMBER, postponed.order_by("pk"), _notify_member)
    steps = _MOST_STEPS_AT_ONCE
    while steps > 0:
        # One step for each circle in turn, those that have come least far first: a large one holds up no small one.
        waiting = Circle.objects.filter(told_until__isnull=False).order_by("told_until", "pk")
        ready = waiting.exclude(pk__in=outbox.waiting_row_ids(_TELL_CIRCLE))[:steps].count()
        if not ready:
            break
        told += outbox.for_each_row(_TELL_CIRCLE, waiting, _notify_some, most=steps)
        steps -= ready
    return told


def _notify_some(circle_id: int) -> int:
    """Tell the next members, and note how far that has come; what another worker has told meanwhile is dropped.

    Where one of them cannot be told, the others are, and that one is postponed.
    """
    circle = Circle.objects.get(pk=circle_id)
    if circle.told_until is None:
        return 0
    batch = list(_members(circle).filter(pk__gt=circle.told_until).order_by("pk")[:_BATCH])
    until = batch[-1].pk if batch else None
    result = leaderboards.progress_of(circle)
    try:
        with transaction.atomic():
            # People in one order, as wherever more than one of them is locked.
            batch.sort(key=lambda member: member.user_id)
            told = sum(_notify(member, circle, result) for member in batch)
            if not _note_told(circle, until):
                transaction.set_rollback(True)
                return 0
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("the members of circle %s up to %s are told one by one: %s", circle_id, until, error)
        told = sum(_notify_alone(member, circle, result) for member in batch)
        _note_told(circle, until)
    return told


def _members(circle: Circle) -> QuerySet[Membership]:
    return circle.memberships.current().select_related("user", "plan__account")


def _note_told(circle: Circle, until: int | None) -> bool:
    here = Circle.objects.filter(pk=circle.pk, told_until=circle.told_until)
    return bool(here.update(told_until=until))


def _notify(member: Membership, circle: Circle, result: Progress) -> bool:
    if plans.is_maturity_due(member.plan, timezone.localdate()):
        return False
    return mails.circle_ended(member, circle, result) is not None


def _notify_alone(member: Membership, circle: Circle, result: Progress) -> bool:
    try:
        with transaction.atomic():
            return _notify(member, circle, result)
    except Exception as error:
        if not outbox.postpone(_TELL_MEMBER, member.pk, error):
            raise
        return False


def _notify_member(membership_id: int) -> bool:
    """Tell a member who could not be told with the others, unless they have left since."""
    membership = Membership.objects.select_related("circle").get(pk=membership_id)
    member = _members(membership.circle).filter(pk=membership_id).first()
    if member is None:
        return False
    with transaction.atomic():
        return _notify(member, membership.circle, leaderboards.progress_of(membership.circle))
