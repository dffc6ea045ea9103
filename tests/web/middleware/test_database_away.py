"""While the database is stopped, frozen or refusing, pages answer 503 within seconds, and recover with it."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.core.cache import caches
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connection,
    connections,
)
from django.db.utils import DatabaseErrorWrapper
from django.test import Client
from pytest_django.fixtures import Settings

from savings.models import User
from web.middleware import database

Raise = Callable[..., Any]


def failing(error: Exception) -> Raise:
    """Return a wrapper under which each query fails with an exception of the database's module."""

    def fail(*args: Any, **kwargs: Any) -> None:
        with DatabaseErrorWrapper(connection):
            raise error

    return fail


def gone() -> Exception:
    """The exception of the database's module for a refused connection."""
    if connection.vendor == "sqlite":
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        return error
    import psycopg  # noqa: PLC0415 - only a machine with PostgreSQL has it

    return psycopg.OperationalError("connection failed: Connection refused")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/dashboard/", "/plans/", "/admin/", "/accounts/", "/transactions/", "/circles/"]
)
def test_a_page_says_that_the_database_is_away(saver_client: Client, path: str) -> None:
    saver_client.raise_request_exception = False
    with connection.execute_wrapper(failing(gone())):
        response = saver_client.get(path)
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "no-store" in response["Cache-Control"]
    assert "Your money is where you left it." in response.text
    assert "Clear-Site-Data" not in response


@pytest.mark.django_db
def test_a_session_that_only_the_database_has_is_not_ended_by_an_outage(saver_client: Client) -> None:
    saver_client.raise_request_exception = False
    caches["default"].clear()
    with connection.execute_wrapper(failing(gone())):
        assert saver_client.get("/dashboard/").status_code == 503
    assert saver_client.get("/dashboard/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/payments/webhook/paystack/", "/plans/start/"])
def test_a_form_and_an_event_are_refused_for_now(saver_client: Client, path: str) -> None:
    saver_client.raise_request_exception = False
    with connection.execute_wrapper(failing(gone())):
        response = saver_client.post(path, {"login": "ada@example.com", "password": "x"})
    assert response.status_code in {401, 503}  # 401: an unsigned event is refused before any query


def test_errors_that_pass_are_told_from_those_that_stay() -> None:
    def raised(error: type[Exception], cause: Exception | None) -> Exception:
        try:
            raise error("x") from cause
        except error as found:
            return found

    def sqlite(code: int) -> Exception:
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        return error

    def postgresql(sqlstate: str) -> Exception:
        error = Exception("x")
        error.sqlstate = sqlstate  # type: ignore[attr-defined]
        return error

    busy = sqlite3.SQLITE_BUSY_SNAPSHOT  # an extended code of SQLITE_BUSY
    assert database.is_away(raised(OperationalError, sqlite(busy)))
    assert database.is_away(raised(InterfaceError, None))
    assert database.is_away(raised(RuntimeError, raised(OperationalError, sqlite(sqlite3.SQLITE_FULL))))
    assert not database.is_away(raised(OperationalError, sqlite(sqlite3.SQLITE_ERROR)))  # no such table
    assert database.is_away(raised(InternalError, postgresql("25006")))  # a read-only standby
    assert not database.is_away(raised(InternalError, postgresql("XX000")))
    assert not database.is_away(raised(ProgrammingError, None))
    assert not database.is_away(None)


class Proxy:
    """A proxy between the site and PostgreSQL that can stop forwarding."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self.is_frozen = False
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._sockets[0].getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        self.is_frozen = False
        # shutdown() wakes a thread that waits in accept() or recv(); close() alone does not.
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in self._sockets:
            end.close()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._sockets[0].accept()
                server = socket.create_connection(self._there)
                self._sockets += [client, server]
                self._start(self._copy, client, server)
                self._start(self._copy, server, client)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while self.is_frozen:
                    time.sleep(0.02)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Route the connections of other threads through a proxy."""
    own = connection.settings_dict
    proxy = Proxy(own["HOST"], int(own["PORT"]))
    behind = own | {
        "HOST": "127.0.0.1",
        "PORT": str(proxy.port),
        "OPTIONS": own["OPTIONS"] | {"connect_timeout": 2},
    }
    monkeypatch.setitem(connections.settings, "default", behind)
    yield proxy
    proxy.close()


def in_a_thread(client: Client, path: str, times: int = 1) -> list[tuple[int, float]]:
    """Return the status and seconds of successive requests on their own connection."""
    found: list[tuple[int, float]] = []

    def ask() -> None:
        try:
            for _ in range(times):
                begun = time.monotonic()
                found.append((client.get(path).status_code, time.monotonic() - begun))
                close_old_connections()  # as a server does after each request
        finally:
            connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return found


@pytest.mark.postgres
def test_a_frozen_database_holds_no_worker(saver: User, proxy: Proxy, settings: Settings) -> None:
    settings.DATABASE_TIMEOUT_SECONDS = 1
    browser = Client(raise_request_exception=False)
    browser.force_login(saver)
    assert [status for status, _ in in_a_thread(browser, "/dashboard/")] == [200]
    proxy.is_frozen = True
    answers = in_a_thread(browser, "/dashboard/", times=3)
    assert [status for status, _ in answers] == [503] * 3
    # Connecting may take two seconds and the cancellation one, far below the timeout of any proxy.
    assert all(seconds < 15 for _, seconds in answers)
    proxy.is_frozen = False
    assert [status for status, _ in in_a_thread(browser, "/dashboard/")] == [200]


@pytest.mark.postgres
def test_a_connection_that_froze_is_not_used_again(saver: User, proxy: Proxy, settings: Settings) -> None:
    """A late answer must not be taken for the answer to the next query."""
    settings.DATABASE_TIMEOUT_SECONDS = 1
    browser = Client(raise_request_exception=False)
    browser.force_login(saver)
    statuses: list[int] = []

    def ask() -> None:
        try:
            statuses.append(browser.get("/dashboard/").status_code)
            proxy.is_frozen = True
            statuses.append(browser.get("/dashboard/").status_code)
            proxy.is_frozen = False
            close_old_connections()  # as a server does after each request
            statuses.append(browser.get("/dashboard/").status_code)
        finally:
            connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(60)
    assert statuses == [200, 503, 200]


@pytest.mark.postgres
@pytest.mark.django_db
def test_background_work_waits_as_long_as_it_takes(settings: Settings) -> None:
    settings.DATABASE_TIMEOUT_SECONDS = 0.01
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")
        assert cursor.fetchone() is not None


@pytest.mark.postgres
def test_no_cursor_lives_on_the_server_between_two_statements() -> None:
    """A pooler in transaction mode would use another server connection."""
    assert connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_statement_is_never_compiled() -> None:
    """With statistics of empty tables, compiling took minutes of the demo's build."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
