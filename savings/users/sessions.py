"""The clean-up of expired sessions. Rows about money are never deleted."""

from __future__ import annotations

import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet

_BATCH_ROWS = 1_000
# A sign-in writes the two rows in separate commits, so a new row may briefly lack the other.
_SIGN_IN_TIME = datetime.timedelta(hours=1)


def clear_sessions(now: datetime.datetime) -> int:
    """Delete expired sessions and the rows about their browsers; return the number of sessions.

    In batches, so that a sign-in never waits for it. Devices stay: the mail about a new device depends on them.
    """
    cleared = _delete(Session.objects.filter(expire_date__lt=now))
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    _delete(UserSession.objects.filter(~Exists(session), created_at__lt=now - _SIGN_IN_TIME))
    return cleared


def _delete(rows: QuerySet[Session] | QuerySet[UserSession]) -> int:
    deleted = 0
    while ids := [row.pk for row in rows.only("pk")[:_BATCH_ROWS]]:
        # The condition is checked again: a session that was renewed meanwhile stays.
        deleted += rows.filter(pk__in=ids).delete()[0]
    return deleted
