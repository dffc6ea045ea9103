"""The ledger checks on other books than those of `test_checks`: empty ones, those of one plan, and changed tables."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from savings import ledger
from savings.models import Account, Product
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db


def rows_reported_by(check: str) -> list[str]:
    return [damage.row for damage in ledger.run_checks() if damage.check == check]


def test_empty_books_pass_every_check() -> None:
    assert list(ledger.run_checks()) == []


@pytest.mark.django_db(transaction=True)
def test_two_connections_find_what_one_finds() -> None:
    user = make_user()
    pay_in(user, 29_230_00)
    Account.objects.filter(pk=ledger.stash_account(user).pk).update(balance_kobo=1)
    damaged = list(ledger.run_each_check())
    assert sum(len(rows) for _, rows in damaged) > 1
    assert list(ledger.run_each_check(connections=2)) == damaged
    with pytest.raises(CommandError, match="has 1, expected 2923000"):
        call_command("check_ledger", connections=2)


@pytest.mark.parametrize("connections", ["0", "-1", "x"])
def test_a_number_of_connections_that_is_none_is_refused(connections: str) -> None:
    with pytest.raises(CommandError, match="connections"):
        call_command("check_ledger", f"--connections={connections}")


def test_money_that_arrives_after_the_end_of_a_plan_has_a_day_to_move_on() -> None:
    with time_machine.travel("2026-03-02T09:00:00Z", tick=False) as clock:
        plan = make_plan(product=make_product(Product.Kind.LOCKED), days=30)
        clock.shift(datetime.timedelta(days=33))
        pay_in(plan.user, 1_000, plan=plan)
        assert rows_reported_by("interest") == []
        clock.shift(datetime.timedelta(days=1))
        assert rows_reported_by("interest") == [f"plan {plan.pk}"]


def test_a_dropped_trigger_is_reported() -> None:
    drops = {
        "postgresql": "DROP TRIGGER entry_append_only ON savings_entry",
        "sqlite": "DROP TRIGGER entry_not_updated",
    }
    with connection.cursor() as cursor:
        cursor.execute(drops[connection.vendor])
    names = rows_reported_by("guards")
    assert names == [drops[connection.vendor].split()[2]]


def test_a_dropped_constraint_is_reported() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX account_once_per_user")
    assert rows_reported_by("guards") == ["account_once_per_user"]
