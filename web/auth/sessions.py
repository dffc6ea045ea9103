"""Sessions: the content comes from Redis, but the database decides whether a session is still valid.

The check is part of the query that loads the user, so it costs no extra query. Without it a session that was ended
while Redis was down would be valid again when Redis is back.
"""

from __future__ import annotations

import datetime
from contextvars import ContextVar
from typing import Any, cast

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser, Permission
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, QuerySet, Subquery
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from savings import installation
from savings.models import Installation, User
from savings.prepared_queries import prepared
from web.auth.email_addresses import owner_of

_COLUMNS = [field.attname for field in User._meta.concrete_fields]

_session_key: ContextVar[str | None] = ContextVar("session_key", default=None)


class SessionStore(cached_db.SessionStore):
    """Django's session store, but a cached session must be complete and have the right key."""

    def _validate_session_key(self, key: str | None) -> bool:
        # Our keys are letters and digits. Other characters in a cookie could be text that the database refuses.
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()

    def load(self) -> dict[str, Any]:
        kept = cache.get(self.cache_key)
        if isinstance(kept, dict) and kept.get("key") == self.session_key and isinstance(kept["data"], dict):
            return kept["data"]
        row = self._get_session_from_db()  # type: ignore[attr-defined] # the stubs lack it
        if row is None:
            return {}
        data = self.decode(row.session_data)
        self._keep(data, self.get_expiry_age(expiry=row.expire_date))
        return data

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001 - Django's
        super(cached_db.SessionStore, self).save(must_create)
        self._keep(dict(self.items()), self.get_expiry_age())

    def _keep(self, data: dict[str, Any], seconds: int) -> None:
        # django-redis returns whether it stored the value, which the stubs do not know.
        is_stored: object = cache.set(self.cache_key, {"key": self.session_key, "data": data}, seconds)  # type: ignore[func-returns-value]
        if not is_stored:
            # A full Redis refuses the new content, and would return the old one for as long as it is full.
            cache.delete(self.cache_key)


class UserMiddleware(AuthenticationMiddleware):
    """Loads the signed-in user. A request with an ended session is anonymous, and the session is flushed."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with installation.forgetting_epoch():
            return cast("HttpResponseBase", super().__call__(request))

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty():
            # The next user of a shared computer must not find pages with Back, from the browser's memory or disk, nor
            # the URLs of pages that htmx stores.
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response


class Backend(AuthenticationBackend):
    """allauth's backend, which checks the session in the query that loads the user."""

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        # allauth makes one more query for an unknown email address.
        return self._check_password(owner_of(email.lower()), password)  # type: ignore[return-value]

    def get_user(self, user_id: int) -> User | None:
        key = _session_key.get()
        if key is None:
            return super().get_user(user_id)
        found = _person(user_id, key, timezone.now())
        if not found:
            return None
        *columns, epoch, everybodys_version = found[0]
        user = User.from_db(connection.alias, _COLUMNS, columns)
        if not epoch:
            # The first request on a database without this row.
            row = Installation.objects.the_row()
            epoch, everybodys_version = row.epoch, row.version
        installation.note_epoch(epoch)
        user.shown_as = shown_as(user, epoch, everybodys_version)
        return user if self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return a user's own permissions and those of their groups in one query, where Django takes two."""
        if obj is not None or not user_obj.is_active or user_obj.is_anonymous or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            # Two halves, because each reads the index of its own table.
            names = ("content_type__app_label", "codename")
            own = Permission.objects.filter(user=user_obj).order_by().values_list(*names)
            of_groups = Permission.objects.filter(group__user=user_obj).order_by().values_list(*names)
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in own.union(of_groups).order_by()}
        return cast("set[str]", user_obj._perm_cache)


def shown_as(user: User, epoch: str, everybodys_version: int) -> str:
    """Return the cache key of a user's pages, which changes as soon as anything they are shown changes.

    It includes when they joined: a user made in another database may have the id of a former user.
    """
    joined = user.date_joined.timestamp()
    return f"{epoch}:{everybodys_version}:{user.pk}:{joined}:{user.version}"


@prepared
def _person(user_id: int, session_key: str, now: datetime.datetime) -> QuerySet[User, Any]:
    """The user of a valid session, with the database's epoch and the version of the data shown to everyone.

    Both are read here because each page runs this query, so a process notices a new epoch with its next page.
    """
    session = Session.objects.filter(session_key=session_key, expire_date__gt=now)
    row = Installation.objects.filter(pk=1)
    found = User.objects.filter(Exists(session), pk=user_id)
    return found.values_list(*_COLUMNS, Subquery(row.values("epoch")), Subquery(row.values("version")))


def _user(request: HttpRequest) -> User | AnonymousUser:
    token = _session_key.set(request.session.session_key)
    try:
        user = get_user(request)
    finally:
        _session_key.reset(token)
    if not user.is_authenticated and SESSION_KEY in request.session:
        request.session.flush()
    return user
