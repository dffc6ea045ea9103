"""The weekly digest: on Monday, one mail to each user with news from their circles; no mail without news.

A circle is news for a member whose own amount changed in the week, and for one of the first 200 whose rank changed.
Below rank 200, ranks change with every payment of another user, so a million mails would carry no information; the
leaderboard shows these ranks. A limited circle has at most 200 members by default, so it reports every change of rank.

The lines are prepared in the night, with one statement for each circle, while the members' rows still hold the amounts
at the start of the week. In the morning the mails are written for 500 users at a time, and the next batch only when
the last one is sent, so a million mails delay no other mail. If a whole Monday is missed, its digest is skipped.
"""

from __future__ import annotations

import datetime
import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from savings import mails, money, outbox
from savings.circles import messages
from savings.models import Circle, DigestLine, User

logger = logging.getLogger(__name__)

LAST_REPORTED_RANK = 200
_FIRST_HOUR = 7
_USERS_PER_BATCH = 500
_WEEK = datetime.timedelta(days=7)
# These names are stored in postponements, so they stay when the functions are renamed.
_PREPARE_TASK, _WRITE_TASK = "draw_up_digest", "write_digest"
# The amounts at the end and at the start of the week. A member who has paid in since Monday's midnight has only the
# amount at that midnight in their row, and the earlier one is overwritten: such a member counts as unchanged.
_PREPARE = """
INSERT INTO savings_digestline (user_id, membership_id, week, place, place_before, change_kobo)
WITH sums AS (
    SELECT id, user_id, on_board,
        CASE WHEN week > %(week)s THEN week_start_kobo ELSE saved_kobo END AS saved,
        CASE WHEN week >= %(week)s THEN week_start_kobo ELSE saved_kobo END AS before
    FROM savings_membership WHERE circle_id = %(circle)s AND left_at IS NULL
), ranked AS (
    SELECT id, user_id, saved, before,
        CASE WHEN on_board AND saved > 0
            THEN rank() OVER (PARTITION BY on_board AND saved > 0 ORDER BY saved DESC) END AS new_rank,
        CASE WHEN on_board AND before > 0
            THEN rank() OVER (PARTITION BY on_board AND before > 0 ORDER BY before DESC) END AS old_rank
    FROM sums
)
SELECT user_id, ranked.id, %(week)s, new_rank, old_rank, saved - before
FROM ranked JOIN savings_user ON savings_user.id = user_id
WHERE is_active AND wants_weekly_digest
    AND (saved <> before OR new_rank <= %(last_rank)s AND new_rank <> old_rank)
"""


def prepare_digests(now: datetime.datetime) -> int:
    """On a Monday, store the digest lines of the week before; return the number of circles prepared.

    Each circle is claimed in the transaction that stores its lines, so this is safe to run twice or concurrently, and
    to be killed. A circle that fails is postponed, and the others are prepared.
    """
    today = timezone.localdate(now)
    if today.weekday() != 0:
        return 0
    # Lines that were not sent within a week are out of date.
    DigestLine.objects.filter(week__lt=today - _WEEK).delete()
    return outbox.for_each_row(
        _PREPARE_TASK, _unprepared(today).order_by("pk"), lambda circle_id: _prepare(circle_id, today)
    )


def write_digests(now: datetime.datetime) -> int:
    """From 07:00 on, add the mails of the next 500 users to the outbox; return the number of mails.

    Adds none while mails of an earlier batch wait: the outbox delivers rows in the order in which they fall due, so
    other mails would wait behind these. The lines are deleted in the same transaction. Safe to run twice or
    concurrently, and to be killed. If the mail of one user cannot be written, that user is postponed and the others get
    theirs.
    """
    local = timezone.localtime(now)
    if local.hour < _FIRST_HOUR:
        return 0
    ready = DigestLine.objects.exclude(user_id__in=outbox.waiting_row_ids(_WRITE_TASK))
    ids: list[int] = []
    try:
        with transaction.atomic():
            ids = list(
                ready.order_by("user_id").values_list("user_id", flat=True).distinct()[:_USERS_PER_BATCH]
            )
            if not (ids and _is_prepared(local)) or outbox.is_any_waiting(mails.WEEKLY_DIGEST):
                return 0
            return _write_mails(ids)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("writing weekly mails one by one, because the batch failed: %s", error)
    users = User.objects.filter(digest_lines__isnull=False).distinct().order_by("pk")
    return outbox.for_each_row(_WRITE_TASK, users, _write_mail, most=len(ids))


def _is_prepared(local: datetime.datetime) -> bool:
    """Return whether the lines of all circles are prepared. Circles that failed do not hold up the mails."""
    waiting = _unprepared(local.date()).exclude(pk__in=outbox.waiting_row_ids(_PREPARE_TASK))
    return local.weekday() != 0 or not waiting.exists()


def _write_mails(user_ids: list[int]) -> int:
    lines = DigestLine.objects.filter(user_id__in=user_ids)
    mail_lines: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    # A concurrent run waits here for these row locks, and then finds the lines deleted.
    wanted = list(_wanted(lines).order_by("pk").select_for_update(of=("self",)))
    for line in wanted:
        mail_lines[line.user_id].append(_mail_line(line))
    if wanted:
        mails.weekly_digest(mail_lines, wanted[0].week)
    lines.delete()
    return len(mail_lines)


def _write_mail(user_id: int) -> int:
    with transaction.atomic():
        return _write_mails([user_id])


def _unprepared(monday: datetime.date) -> QuerySet[Circle]:
    """Return the circles that ran before this Monday, still run, and have no lines for the week before."""
    not_yet = Q(digested_week__isnull=True) | Q(digested_week__lt=monday - _WEEK)
    return Circle.objects.filter(not_yet, starts_on__lt=monday, ends_on__gt=monday)


def _wanted(lines: QuerySet[DigestLine]) -> QuerySet[DigestLine]:
    """Exclude users who have left the circle or turned the digest off since the night."""
    still = Q(membership__left_at__isnull=True, user__is_active=True, user__wants_weekly_digest=True)
    return lines.filter(still).select_related("membership__circle")


def _prepare(circle_id: int, monday: datetime.date) -> bool:
    week = monday - _WEEK
    with transaction.atomic():
        if not _unprepared(monday).filter(pk=circle_id).update(digested_week=week):
            return False
        with connection.cursor() as cursor:
            day = connection.ops.adapt_datefield_value(week)
            cursor.execute(_PREPARE, {"circle": circle_id, "week": day, "last_rank": LAST_REPORTED_RANK})
    return True


def _mail_line(line: DigestLine) -> dict[str, str]:
    """Return the mail's texts about one circle. They contain nothing about other members."""
    circle = line.membership.circle
    return {
        "circle": circle.name,
        "slug": circle.slug,
        "place": messages.rank_in_week(line.place, line.place_before),
        "change": money.signed(line.change_kobo) if line.change_kobo else "",
    }
