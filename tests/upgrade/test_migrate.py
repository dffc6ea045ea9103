"""`manage.py migrate` waits for another one, and applies each migration once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from savings.management.commands import migrate
from savings.models import User
from tests.processes import database_url
from web.observability import request_costs

pytestmark = pytest.mark.django_db(transaction=True)

IN_USE = "A table is in use. The migration begins again.\n"
WAITING = "Another migrate is running. Waiting for its end.\n"


@pytest.fixture
def _no_probe() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS upgrade_probe")
    MigrationRecorder.Migration.objects.filter(app="probe").delete()


@pytest.mark.usefixtures("_no_probe")
def test_two_at_once_apply_a_migration_once() -> None:
    with migrate._one_at_a_time(connection, lambda: None):
        both = [start(), start()]
        for process in both:
            assert process.stdout
            assert process.stdout.readline() == WAITING
    said = [process.communicate(timeout=100)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("Applying probe.0001_table... OK" in text for text in said) == [False, True]
    assert sum("No migrations to apply." in text for text in said) == 1


def test_queries_are_counted_on_a_connection_that_it_opens() -> None:
    connection.close()
    connection.execute_wrappers.clear()
    call_command("migrate", stdout=StringIO())
    assert request_costs._count_query in connection.execute_wrappers


@pytest.mark.postgres
@pytest.mark.usefixtures("_no_probe")
def test_it_gives_way_to_those_who_use_a_table() -> None:
    with closing(connection.copy()) as other, other.cursor() as page:
        page.execute("BEGIN")
        page.execute("SELECT count(*) FROM savings_user")
        process = start()
        assert process.stdout
        said = process.stdout.readline()
        while IN_USE not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        # While it is waiting, others still read the table.
        for _ in range(8):
            began = time.monotonic()
            User.objects.count()
            assert time.monotonic() - began < 2
            time.sleep(0.1)
        page.execute("COMMIT")
    said += process.communicate(timeout=100)[0]
    assert process.returncode == 0, said
    assert "Applying probe.0002_locked_table... OK" in said


def start() -> subprocess.Popen[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.upgrade.settings",
        "DATABASE_URL": database_url(),
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate"],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_migration_locks_what_it_changes_and_refers_to() -> None:
    migrations = MigrationLoader(None).disk_migrations
    changed = {"savings_plan", "savings_user"}
    assert changed <= migrate._tables_of(migrations["savings", "0052_goals_reached"])
    referred = {"savings_payout", "savings_transaction", "savings_user"}
    assert referred <= migrate._tables_of(migrations["savings", "0051_payouts"])


def test_what_only_reads_does_not_wait() -> None:
    with migrate._one_at_a_time(connection, lambda: None):
        call_command("migrate", "--check", stdout=StringIO())
        call_command("migrate", "--plan", stdout=(plan := StringIO()))
    assert "No planned migration operations." in plan.getvalue()
