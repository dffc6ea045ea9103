"""The interest earned at the end of a month: booked in it once, and taken back in the next."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone

from savings import ledger, money, plans
from savings.ledger import checks
from savings.models import Account, Plan, Product, Transaction
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.threads import at_once

pytestmark = pytest.mark.django_db

Kind = Account.Kind
Travel = time_machine.Traveller
# In Lagos, an hour before UTC: 31 January, 23:50.
LATE = datetime.datetime(2026, 1, 31, 22, 50, tzinfo=datetime.UTC)
FIRST = datetime.datetime(2026, 1, 31, 23, 2, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[Travel]:
    with time_machine.travel("2026-01-10T09:00:00Z", tick=False) as clock:
        yield clock


def balances() -> tuple[int, int]:
    """Interest expense and interest payable."""
    house = [ledger.house_account(kind) for kind in (Kind.INTEREST_EXPENSE, Kind.INTEREST_PAYABLE)]
    return ledger.balance_kobo(house[0]), ledger.balance_kobo(house[1])


def earned(plan: Plan, day: datetime.date) -> int:
    return ledger.accrued_kobo(Account.objects.get(plan=plan), day)


def two_products() -> list[Plan]:
    """Three plans of two products, whose interest is no whole number of kobo."""
    first, second = make_product(rate_bps=1000), make_product(rate_bps=850)
    kobo = (100_000_01, 3_33, 77_777_77)
    return [
        make_plan(product=product, holding_kobo=one)
        for product, one in zip((first, first, second), kobo, strict=True)
    ]


def run() -> int:
    return plans.accrue_interest(timezone.now())


def test_each_product_s_interest_is_an_expense_of_its_month_and_is_taken_back(clock: Travel) -> None:
    held = two_products()
    clock.move_to(LATE)
    first, same, second = [earned(plan, datetime.date(2026, 2, 1)) for plan in held]
    assert [run(), run()] == [2, 0]
    assert balances() == (first + same + second,) * 2
    amounts = Transaction.objects.filter(kind="treasury").order_by("id").values_list("amount_kobo", flat=True)
    assert list(amounts) == [first + same, second]
    january = {line.key: line for line in ledger.trial_balance(datetime.date(2026, 1, 1)).lines}
    assert january["interest_expense"].closing_kobo == first + same + second
    assert list(ledger.run_checks()) == []
    clock.move_to(FIRST)
    assert [run(), run()] == [2, 0]
    assert balances() == (0, 0)
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize(
    "moment",
    ["2026-01-31T22:44:00Z", "2026-01-31T09:00:00Z", "2026-01-30T22:50:00Z", "2026-01-31T23:00:00Z"],
)
def test_nothing_is_accrued_at_other_times(clock: Travel, moment: str) -> None:
    make_plan(holding_kobo=100_000_00)
    clock.move_to(datetime.datetime.fromisoformat(moment))
    assert run() == 0
    assert balances() == (0, 0)


def test_what_is_taken_back_late_is_taken_back_whole(clock: Travel) -> None:
    two_products()
    clock.move_to(LATE)
    run()
    clock.move_to(FIRST)
    # The 1st is still in time.
    assert list(checks.wrong_rows()) == []
    clock.move_to(FIRST + datetime.timedelta(days=3))
    [damage] = [one for one in checks.wrong_rows() if one.check == "accrued_interest"]
    assert damage.row == "interest payable"
    assert run() == 2
    assert [one for one in checks.wrong_rows() if one.check == "accrued_interest"] == []


def test_months_in_a_row_each_have_their_own(clock: Travel) -> None:
    make_plan(holding_kobo=100_000_00)
    seen = []
    for moment in (LATE, FIRST, LATE + datetime.timedelta(days=28), FIRST + datetime.timedelta(days=28)):
        clock.move_to(moment)
        plans.post_due_interest(timezone.localdate())
        run()
        seen.append(balances()[1])
    assert seen[0] > 0
    assert seen[2] > 0
    assert seen[1] == seen[3] == 0
    assert [one for one in checks.wrong_rows() if one.check == "accrued_interest"] == []


def test_plans_that_earn_nothing_have_no_accrual(clock: Travel) -> None:
    make_plan(product=make_product(rate_bps=0), holding_kobo=100_000_00)
    make_plan()
    pay_in(make_user(), 500_00)
    clock.move_to(LATE)
    assert run() == 0


def test_a_plan_that_has_matured_earns_up_to_its_maturity(clock: Travel) -> None:
    plan = make_plan(
        product=make_product(Product.Kind.LOCKED, min_term_days=1), holding_kobo=100_000_00, days=5
    )
    clock.move_to(LATE)
    run()
    assert balances()[1] == money.interest(100_000_00 * plan.rate_bps * 5)


@pytest.mark.django_db(transaction=True)
def test_several_workers_accrue_once() -> None:
    with time_machine.travel("2026-01-10T09:00:00Z", tick=False) as clock:
        two_products()
        clock.move_to(LATE)
        assert sum(count * times for count, times in at_once(lambda _: run(), 6).items()) == 2
        clock.move_to(FIRST)
        assert sum(count * times for count, times in at_once(lambda _: run(), 6).items()) == 2
    assert balances() == (0, 0)
