"""Rates by day: value dates, changed rates and the rate of withholding tax."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from savings import ledger
from savings.models import Account, Entry, Plan, Product, RatePeriod, TaxRate, Transaction
from tests.factories import make_plan, make_product, make_transaction, make_user, pay_in

pytestmark = pytest.mark.django_db

DAY = datetime.date(2026, 1, 11)


@pytest.fixture
def clock() -> object:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        yield clock


def plan_of(rate_bps: int = 1000) -> Plan:
    return make_plan(make_user(), make_product(rate_bps=rate_bps), holding_kobo=100_00)


def earned(plan: Plan, days: int) -> int:
    return ledger.accrued_numerator(Account.objects.get(plan=plan), DAY + datetime.timedelta(days=days))


def pay_valued(plan: Plan, amount_kobo: int, days: int) -> None:
    """Post a top-up that counts from a day, given in days after the first."""
    movement = make_transaction("top_up", amount_kobo, user=plan.user, plan=plan)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    value_on = DAY + datetime.timedelta(days=days)
    ledger.settle(movement, debit=clearing, credit=plan.account, value_on=value_on)


@pytest.mark.parametrize("late", range(8))
def test_money_earns_from_its_value_day(clock: time_machine.Traveller, late: int) -> None:
    plan = plan_of()
    clock.shift(datetime.timedelta(days=10))
    pay_valued(plan, 50_00, 10 - late)
    assert earned(plan, 20) == 1000 * (100_00 * 20 + 50_00 * (10 + late))
    assert Entry.objects.latest("id").value_on == DAY + datetime.timedelta(days=10 - late)
    assert list(ledger.run_checks()) == []


def test_an_entry_counts_from_the_day_of_posting_unless_it_says_otherwise(
    clock: time_machine.Traveller,
) -> None:
    plan = plan_of()
    clock.move_to("2026-01-13T23:30:00Z")  # 00:30 on the 14th in Lagos
    pay_in(plan.user, 1, plan=plan)
    assert Entry.objects.latest("id").value_on == datetime.date(2026, 1, 14)


def test_a_new_rate_begins_tomorrow_and_history_keeps_its_rate(clock: time_machine.Traveller) -> None:
    plan = plan_of(1000)
    clock.shift(datetime.timedelta(days=5))
    ledger.change_rate(plan.account, 0)
    clock.shift(datetime.timedelta(days=5))
    ledger.change_rate(plan.account, 400)
    # Days 0 to 5 at 10 %, 6 to 10 at nothing, from day 11 on at 4 %.
    assert earned(plan, 11) == 1000 * 100_00 * 6
    assert earned(plan, 16) == 1000 * 100_00 * 6 + 400 * 100_00 * 5
    assert list(ledger.run_checks()) == []


def test_money_of_the_day_on_which_the_rate_changes_earns_that_day(clock: time_machine.Traveller) -> None:
    plan = plan_of(1000)
    ledger.change_rate(plan.account, 0)
    pay_in(plan.user, 10_00, plan=plan)
    assert earned(plan, 30) == 1000 * 110_00
    assert list(ledger.run_checks()) == []


def test_late_money_earns_at_the_rate_of_each_day(clock: time_machine.Traveller) -> None:
    plan = plan_of(1000)
    clock.shift(datetime.timedelta(days=2))
    ledger.change_rate(plan.account, 500)
    clock.shift(datetime.timedelta(days=3))
    pay_valued(plan, 20_00, 1)
    # Days 1 and 2 at 10 %, days 3 to 9 at 5 %.
    late = 20_00 * (1000 * 2 + 500 * 7)
    assert earned(plan, 10) == 100_00 * (1000 * 3 + 500 * 7) + late
    assert list(ledger.run_checks()) == []


def test_a_rate_changed_twice_on_one_day_is_one_period(clock: time_machine.Traveller) -> None:
    plan = plan_of(1000)
    ledger.change_rate(plan.account, 0)
    ledger.change_rate(plan.account, 1000)
    assert [(one.from_day, one.rate_bps) for one in plan.account.rate_periods.order_by("from_day")] == [
        (DAY.toordinal(), 1000),
        (DAY.toordinal() + 1, 1000),
    ]
    assert earned(plan, 10) == 1000 * 100_00 * 10


def test_an_account_of_the_previous_release_has_earned_at_one_rate(clock: time_machine.Traveller) -> None:
    plan = plan_of(1000)
    RatePeriod.objects.all().delete()
    clock.shift(datetime.timedelta(days=4))
    pay_valued(plan, 50_00, 2)
    assert earned(plan, 10) == 1000 * (100_00 * 10 + 50_00 * 8)
    assert list(ledger.run_checks()) == []
    ledger.change_rate(plan.account, 0)
    assert earned(plan, 10) == 1000 * (100_00 * 5 + 50_00 * 3)
    assert list(ledger.run_checks()) == []


def test_its_first_period_begins_when_it_was_opened_also_after_a_rollover(
    clock: time_machine.Traveller,
) -> None:
    plan = plan_of(1000)
    RatePeriod.objects.all().delete()
    clock.shift(datetime.timedelta(days=20))
    Plan.objects.filter(pk=plan.pk).update(started_on=DAY + datetime.timedelta(days=15))
    ledger.change_rate(plan.account, 0)
    assert plan.account.rate_periods.order_by("from_day")[0].from_day == DAY.toordinal()
    assert list(ledger.run_checks()) == []


def test_a_matured_account_earns_nothing_for_money_that_counts_from_a_later_day(
    clock: time_machine.Traveller,
) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(make_user(), locked, holding_kobo=100_00, days=30)
    clock.shift(datetime.timedelta(days=33))
    pay_valued(plan, 50_00, 32)
    assert earned(plan, 90) == 1000 * 100_00 * 30
    pay_valued(plan, 50_00, 28)
    assert earned(plan, 90) == 1000 * (100_00 * 30 + 50_00 * 2)


def test_the_rate_of_tax_is_the_newest_that_has_begun() -> None:
    TaxRate.objects.create(from_on=DAY, rate_bps=750)
    assert ledger.TaxRates.read().on(DAY - datetime.timedelta(days=1)) == 1000
    assert ledger.TaxRates.read().on(DAY) == 750
    assert ledger.TaxRates.read().on(datetime.date(2019, 12, 31)) == 0


@pytest.mark.parametrize("days", [-40, -1, 0])
def test_a_rate_of_tax_from_a_day_that_has_come_is_refused(days: int) -> None:
    day = timezone.localdate() + datetime.timedelta(days=days)
    with pytest.raises(ValidationError, match="Enter a day after today") as refused:
        TaxRate(from_on=day, rate_bps=750).full_clean()
    assert "from_on" in refused.value.message_dict
    TaxRate.objects.all().delete()
    TaxRate(from_on=day, rate_bps=750).full_clean()


def test_a_rate_of_tax_that_has_begun_is_neither_changed_nor_deleted() -> None:
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    begun, later = TaxRate.objects.get(), TaxRate(from_on=tomorrow, rate_bps=750)
    later.full_clean()
    later.save()
    begun.rate_bps = 500
    with pytest.raises(ValidationError, match="has begun"):
        begun.full_clean()
    with pytest.raises(ValidationError, match="has begun"):
        begun.delete()
    later.rate_bps = 800
    later.full_clean()
    later.delete()
    assert list(TaxRate.objects.values_list("rate_bps", flat=True)) == [1000]


def test_a_rate_above_all_of_it_is_refused(clock: time_machine.Traveller) -> None:
    with pytest.raises(IntegrityError, match="at_most_100_percent|CHECK"):
        ledger.change_rate(plan_of().account, 10_001)


def test_a_customers_account_may_occur_twice_in_a_posting() -> None:
    plan = plan_of()
    stash, clearing = ledger.stash_account(plan.user), ledger.house_account(Account.Kind.CLEARING, "paystack")
    movement = make_transaction(Transaction.Kind.STASH_DEPOSIT, 5, user=plan.user)
    back = ledger.Posting(Entry.Code.COST, stash, clearing, 2)
    ledger.settle(movement, debit=clearing, credit=stash, also=[back])
    assert ledger.balance_kobo(stash) == 3
    entries = Entry.objects.filter(transaction=movement).order_by("id")
    assert list(entries.values_list("credit_balance_kobo", "debit_balance_kobo")) == [(5, None), (None, 3)]
