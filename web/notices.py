"""Stores notices until the next page, and shows them only to the user they were meant for."""

from __future__ import annotations

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core import signing


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
    """Django's fallback storage with per-user cookies. Notices in a session end with it."""

    storage_classes = (_OwnCookie, SessionStorage)
