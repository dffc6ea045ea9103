"""A check of each proof: the cached pages of the savers who signed in last equal the same pages rendered afresh."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator

from allauth.usersessions.models import UserSession
from django.http import HttpResponse
from django.urls import resolve, reverse

from savings import backoffice, installation
from savings.models import Installation, User
from web.auth.sessions import shown_as
from web.caching import form_tokens
from web.messages import backoffice_front as messages
from web.staff_site import request_of_saver

_ROUTES = ("dashboard:home", "plans:index", "stash:home", "transactions:index")
_SAVERS, _SESSIONS = 10, 50


@functools.partial(backoffice.add_check, "cached_pages", messages.PAGES_RULE)
def differing_pages() -> Iterator[str]:
    """Yield each page whose cached HTML differs from a fresh one, by its path and its user."""
    ids = UserSession.objects.order_by("-pk").values_list("user_id", flat=True)[:_SESSIONS]
    for user_id in list(dict.fromkeys(ids))[:_SAVERS]:
        with installation.forgetting_epoch():
            for route in _ROUTES:
                if _differs(user_id, route):
                    yield messages.page_differs(reverse(route), user_id)


def _differs(user_id: int, route: str) -> bool:
    """Compare a page in the cache, or as it would be cached now, with a fresh one of the same version."""
    user, row = User.objects.get(pk=user_id), Installation.objects.the_row()
    installation.note_epoch(row.epoch)
    user.shown_as = shown_as(user, row.epoch, row.version)
    path = reverse(route)
    view = resolve(path).func
    cached = _body(view(request_of_saver(user, path, is_cached=True)))
    fresh = _body(inspect.unwrap(view)(request_of_saver(user, path)))
    # What the saver did meanwhile makes another page.
    is_same = User.objects.filter(pk=user_id, version=user.version).exists()
    return cached != fresh and is_same


def _body(response: HttpResponse) -> bytes:
    return form_tokens.without_tokens(response.content)
