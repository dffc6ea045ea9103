"""Whose pages a browser shows: the person who signed in last, whether or not their session has ended since.

A cookie names them together with the secret of the CSRF cookie. That secret changes at each sign-in, and every form
carries it: so a form that passes the CSRF check was shown to the person whom this cookie names, and to nobody else.
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
    """Have the browser remember who is signed in. Asks the database for nobody who has not been asked for."""
    user, secret = request.user, request.META.get("CSRF_COOKIE")
    # A lazy one has not been looked at. To look now would cost public pages a query.
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
    """Return the id of the person whom this browser's forms were shown to; None where that is not certain."""
    value, secret = request.COOKIES.get(_COOKIE, ""), request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    digits = value.partition(":")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and secret):
        return None
    is_ours = hmac.compare_digest(value.encode(), _value(int(digits), secret).encode())
    return int(digits) if is_ours else None


@functools.lru_cache(maxsize=2_000)
def _value(pk: int, secret: str) -> str:
    return f"{pk}:{salted_hmac('web.whose', f'{pk}:{secret}', algorithm='sha256').hexdigest()}"
