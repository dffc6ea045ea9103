"""`manage.py migrate` waits for another one, and applies each migration once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from savings.management.commands import migrate
from tests.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)

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


def test_what_only_reads_does_not_wait() -> None:
    with migrate._one_at_a_time(connection, lambda: None):
        call_command("migrate", "--check", stdout=StringIO())
        call_command("migrate", "--plan", stdout=(plan := StringIO()))
    assert "No planned migration operations." in plan.getvalue()
