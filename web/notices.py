"""Notices that wait for the next page: only for the person whom they were left for."""

from __future__ import annotations

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core import signing


class _OwnCookie(CookieStorage):
    """Signed for one person: a notice that nobody has read when a session ends is not shown to the next."""

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super(CookieStorage, self).__init__(request, *args, **kwargs)

    @property
    def signer(self) -> signing.Signer:
        # Asked for only where there is a notice to read or to leave, since it asks who is signed in.
        user = getattr(self.request, "user", None)
        return signing.get_cookie_signer(salt=f"{self.key_salt}.{getattr(user, 'pk', None)}")


class Storage(FallbackStorage):
    """Django's own, with cookies for one person each. What is in a session ends with it."""

    storage_classes = (_OwnCookie, SessionStorage)
