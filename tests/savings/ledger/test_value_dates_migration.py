"""The migration that fills value dates and rate periods from what the release before had written."""

from __future__ import annotations

import datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from savings import ledger
from savings.models import Account, Entry, RatePeriod
from tests.factories import make_plan, make_product, make_user, pay_in

# PostgreSQL alters no table in whose rows deferred checks of one transaction wait.
pytestmark = pytest.mark.django_db(transaction=True)

migration = import_module("savings.migrations.0042_value_dates_and_rate_periods")


def as_before() -> None:
    """Remove what the previous release does not know."""
    RatePeriod.objects.all().delete()
    without, again = migration.WITHOUT_TRIGGER[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(without)
        cursor.execute("UPDATE savings_entry SET value_on = NULL")
        cursor.execute(again)


def fill() -> None:
    migration.fill(apps, SimpleNamespace(connection=connection))


@pytest.mark.parametrize("chunk", [1, 2, 20_000])
def test_existing_rows_are_brought_over(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(migration, "CHUNK", chunk)
    with time_machine.travel("2026-01-10T23:30:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=850), holding_kobo=100_00)
        clock.shift(datetime.timedelta(days=3))
        pay_in(plan.user, 50_00, plan=plan)
        as_before()
        assert list(ledger.run_checks()) == []
        fill()
        # Half past eleven in London is the next day in Lagos.
        days = [datetime.date(2026, 1, 11), datetime.date(2026, 1, 14)]
        assert list(Entry.objects.order_by("id").values_list("value_on", flat=True)) == days
        [period] = RatePeriod.objects.all()
        assert (period.account, period.rate_bps) == (Account.objects.get(plan=plan), 850)
        assert datetime.date.fromordinal(period.from_day) == datetime.date(2026, 1, 11)
        assert list(ledger.run_checks()) == []


def test_it_may_run_twice_and_keeps_what_is_there() -> None:
    plan = make_plan(make_user(), make_product(rate_bps=850), holding_kobo=100_00)
    before = list(Entry.objects.values_list("id", "value_on"))
    fill()
    fill()
    assert list(Entry.objects.values_list("id", "value_on")) == before
    assert plan.account.rate_periods.count() == 1


def test_afterwards_entries_cannot_be_changed() -> None:
    make_plan(make_user(), make_product(), holding_kobo=100_00)
    as_before()
    fill()
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.update(value_on=datetime.date(2020, 1, 1))
    assert list(ledger.run_checks()) == []
