"""Clears what nobody needs any more: sessions that have expired. Money and what proves it is never deleted."""

from __future__ import annotations

import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet

_AT_A_TIME = 1_000
# A sign-in writes both rows, not in one commit.
_YOUNG = datetime.timedelta(hours=1)


def clear_sessions(now: datetime.datetime) -> int:
    """Delete the sessions that have expired, with what is kept about the browser of each; return how many there were.

    In batches, so that signing in never waits for it. Devices stay: without them the next sign-in from a new one would
    be no news to its owner.
    """
    cleared = _delete(Session.objects.filter(expire_date__lt=now))
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    _delete(UserSession.objects.filter(~Exists(session), created_at__lt=now - _YOUNG))
    return cleared


def _delete(rows: QuerySet[Session] | QuerySet[UserSession]) -> int:
    deleted = 0
    while ids := [row.pk for row in rows.only("pk")[:_AT_A_TIME]]:
        # By the condition again: one that was renewed meanwhile stays.
        deleted += rows.filter(pk__in=ids).delete()[0]
    return deleted
