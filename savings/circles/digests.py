"""The weekly digest: on Monday one mail to each person about those of their circles that moved; none where none did.

Something has moved for a member whose own sum changed in the week, in any circle; and for one of the first 200 whose
place is another now. Beyond those, places shift with every payment of a stranger, and a million such mails tell
nothing: whoever wants to know looks at the board. A limited circle has no more than 200 members by default, so that
there every move is told.

It is drawn up in the night, while the week's first sums are still in the members' rows, one statement for each circle.
In the morning the mails are written for some hundred people at a time, the next when those are sent: a million of them
hold up nothing else. A Monday that is missed altogether is left out.
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

from savings import leaderboards, mails, money, outbox
from savings.models import Circle, DigestLine, User

logger = logging.getLogger(__name__)

FOLLOWED = 200
_FIRST_HOUR = 7
_PEOPLE = 500
_WEEK = datetime.timedelta(days=7)
_DRAW_UP_TASK, _WRITE_TASK = "draw_up_digest", "write_digest"
# Sums as the week ended and as it began. Whoever has paid in since Monday's midnight has that day's sum in their row,
# and the one before is gone: they count as unchanged.
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
            THEN rank() OVER (PARTITION BY on_board AND saved > 0 ORDER BY saved DESC) END AS place,
        CASE WHEN on_board AND before > 0
            THEN rank() OVER (PARTITION BY on_board AND before > 0 ORDER BY before DESC) END AS place_before
    FROM sums
)
SELECT user_id, ranked.id, %(week)s, place, place_before, saved - before
FROM ranked JOIN savings_user ON savings_user.id = user_id
WHERE is_active AND wants_weekly_digest
    AND (saved <> before OR place <= %(followed)s AND place <> place_before)
"""


def prepare_digests(now: datetime.datetime) -> int:
    """On a Monday, note what has moved in each circle in the week before; return how many circles that were.

    Each circle is claimed in the transaction that notes its lines: safe to run twice, at once, and to be killed. A
    circle that fails is postponed, and the others are noted.
    """
    today = timezone.localdate(now)
    if today.weekday() != 0:
        return 0
    # What a week could not send is no news in the next.
    DigestLine.objects.filter(week__lt=today - _WEEK).delete()
    return outbox.for_each_row(
        _DRAW_UP_TASK, _waiting(today).order_by("pk"), lambda circle_id: _prepare(circle_id, today)
    )


def write_digests(now: datetime.datetime) -> int:
    """From seven in the morning on, put the mails of the next 500 people into the outbox; return how many those were.

    None while those before wait to be sent: the sweep takes what is due in its order, and others are behind them.
    Their lines go in the same transaction. Safe to run twice, at once, and to be killed. Where one of them cannot be
    written to, the others are, and that one is postponed.
    """
    local = timezone.localtime(now)
    if local.hour < _FIRST_HOUR:
        return 0
    ready = DigestLine.objects.exclude(user_id__in=outbox.waiting_row_ids(_WRITE_TASK))
    ids: list[int] = []
    try:
        with transaction.atomic():
            ids = list(ready.order_by("user_id").values_list("user_id", flat=True).distinct()[:_PEOPLE])
            if not (ids and _is_prepared(local)) or outbox.is_any_waiting(mails.WEEKLY_DIGEST):
                return 0
            return _write_to(ids)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("weekly mails are written one by one, since together it failed: %s", error)
    people = User.objects.filter(digest_lines__isnull=False).distinct().order_by("pk")
    return outbox.for_each_row(_WRITE_TASK, people, _write_to_one, most=len(ids))


def _is_prepared(local: datetime.datetime) -> bool:
    """Tell whether all circles were looked through, but those that fail: nobody waits for these."""
    waiting = _waiting(local.date()).exclude(pk__in=outbox.waiting_row_ids(_DRAW_UP_TASK))
    return local.weekday() != 0 or not waiting.exists()


def _write_to(user_ids: list[int]) -> int:
    lines = DigestLine.objects.filter(user_id__in=user_ids)
    said: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    # Of two at once the second waits here, and finds them gone.
    wanted = list(_wanted(lines).order_by("pk").select_for_update(of=("self",)))
    for line in wanted:
        said[line.user_id].append(_said(line))
    if wanted:
        mails.weekly_digest(said, wanted[0].week)
    lines.delete()
    return len(said)


def _write_to_one(user_id: int) -> int:
    with transaction.atomic():
        return _write_to([user_id])


def _waiting(monday: datetime.date) -> QuerySet[Circle]:
    """Return the circles that run, did so in the week before, and have not been looked through for it."""
    not_yet = Q(digested_week__isnull=True) | Q(digested_week__lt=monday - _WEEK)
    return Circle.objects.filter(not_yet, starts_on__lt=monday, ends_on__gt=monday)


def _wanted(lines: QuerySet[DigestLine]) -> QuerySet[DigestLine]:
    """Leave out who has left or does not want it since the night."""
    still = Q(membership__left_at__isnull=True, user__is_active=True, user__wants_weekly_digest=True)
    return lines.filter(still).select_related("membership__circle")


def _prepare(circle_id: int, monday: datetime.date) -> bool:
    week = monday - _WEEK
    with transaction.atomic():
        if not _waiting(monday).filter(pk=circle_id).update(digested_week=week):
            return False
        with connection.cursor() as cursor:
            day = connection.ops.adapt_datefield_value(week)
            cursor.execute(_PREPARE, {"circle": circle_id, "week": day, "followed": FOLLOWED})
    return True


def _said(line: DigestLine) -> dict[str, str]:
    """Return what the mail says of one circle. It tells of the reader alone."""
    circle = line.membership.circle
    return {
        "circle": circle.name,
        "slug": circle.slug,
        "place": _place_text(line.place, line.place_before),
        "change": money.signed(line.change_kobo) if line.change_kobo else "",
    }


def _place_text(place: int | None, before: int | None) -> str:
    if place is None:
        return "No place on the board"
    if before is None:
        return f"{leaderboards.ordinal(place)} place, new on the board"
    if place == before:
        return f"{leaderboards.ordinal(place)} place, as before"
    way = "up" if place < before else "down"
    return f"{leaderboards.ordinal(place)} place, {way} {abs(place - before):,}"
