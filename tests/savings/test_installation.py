"""The currency and the time zone of an installation: recorded with the first money, and fixed from then on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from savings import installation
from savings.models import Installation, Plan, Transaction
from tests.factories import make_plan, make_user, pay_in
from tests.processes import PATIENCE_SECONDS
from web.checks import same_currency_and_time_zone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _is_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_confirmed", None)


def recorded() -> tuple[str, str]:
    return Installation.objects.values_list("currency", "time_zone").get()


def test_the_first_money_records_the_currency_and_the_time_zone() -> None:
    user = make_user()
    assert recorded() == ("", "")
    pay_in(user, 100)
    assert recorded() == ("NGN", "Africa/Lagos")


def test_the_first_plan_records_both_too() -> None:
    make_plan()
    assert recorded() == ("NGN", "Africa/Lagos")


def test_both_can_change_while_there_is_no_money(settings: Settings) -> None:
    assert same_currency_and_time_zone() == []
    settings.CURRENCY, settings.TIME_ZONE = "GHS", "Africa/Accra"
    make_plan()
    assert recorded() == ("GHS", "Africa/Accra")


@pytest.mark.parametrize(("name", "value"), [("CURRENCY", "GHS"), ("TIME_ZONE", "Africa/Accra")])
def test_other_settings_stop_the_start_and_refuse_money(settings: Settings, name: str, value: str) -> None:
    plan = make_plan()
    setattr(settings, name, value)
    (error,) = same_currency_and_time_zone()
    assert error.id == "web.E002"
    assert error.is_serious()
    assert f"Set {name}=" in error.msg
    for write in (lambda: pay_in(plan.user, 100), make_plan):
        with pytest.raises(ImproperlyConfigured, match=name):
            write()
    assert (Transaction.objects.count(), Plan.objects.count()) == (0, 1)


def test_a_process_compares_the_settings_once(django_assert_num_queries: pytest.FixtureRequest) -> None:
    make_plan()
    installation.confirm_settings()
    with django_assert_num_queries(0):  # type: ignore[operator]
        installation.confirm_settings()


@pytest.mark.parametrize(("has_money", "expected"), [(True, ("NGN", "Africa/Lagos")), (False, ("", ""))])
def test_the_migration_records_the_settings_of_existing_money(
    *, has_money: bool, expected: tuple[str, str]
) -> None:
    if has_money:
        make_plan()
    Installation.objects.all().delete()
    import_module("savings.migrations.0027_installation").record(apps, None)
    assert recorded() == expected


def start(tmp_path: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the site in a separate process with its own database."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3", "VAR_DIR": str(tmp_path)} | changes
    command = (sys.executable, *command)
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
    )


def test_server_and_worker_refuse_to_start_with_another_currency(tmp_path: Path, migrated_file: Path) -> None:
    assert start(tmp_path, "manage.py", "check").returncode == 0
    shutil.copy(migrated_file, tmp_path / "site.sqlite3")
    record = "from savings.models import Installation as I; I.objects.update(currency='NGN', time_zone='Africa/Lagos')"
    assert start(tmp_path, "manage.py", "shell", "-v0", "-c", record).returncode == 0
    assert start(tmp_path, "-c", "import web.wsgi").returncode == 0
    for command in (["-c", "import web.wsgi"], ["manage.py", "run_huey"], ["manage.py", "check"]):
        refused = start(tmp_path, *command, CURRENCY="GHS")
        assert refused.returncode != 0
        assert "Set CURRENCY=NGN" in refused.stderr


def test_a_check_without_a_database_reports_nothing(tmp_path: Path) -> None:
    unreachable = "postgres://asusu@127.0.0.1:1/asusu"
    assert start(tmp_path, "manage.py", "check", DATABASE_URL=unreachable).returncode == 0
