"""While the database is down, a request waits for seconds instead of minutes and is answered with 503."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# The Retry-After of a 503.
RETRY_AFTER_SECONDS = 10

# PostgreSQL's codes (its manual, appendix A) for temporary errors: connection, resources, operator intervention, a
# lock that is not available, a serialization failure and a deadlock.
_PASSING = ("08", "53", "57", "55P03", "40001", "40P01")
# A read-only server, such as one that was just demoted, and a transaction ended because it was idle.
_PASSING_INTERNAL = {"25006", "25P03"}
_PASSING_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
}
_CANCEL_SECONDS = 1

# The longest wait for one answer of the database, in seconds; None outside of requests.
_limit_seconds: ContextVar[float | None] = ContextVar("database_limit_seconds", default=None)


class TimeoutMiddleware:
    """Limits the wait for each answer of the database, so that a frozen database does not occupy all workers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with waiting_at_most(settings.DATABASE_TIMEOUT_SECONDS):
            return self.get_response(request)


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Limit the wait for each answer of PostgreSQL within the block."""
    token = _limit_seconds.set(seconds)
    try:
        yield
    finally:
        _limit_seconds.reset(token)


def is_away(error: BaseException | None) -> bool:
    """Return whether an exception, or its cause, means that the database cannot serve right now."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, InterfaceError):
            return True
        if isinstance(error, OperationalError):
            return _is_passing(error.__cause__)
        if isinstance(error, InternalError):
            return getattr(error.__cause__, "sqlstate", None) in _PASSING_INTERNAL
        error = error.__cause__ or error.__context__
    return False


def _is_passing(error: BaseException | None) -> bool:
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code; the rest is detail.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING_SQLITE
    # A failed or broken connection has no code.
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(_PASSING)


@receiver(connection_created)
def _limit_waiting(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Apply the limit to each statement, BEGIN and COMMIT on a connection to PostgreSQL.

    The client enforces the limit: PostgreSQL's own `statement_timeout` does not fire in a frozen server, and behind a
    pooler in transaction mode it does not belong to one client.
    """
    if connection.vendor == "postgresql":
        raw: Any = connection.connection
        raw.wait = _Wait(raw, raw.wait)


@receiver(connection_created)
def _turn_off_jit(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Turn PostgreSQL's just-in-time compilation off: it costs about a second for each statement it thinks expensive.

    Where the statistics of a table are old, that is any statement. Not an option of the connection, because a pooler
    refuses it.
    """
    if connection.vendor == "postgresql":
        raw: Any = connection.connection
        raw.execute("SET jit = off")


class _Wait:
    """psycopg's `Connection.wait`, with the limit as its timeout."""

    def __init__(self, connection: Any, wait: Callable[..., Any]) -> None:
        self._connection = connection
        self._wait = wait

    def __call__(self, gen: Any, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        limit = _limit_seconds.get()
        if limit is None or timeout is not None:
            return self._wait(gen, *args, timeout=timeout, **kwargs)
        from psycopg import errors  # noqa: PLC0415 - only a site on PostgreSQL has it

        try:
            return self._wait(gen, *args, timeout=limit, **kwargs)
        except errors._WaitTimeout:
            self._give_up()
            raise errors.OperationalError(f"no answer from the database within {limit:g} s") from None

    def _give_up(self) -> None:
        # The answer may still arrive, so the connection cannot be used again.
        with suppress(Exception):
            self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
        with suppress(Exception):
            self._connection.close()
