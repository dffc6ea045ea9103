"""What happens on the day a circle ends: the places are fixed, and the members are told.

Nothing counts from that day on, so the board is still the one of the evening before, whenever this runs. The money is
none of its business: each plan inside matures as any other does.
"""

from __future__ import annotations

import datetime

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from savings import board_days, circle_progress, emails, maturity, scores
from savings.models import Circle, CircleEvent, User

# Each mail is a task: no more of them at once, so that others do not wait behind a million of these.
_BATCH = 100
_MOST_STEPS_AT_ONCE = 10
# The circle's activity names so many of those who share the first place.
_MOST_NAMED = 10
# One statement, however many there are: both databases take it as it is.
_FIX = """
UPDATE savings_membership SET final_rank = ranked.place
FROM (
    SELECT id AS placed_id, RANK() OVER (ORDER BY saved_kobo DESC) AS place
    FROM savings_membership
    WHERE circle_id = %s AND left_at IS NULL AND on_board AND saved_kobo > 0
) AS ranked
WHERE id = ranked.placed_id
"""


def settle_all(today: datetime.date) -> int:
    """Fix the final places of each circle whose end has come, and return how many circles there were."""
    ended = Circle.objects.filter(settled_at=None, ends_on__lte=today).order_by("ends_on")
    return sum(settle(circle) for circle in ended)


def settle(circle: Circle) -> bool:
    """Fix a circle's final places and what it has saved in all; False where that is done, or its end has not come.

    Safe at any time and at two workers: one conditional update lets one of them do it.
    """
    if not circle.has_ended(timezone.localdate()):
        return False
    board_days.keep(circle, circle.ends_on - datetime.timedelta(days=1))
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
            cursor.execute(_FIX, [circle.pk])
        CircleEvent.objects.bulk_create(
            CircleEvent(circle=circle, membership=first, kind=CircleEvent.Kind.WON)
            for first in circle.memberships.filter(final_rank=1).order_by("reached_at", "id")[:_MOST_NAMED]
        )
        scores.tell_circle(circle.pk, "ended")
    return True


def tell_all() -> int:
    """Write the mails to members of circles that have ended, at most a thousand, and return how many were written.

    Who has a plan that is about to mature is told with the mail about that: one mail is kinder than two.
    """
    told = steps = 0
    for circle in Circle.objects.filter(told_until__isnull=False).order_by("pk"):
        while steps < _MOST_STEPS_AT_ONCE and circle.told_until is not None:
            told += _tell_some(circle)
            steps += 1
    return told


def _tell_some(circle: Circle) -> int:
    """Tell the next members, and note how far that has come; what another worker has told meanwhile is dropped."""
    batch = list(
        circle.memberships.current()
        .filter(pk__gt=circle.told_until)
        .select_related("user", "plan__account")
        .order_by("pk")[:_BATCH]
    )
    until = batch[-1].pk if batch else None
    result = circle_progress.of(circle)
    told = 0
    with transaction.atomic():
        # People in one order, as wherever more than one of them is locked.
        for member in sorted(batch, key=lambda member: member.user_id):
            if not maturity.is_waiting(member.plan, timezone.localdate()):
                told += emails.circle_ended(member, circle, result) is not None
        here = Circle.objects.filter(pk=circle.pk, told_until=circle.told_until)
        if not here.update(told_until=until):
            transaction.set_rollback(True)
            told = 0
    circle.refresh_from_db(fields=["told_until"])
    return told
