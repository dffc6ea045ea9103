"""Fixtures that all tests share, and hooks for the whole run."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client, TransactionTestCase
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from savings import installation
from savings.leaderboards import redis_client, store
from savings.models import Payment, Plan, User
from savings.payments import paystack
from tests import factories, payments, smtp_sink
from tests.clean_up import empty_tables
from tests.provider import Provider, to_the_site
from tests.smtp_sink import Sink
from web.middleware import rate_limits
from web.settings import redis_database
from web.simulator import events

# A busy machine makes examples slow, which says nothing about the code.
_patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("default", _patient)
hypothesis.settings.register_profile("ci", _patient, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# What a clone may lack, by a part of the reason for the skip: the provider's API description, which may not be shipped
# with the project, and the previous release, which a shallow clone does not have.
ALLOWED_SKIPS = ("shared/reference", "git fetch --unshallow")


@pytest.fixture
def saver(db: None) -> User:
    """A saver."""
    return factories.make_user()


@pytest.fixture
def saver_client(client: Client, saver: User) -> Client:
    """A browser in which the saver is signed in."""
    client.force_login(saver)
    return client


@pytest.fixture(scope="session")
def migrated_file(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Path:
    """A SQLite file as migrations leave it, to copy for a program: to migrate one takes twenty seconds."""
    path = tmp_path_factory.mktemp("migrated") / "site.sqlite3"
    if connection.vendor != "sqlite":
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{path}"}
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
        return path
    with django_db_blocker.unblock(), closing(sqlite3.connect(path)) as file:
        connection.ensure_connection()
        connection.connection.backup(file)
    return path


@pytest.fixture
def epoch_known(db: None) -> Iterator[None]:
    """The epoch of the database is noted, as in a request, which reads it together with the user."""
    with installation.forgetting_epoch():
        installation.note_epoch(installation.epoch())
        yield


@pytest.fixture
def plan(db: None) -> Plan:
    """An empty plan."""
    return factories.make_plan()


@pytest.fixture
def payment(provider: Provider, plan: Plan) -> Payment:
    """A card payment of 25,000 naira into the plan, started and not yet paid."""
    return payments.start(plan)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that stores the mails it receives."""
    with smtp_sink.running() as sink:
        yield sink


@pytest.fixture
def provider(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The payment provider: the simulator in this process, which sends its events to the site in this process."""
    settings.SIMULATOR_FILE = tmp_path / "simulator.sqlite3"
    provider = Provider()
    monkeypatch.setattr(paystack, "transport", provider)
    monkeypatch.setattr(events, "transport", httpx.MockTransport(to_the_site))
    return provider


@pytest.fixture(scope="session")
def redis_clients() -> Iterator[list[redis.Redis]]:
    """A client for each Redis database that the site uses."""
    clients = [redis.Redis.from_url(redis_database(number)) for number in range(3)]
    yield clients
    for client in clients:
        client.close()


@pytest.fixture(autouse=True)
def _empty_redis(redis_clients: list[redis.Redis]) -> None:
    for client in redis_clients:
        client.flushdb()
    redis_client.breaker.close()
    store.gate = store.Gate()
    rate_limits.blocked.clear()


@pytest.fixture(autouse=True)
def _currency_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has written money before, so that the first test of a run needs no extra query."""
    monkeypatch.setattr(installation, "_confirmed", {"currency": "NGN", "time_zone": "Africa/Lagos"})


@pytest.fixture(autouse=True, scope="session")
def _quick_clean_up() -> Iterator[None]:
    """Empty the tables that a transactional test has filled, instead of all as Django's `flush` does.

    It takes a tenth of the time, and keeps what migrations created: content types, permissions and roles.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only", action="store_true", help="run only the tests that use the site's database"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that need PostgreSQL on another database. The second pass of `.ci/run` runs them.

    With `--database-only`, deselect also those that no database can change, which the first pass has run: those that
    use none, and those marked with `any_database`.

    pytest-django lets the tests that commit come last, since they delete what migrations wrote. The longest of them
    come first among those, so that no worker is busy with one alone at the end.
    """
    committing = next((place for place, item in enumerate(items) if _commits(item)), len(items))
    rest = items[committing:]
    items[committing:] = sorted(rest, key=lambda item: item.path.name != "test_soak.py")
    deselected = []
    if connection.vendor != "postgresql":
        deselected += [item for item in items if item.get_closest_marker("postgres")]
    if config.getoption("--database-only"):
        deselected += [item for item in items if not _uses_database(item)]
    if deselected:
        left_out = set(deselected)
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=deselected)


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"})


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or "transactional_db" in getattr(
        item, "fixturenames", ()
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


def _refuse_skip[Report: (pytest.TestReport, pytest.CollectReport)](report: Report) -> Report:
    """Fail skipped tests in CI: a test that did not run must not look like a success."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if not any(allowed in reason for allowed in ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"Skipped, which counts as a failure in CI: {reason}"
    return report
