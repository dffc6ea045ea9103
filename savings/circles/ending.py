"""The end of a circle: store the final ranks, and mail the members.

Payments from that day on do not count, so the leaderboard is still that of the evening before, whenever this runs. This
module moves no money: the plans in a circle mature like all others.
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
from savings.models.circles import shares_rank

logger = logging.getLogger(__name__)

# Each mail is a task. The limit of 1,000 mails a run keeps other tasks from waiting behind a million of these.
_MEMBERS_PER_BATCH = 100
_BATCHES_PER_RUN = 10
_CIRCLE_TASK, _MEMBER_TASK = "tell_circle_ended", "tell_member_circle_ended"
# The most winners that the circle's activity names when several share the first rank.
_MOST_NAMED_WINNERS = 10
# One statement for any number of members; it runs on both databases.
_STORE_RANKS = """
UPDATE savings_membership SET final_rank = ranked.new_rank
FROM (
    SELECT id AS membership_id, RANK() OVER (ORDER BY saved_kobo DESC) AS new_rank
    FROM savings_membership
    WHERE circle_id = %s AND left_at IS NULL AND on_board AND saved_kobo > 0
) AS ranked
WHERE id = ranked.membership_id
"""


def end_due_circles(today: datetime.date) -> int:
    """Store the final ranks of each circle that has ended by `today`, and return the number of circles.

    A circle that fails is postponed, and the others are ended.
    """
    ended = Circle.objects.filter(settled_at=None, ends_on__lte=today).order_by("ends_on", "pk")
    return outbox.for_each_row(
        "settle_circle", ended, lambda circle_id: end_circle(Circle.objects.get(pk=circle_id))
    )


def end_circle(circle: Circle) -> bool:
    """Store a circle's final ranks and total amount. Return False if that was done before or the circle has not ended.

    Safe at any time and in two workers at once: a conditional update lets only one of them continue.
    """
    if not circle.has_ended(timezone.localdate()):
        return False
    leaderboards.record_day(circle, circle.ends_on - datetime.timedelta(days=1))
    with transaction.atomic():
        # The cards of the members' plans show the ranks. Users are locked before circles, as everywhere.
        User.objects.touch_all(
            User.objects.filter(memberships__circle=circle, memberships__left_at__isnull=True)
        )
        saved = circle.memberships.current().aggregate(kobo=Sum("saved_kobo", default=0))["kobo"]
        unsettled = Circle.objects.filter(pk=circle.pk, settled_at=None)
        if not unsettled.update(settled_at=timezone.now(), final_kobo=saved, told_until=0):
            return False
        with connection.cursor() as cursor:
            cursor.execute(_STORE_RANKS, [circle.pk])
        CircleEvent.objects.bulk_create(
            CircleEvent(circle=circle, membership=winner, kind=CircleEvent.Kind.WON)
            for winner in circle.memberships.filter(final_rank=1).order_by("reached_at", "id")[
                :_MOST_NAMED_WINNERS
            ]
        )
        leaderboards.bump_circle_version(circle.pk, "ended")
    return True


def notify_members() -> int:
    """Write mails to the members of ended circles, at most 1,000 of a run, and return the number of mails.

    A member whose plan is due to mature gets none here: the mail about the maturity covers both.
    """
    postponed = Membership.objects.filter(pk__in=outbox.postponed_row_ids(_MEMBER_TASK))
    mail_count = outbox.for_each_row(_MEMBER_TASK, postponed.order_by("pk"), _notify_postponed)
    batches = _BATCHES_PER_RUN
    while batches > 0:
        # One batch for each circle in turn, the least advanced first, so that a large circle delays no small one.
        waiting = Circle.objects.filter(told_until__isnull=False).order_by("told_until", "pk")
        ready = waiting.exclude(pk__in=outbox.waiting_row_ids(_CIRCLE_TASK))[:batches].count()
        if not ready:
            break
        mail_count += outbox.for_each_row(_CIRCLE_TASK, waiting, _notify_batch, most=batches)
        batches -= ready
    return mail_count


def _notify_batch(circle_id: int) -> int:
    """Write the mails of a circle's next members, and return their number.

    If another worker has advanced the circle meanwhile, these mails are rolled back. If one mail cannot be written,
    that member is postponed and the others get theirs.
    """
    circle = Circle.objects.get(pk=circle_id)
    if circle.told_until is None:
        return 0
    batch = list(_members(circle).filter(pk__gt=circle.told_until).order_by("pk")[:_MEMBERS_PER_BATCH])
    until = batch[-1].pk if batch else None
    result = leaderboards.progress_of(circle)
    try:
        with transaction.atomic():
            # Users are locked in the order of their ids, so that concurrent transactions cannot deadlock.
            batch.sort(key=lambda member: member.user_id)
            mail_count = sum(_notify(member, circle, result) for member in batch)
            if not _advance(circle, until):
                transaction.set_rollback(True)
                return 0
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("mailing members of circle %s up to %s one by one: %s", circle_id, until, error)
        mail_count = sum(_notify_alone(member, circle, result) for member in batch)
        _advance(circle, until)
    return mail_count


def _members(circle: Circle) -> QuerySet[Membership]:
    members = circle.memberships.current().select_related("user", "plan__account")
    return members.annotate(shares_rank=shares_rank())


def _advance(circle: Circle, until: int | None) -> bool:
    """Store the last membership that was mailed, None for all; False if another worker has advanced the circle."""
    unchanged = Circle.objects.filter(pk=circle.pk, told_until=circle.told_until)
    return bool(unchanged.update(told_until=until))


def _notify(member: Membership, circle: Circle, result: Progress) -> bool:
    if plans.is_maturity_due(member.plan, timezone.localdate()):
        return False
    return mails.circle_ended(member, circle, result) is not None


def _notify_alone(member: Membership, circle: Circle, result: Progress) -> bool:
    try:
        with transaction.atomic():
            return _notify(member, circle, result)
    except Exception as error:
        if not outbox.postpone(_MEMBER_TASK, member.pk, error):
            raise
        return False


def _notify_postponed(membership_id: int) -> bool:
    """Write the mail of a member who was postponed, unless they have left since."""
    membership = Membership.objects.select_related("circle").get(pk=membership_id)
    member = _members(membership.circle).filter(pk=membership_id).first()
    if member is None:
        return False
    with transaction.atomic():
        return _notify(member, membership.circle, leaderboards.progress_of(membership.circle))
