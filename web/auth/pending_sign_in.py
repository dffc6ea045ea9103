"""A change of credentials cancels codes and unfinished sign-ins that began before it, in any browser."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.flows.login import clear_authentication_records
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import url_str_to_user_pk
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from savings.models import User
from web.messages import sign_in as messages
from web.notices import notify

# Session keys of mailed codes in allauth. A sign-in that waits for its next stage has a different format.
_CODES = (PASSWORD_RESET_VERIFICATION_SESSION_KEY, EMAIL_VERIFICATION_CODE_SESSION_KEY)


class PendingSignInMiddleware:
    """Drops sign-ins and codes that began before the user's password, second steps or email address changed.

    allauth stores them in the browser's own session, which cannot be found from outside. An intruder who has entered a
    password or requested a code could otherwise finish after the owner has shut them out.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.user.is_authenticated:
            return None
        begun = list(_begun(request.session))
        if begun and _is_overtaken(begun):
            for name in (LOGIN_SESSION_KEY, *_CODES):
                request.session.pop(name, None)
            clear_authentication_records(request)
            notify(request, messages.START_AGAIN, messages.SIGN_IN_CHANGED, is_bad=True)
        return None


def _begun(session: SessionBase) -> Iterator[tuple[int, float]]:
    """Yield the user id and start time of each pending flow in a session; 0 for an email address without a user."""
    for name in _CODES:
        if state := session.get(name):
            yield int(state.get("user_id") or 0), state["at"]
    login = session.get(LOGIN_SESSION_KEY)
    if login and login.get("user_pk"):
        yield url_str_to_user_pk(login["user_pk"]), login["initiated_at"]


def _is_overtaken(begun: list[tuple[int, float]]) -> bool:
    """Return whether a user's credentials have changed since. Always one query, even for an unknown email address."""
    changed_since = Q()
    for user_id, at in begun:
        began_at = datetime.datetime.fromtimestamp(at, datetime.UTC)
        changed_since |= Q(pk=user_id, credentials_changed_at__gt=began_at)
    return User.objects.filter(changed_since).exists()
