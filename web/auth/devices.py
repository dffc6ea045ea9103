"""Known devices: browsers that a user has signed in from, recognised by a cookie and named by their User-Agent."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from savings import users
from savings.models import User
from web.messages import sign_in as messages

_COOKIE = f"{settings.COOKIE_PREFIX}device"
# The cookie's name before the prefix was introduced. Its value is signed and valid only for the user it was made for.
_FORMER_COOKIE = "device"
_SALT = "web.devices"
# The longest lifetime that browsers allow.
_AGE_SECONDS = 400 * 24 * 60 * 60

# The first match counts: most browsers also name those further down.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def note_sign_in(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Notify the user of a sign-in from a new device, and remember the device."""
    token = users.recognise_device(user, token_of(request), label=label_of(request), at=timezone.now())
    response.set_signed_cookie(
        _COOKIE,
        token,
        salt=_SALT,
        max_age=_AGE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def token_of(request: HttpRequest) -> str:
    """Return the device token of a browser that a user has signed in from; empty for an unknown one."""
    return _token(request, _COOKIE) or _token(request, _FORMER_COOKIE)


def _token(request: HttpRequest, name: str) -> str:
    # The signature includes the cookie's name, so each cookie is read under its own.
    return request.get_signed_cookie(name, default="", salt=_SALT, max_age=_AGE_SECONDS) or ""


def label_of(request: HttpRequest) -> str:
    """Return the label of the browser that sent a request."""
    return label(request.headers.get("User-Agent", ""))


def label(user_agent: str) -> str:
    """Return a label such as `Firefox on Android`, built from our own words: a User-Agent can contain anything."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    return messages.browser_on(browser, system) if system else browser or messages.UNKNOWN_BROWSER


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for pattern, name in names if re.search(pattern, user_agent)), "")
