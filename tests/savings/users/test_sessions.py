"""The clean-up of expired sessions."""

from __future__ import annotations

import datetime

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from savings import tasks, users
from savings.models import Device
from savings.users import sessions
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def make_session(key: str, *, days: int, seen: bool = True) -> None:
    now = timezone.now()
    Session.objects.create(session_key=key, session_data="", expire_date=now + datetime.timedelta(days=days))
    if seen:
        row = UserSession.objects.create(user=make_user(), ip="127.0.0.1", user_agent="", session_key=key)
        UserSession.objects.filter(pk=row.pk).update(created_at=now - datetime.timedelta(days=20))


def test_expired_sessions_are_cleared_each_night_and_valid_ones_stay() -> None:
    make_session("old", days=-1)
    make_session("new", days=1)
    tasks.clear_sessions.call_local()
    assert [row.session_key for row in Session.objects.all()] == ["new"]
    assert [row.session_key for row in UserSession.objects.all()] == ["new"]


def test_sessions_are_cleared_in_batches_until_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_BATCH_ROWS", 2)
    for number in range(5):
        make_session(f"old{number}", days=-1, seen=False)
    assert users.clear_sessions(timezone.now()) == 5


def test_a_sign_in_in_progress_and_known_devices_stay() -> None:
    user = make_user()
    UserSession.objects.create(user=user, ip="127.0.0.1", user_agent="", session_key="coming")
    Device.objects.create(
        user=user, token_hash="x", label="Old", last_seen_at=timezone.now() - datetime.timedelta(days=900)
    )
    users.clear_sessions(timezone.now())
    assert UserSession.objects.exists()
    assert Device.objects.exists()
