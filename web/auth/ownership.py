"""Remembers which user a browser's forms were shown to, also after the session has ended.

A cookie stores the user's id, signed together with the secret of the CSRF cookie. That secret changes at each sign-in,
and every form carries it. So a form that passes the CSRF check was shown to the user in this cookie.
"""

from __future__ import annotations

import functools
import hmac

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from savings.models import User

_COOKIE = f"{settings.COOKIE_PREFIX}whose"


def note(request: HttpRequest, response: HttpResponseBase) -> None:
    """Store the signed-in user in the cookie, but only if the request has already loaded them."""
    user, secret = request.user, request.META.get("CSRF_COOKIE")
    # A lazy user is not loaded yet. Loading it here would cost public pages a query.
    if type(user) is not User or not secret:
        return
    value = _value(user.pk, secret)
    if request.COOKIES.get(_COOKIE) != value:
        response.set_cookie(
            _COOKIE,
            value,
            max_age=settings.SESSION_COOKIE_AGE,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )


def user_id(request: HttpRequest) -> int | None:
    """Return the id of the user this browser's forms were shown to; None if that is uncertain."""
    value, secret = request.COOKIES.get(_COOKIE, ""), request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    digits = value.partition(":")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and secret):
        return None
    is_ours = hmac.compare_digest(value.encode(), _value(int(digits), secret).encode())
    return int(digits) if is_ours else None


@functools.lru_cache(maxsize=2_000)
def _value(pk: int, secret: str) -> str:
    return f"{pk}:{salted_hmac('web.whose', f'{pk}:{secret}', algorithm='sha256').hexdigest()}"
