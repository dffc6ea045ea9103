"""Ledger accounts: balances, and the interest that they accrue."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from savings import ledger
from savings.models import Account, Entry, Plan, Product
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db


def earned(plan: Plan, day: datetime.date) -> int:
    return ledger.accrued_numerator(Account.objects.get(plan=plan), day)


def test_interest_accrues_on_end_of_day_balances() -> None:
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_00)
        pay_in(plan.user, 50_00, plan=plan)
        clock.shift(datetime.timedelta(days=10))
        pay_in(plan.user, 50_00, plan=plan)
        clock.shift(datetime.timedelta(days=5))
        today = timezone.localdate()
    assert earned(plan, today) == 1000 * (150_00 * 10 + 200_00 * 5)


def test_a_day_starts_at_local_midnight() -> None:
    # 23:30 UTC is half past midnight in Lagos, on the next day.
    with time_machine.travel("2026-01-01T23:30:00Z", tick=False):
        plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_00)
    assert earned(plan, datetime.date(2026, 1, 3)) == 1000 * 100_00


def test_midnight_during_a_posting_does_not_split_it() -> None:
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_00)
        clock.move_to("2026-01-11T22:59:59Z")

        updates = []

        def pass_midnight_before_the_balance(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
            if sql.lstrip().startswith("UPDATE savings_account"):
                updates.append(sql)
                clock.shift(1)
            return execute(sql, *args)

        with connection.execute_wrapper(pass_midnight_before_the_balance):
            pay_in(plan.user, 1, plan=plan)
    assert len(updates) == 1
    entry, account = Entry.objects.latest("id"), Account.objects.get(plan=plan)
    assert timezone.localdate(entry.posted_at).toordinal() == account.accrued_to
    assert entry.posted_at == entry.transaction.settled_on


def test_after_a_clock_went_back_each_entry_earns_from_its_own_day() -> None:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_00)
        clock.shift(datetime.timedelta(days=10))
        pay_in(plan.user, 100_00, plan=plan)
        clock.shift(datetime.timedelta(days=-3))
        pay_in(plan.user, 100_00, plan=plan)
        clock.shift(datetime.timedelta(days=5))
        pay_in(plan.user, 1, plan=plan)
    assert earned(plan, datetime.date(2026, 1, 23)) == 1000 * 100_00 * (12 + 2 + 5)


def test_no_interest_accrues_from_the_day_of_maturity_on() -> None:
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
        plan = make_plan(make_user(), locked, holding_kobo=100_00, days=30)
        clock.shift(datetime.timedelta(days=45))
        pay_in(plan.user, 100_00, plan=plan)
    assert earned(plan, datetime.date(2027, 1, 1)) == 1000 * 100_00 * 30


def test_a_plan_that_rolls_over_late_accrues_interest_without_a_gap() -> None:
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
        plan = make_plan(make_user(), locked, holding_kobo=100_00, days=30, at_maturity="rollover")
        clock.shift(datetime.timedelta(days=32))
        pay_in(plan.user, 100_00, plan=plan)
        clock.shift(datetime.timedelta(days=1))
        today = timezone.localdate()
    assert earned(plan, today) == 1000 * (100_00 * 32 + 200_00)


def test_house_accounts_store_no_balance() -> None:
    pay_in(make_user(), 500)
    assert ledger.house_account(Account.Kind.CLEARING, "paystack").balance_kobo is None
    assert not Account.objects.filter(user=None, balance_kobo__isnull=False).exists()
