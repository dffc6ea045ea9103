"""The database is gone, frozen or read-only: a page says so within seconds, nothing is half done, and work waits.

A frozen PostgreSQL itself is in tests/web/middleware/test_database_away.py. Here a request gets the error that its time
limit raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from django.db import DatabaseError, OperationalError, connection

from savings.models import OutboxRow, Payment, Payout, Statement
from tests.degraded.areas import AREAS, Site, work
from tests.factories import make_welcome
from tests.provider import Provider
from tests.web.middleware.test_database_away import failing, gone

pytestmark = pytest.mark.django_db(transaction=True)


def no_answer() -> Exception:
    """The exception of `web.middleware.database` after its limit."""
    return OperationalError("no answer from the database within 10 s")


@contextmanager
def read_only() -> Iterator[None]:
    """Let the database refuse writes on this connection, as a standby does."""
    is_sqlite = connection.vendor == "sqlite"
    setting = "PRAGMA query_only = {}" if is_sqlite else "SET default_transaction_read_only = {}"
    with connection.cursor() as cursor:
        cursor.execute(setting.format("on"))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(setting.format("off"))


FAULTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "gone": lambda: connection.execute_wrapper(failing(gone())),
    "frozen": lambda: connection.execute_wrapper(failing(no_answer())),
    "read-only": read_only,
}
# Pages that only read work on a read-only database.
READING = {"page", "staff"}


@pytest.fixture
def site(provider: Provider) -> Site:
    return Site()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_says_so_and_nothing_is_half_done(site: Site, provider: Provider, fault: str) -> None:
    statuses, calls = {}, len(provider.requests)
    for area, act in AREAS.items():
        with FAULTS[fault]():
            response = act(site)
        statuses[area] = response.status_code
        if response.status_code == 503:
            assert "Your money is where you left it." in response.text
            assert response["Retry-After"] == "10"
    works = READING if fault == "read-only" else set()
    assert statuses == {area: 200 if area in works else 503 for area in AREAS}
    assert not any(model.objects.exists() for model in (Payment, Payout, Statement))
    assert len(provider.requests) == calls


@pytest.mark.parametrize("fault", FAULTS)
def test_the_worker_stops_and_does_it_later(site: Site, caplog: pytest.LogCaptureFixture, fault: str) -> None:
    make_welcome()
    with FAULTS[fault](), caplog.at_level(logging.ERROR), suppress(DatabaseError):
        assert work() == 0
    # Not a line for each row.
    assert len(caplog.records) <= 1
    assert work() == OutboxRow.objects.count() > 1
