"""Notices: short messages to one user, shown beside a fragment or on the next page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def notify(request: HttpRequest, text: str, note: str = "", *, is_bad: bool = False, about: str = "") -> None:
    """Add a notice, with an optional smaller second line. It replaces an older one on the page `about` the same.

    `web.http.render_part` sends it beside the fragment, every whole page shows it, and after a redirect it is stored
    until the next page. A view need not know which of these it answers with.
    """
    level = messages.ERROR if is_bad else messages.SUCCESS
    messages.add_message(request, level, _with_note(text, note), extra_tags=about)


def beside_fragment(request: HttpRequest) -> str:
    """Return the waiting notices as HTML that htmx adds to the page; they count as shown."""
    return render_to_string("_toasts.html", {"is_beside": True}, request)


def notice_alone(text: str, note: str, *, status: int) -> HttpResponse:
    """Answer htmx with only a notice and leave the page unchanged. Needs neither session nor user."""
    waiting = [Message(messages.ERROR, _with_note(text, note))]
    return _unchanged(render_to_string("_toasts.html", {"is_beside": True, "messages": waiting}), status)


def waiting_notices_alone(request: HttpRequest, *, status: int) -> HttpResponse:
    """Answer htmx with only the waiting notices and leave the page unchanged."""
    return _unchanged(beside_fragment(request), status)


def _with_note(text: str, note: str) -> str:
    # The tag `toast` of web/templatetags/shell.py shows the first line large.
    return f"{text}\n{note}" if note else text


def _unchanged(html: str, status: int) -> HttpResponse:
    return HttpResponse(html, status=status, headers={"HX-Reswap": "none"})


class _OwnCookie(CookieStorage):
    """Signed for one user, so a notice left over from an ended session is not shown to the next user."""

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super(CookieStorage, self).__init__(request, *args, **kwargs)

    @property
    def signer(self) -> signing.Signer:
        # A property, because it loads the user: only requests that read or add a notice pay for that.
        user = getattr(self.request, "user", None)
        return signing.get_cookie_signer(salt=f"{self.key_salt}.{getattr(user, 'pk', None)}")


class Storage(FallbackStorage):
    """Stores notices until the next page: Django's fallback storage with per-user cookies.

    Notices in a session end with it.
    """

    storage_classes = (_OwnCookie, SessionStorage)
