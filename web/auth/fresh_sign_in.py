"""Asks for a fresh sign-in, and for the second step of users who have one, before money can leave."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY as _USER_SESSION_KEY,
)
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
)
from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from savings.models import User
from web.auth import second_step
from web.http import SaverRequest, redirect
from web.messages import sign_in as messages
from web.notices import notify

View = Callable[..., HttpResponse]


def fresh_sign_in_required(view: View) -> View:
    """Show a page only to a user who proved a short time ago who they are; others prove it first and come back.

    A password is enough for a user without a second step. A user with one needs an authenticator app, a passkey or a
    recovery code: a session together with a stolen password must not be enough. A form that comes too late is not sent
    on afterwards, because what it asked for may have changed; a notice says so.
    """

    @functools.wraps(view)
    def asked(request: SaverRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return ask_for_proof(request, going_to=_going_to(request)) or view(request, *args, **kwargs)

    return asked


def ask_for_proof(request: SaverRequest, *, going_to: str) -> HttpResponse | None:
    """Return the way to prove who the user is and then to go to a URL; None for one who proved it a short time ago.

    For a view that needs it only for some of its forms, such as a large amount.
    """
    way = _missing_proof(request)
    if not way:
        return None
    if request.method == "POST":
        notify(request, messages.NOTHING_MOVED, messages.CONFIRM_THEN_SEND)
    return redirect(request, f"{way}?{urlencode({'next': going_to})}")


def session_of_password(user: User) -> dict[str, Any]:
    """Return what a session holds after a user has typed their password, for measurements of pages."""
    record = {"method": "password", "at": time.time()}
    return {AUTHENTICATION_METHODS_SESSION_KEY: [record], _USER_SESSION_KEY: str(user.pk)}


def _missing_proof(request: SaverRequest) -> str:
    """Return the page that asks for the proof that this session lacks; empty if it lacks none."""
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    steps = second_step.steps_of(request.user)
    if steps:
        is_fresh = second_step.has_completed(request, steps, since=since)
        return "" if is_fresh else second_step.url_of_step(request.user)
    records = get_authentication_records(request, request.user)
    if any(record["method"] == "password" and record["at"] >= since for record in records):
        return ""
    has_password = request.user.has_usable_password()
    return reverse("account_reauthenticate" if has_password else "account_set_password")


def _going_to(request: SaverRequest) -> str:
    """Return the page to come back to: this one, which answers a GET of a form that was sent, too."""
    return request.get_full_path() if request.method == "GET" else request.path
