"""The cookie of a browser that shows no sums, because other people can see the screen too."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE, HIDDEN = "balances", "hidden"
_SECONDS = 365 * 24 * 60 * 60


def are_hidden(request: HttpRequest) -> bool:
    """Return whether this browser hides sums."""
    return request.COOKIES.get(COOKIE) == HIDDEN


def remember(response: HttpResponse, *, hidden: bool) -> None:
    """Tell this browser to hide sums, for a year, or to show them."""
    if not hidden:
        response.delete_cookie(COOKIE)
        return
    response.set_cookie(
        COOKIE,
        HIDDEN,
        max_age=_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
