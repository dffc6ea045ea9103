"""Sessions outlive releases: nobody is signed out because code moved."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client

from savings.models import User
from web.auth.sessions import SessionStore


def test_a_session_that_the_previous_release_wrote_is_still_signed_in(client: Client, saver: User) -> None:
    session = SessionStore()
    session[SESSION_KEY] = str(saver.pk)
    session[BACKEND_SESSION_KEY] = "web.sessions.Backend"
    session[HASH_SESSION_KEY] = saver.get_session_auth_hash()
    session.create()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    assert client.get("/dashboard/").status_code == 200


def test_a_session_of_today_names_the_same_backend(saver_client: Client) -> None:
    assert saver_client.session[BACKEND_SESSION_KEY] == "web.sessions.Backend"
