"""Interest of money that went through the stash into plans before it went back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from savings import ledger, plans, references
from savings.models import ForfeitedInterest, Plan, Transaction
from tests.factories import make_plan, make_product, pay_in
from tests.refunds import charge_back, house, post_interest, refund, release, suspend
from tests.savings.ledger.test_corrections import (
    Clock,
    accrued,
    clock,
    corrections,
    move_in,
    move_out,
    plan_at,
    spend,
    wait,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

__all__ = ["clock"]
Kind = Transaction.Kind


def second_plan(plan: Plan, rate_bps: int) -> Plan:
    return make_plan(plan.user, make_product(rate_bps=rate_bps))


def spend_stash(plan: Plan) -> None:
    spend(plan, ledger.balance_kobo(ledger.stash_account(plan.user)))


def test_ten_million_naira_through_the_stash_earned_nothing(clock: Clock) -> None:
    plan = plan_at(850)
    payment = pay_in(plan.user, 10_000_000_00)
    move_in(plan, 10_000_000_00)
    wait(clock, 60)
    charge_back(payment, 10_000_000_00)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 10_000_000_00)
    assert ledger.receivable_kobo(plan.user) == 10_000_000_00


def test_interest_posted_monthly_on_money_from_the_stash_is_taken_back(clock: Clock) -> None:
    plan = plan_at(850)
    payment = pay_in(plan.user, 10_000_000_00)
    move_in(plan, 10_000_000_00)
    for _ in range(2):
        wait(clock, 30)
        post_interest(plan)
    cause = charge_back(payment, 10_000_000_00)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 10_000_000_00)
    assert (house("interest_expense"), house("tax_payable")) == (0, 0)
    assert [(debit, credit) for debit, credit, _ in corrections(cause)] == [
        ("plan", "interest_expense"),
        ("tax_payable", "interest_expense"),
    ]


def test_two_plans_lose_their_parts_oldest_move_first(clock: Clock) -> None:
    plan = plan_at(1000)
    other = second_plan(plan, 500)
    payment = pay_in(plan.user, 100_00)
    pay_in(plan.user, 50_00)
    move_in(plan, 70_00)
    wait(clock, 10)
    move_in(other, 60_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    # Of the second move only 30 can be of the payment.
    assert (accrued(plan), accrued(other)) == (0, 500 * 30_00 * 10)


def test_corrections_of_two_plans_count_for_each_of_them(clock: Clock) -> None:
    plan = plan_at(1000)
    other = second_plan(plan, 1000)
    payment = pay_in(plan.user, 10_000_000)
    for one in (plan, other):
        move_in(one, 5_000_000)
    wait(clock, 40)
    for one in (plan, other):
        post_interest(one)
    cause = charge_back(payment, 10_000_000)
    taken = [("plan", "interest_expense", 49_315), ("tax_payable", "interest_expense", 5_479)]
    assert corrections(cause) == taken * 2
    for one in (plan, other):
        assert (accrued(one), ledger.balance_kobo(one.account)) == (0, 5_000_000)
        parts = one.transactions.filter(part_of=cause, kind=Kind.INTEREST_CORRECTION)
        assert parts.count() == 2


def test_money_of_one_plan_that_moved_to_another_loses_the_days_in_both(clock: Clock) -> None:
    plan = plan_at(1000)
    other = second_plan(plan, 500)
    payment = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 10)
    move_out(plan, 60_00)
    wait(clock, 3)
    move_in(other, 60_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert (accrued(plan), accrued(other)) == (0, 0)
    assert not ledger.balance_kobo(plan.account)


def test_what_did_not_leave_the_plan_is_not_looked_for_in_another(clock: Clock) -> None:
    plan = plan_at(1000)
    other = second_plan(plan, 500)
    payment = pay_in(plan.user, 100_00, plan=plan)
    pay_in(plan.user, 100_00)
    move_out(plan, 20_00)
    move_in(other, 90_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert (accrued(plan), accrued(other)) == (0, 500 * 70_00 * 10)


def test_money_that_moved_on_counts_in_one_plan_at_a_time(clock: Clock) -> None:
    plan = plan_at(1000)
    other = second_plan(plan, 500)
    payment = pay_in(plan.user, 100_00)
    pay_in(plan.user, 100_00, plan=plan)
    move_in(plan, 100_00)
    wait(clock, 10)
    move_out(plan, 100_00)
    move_in(other, 100_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert (accrued(plan), accrued(other)) == (1000 * 100_00 * 20, 0)


def test_a_move_that_was_reversed_counts_until_then(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00)
    reference = references.new(Kind.STASH_TO_PLAN)
    move = plans.move_to_plan(plan.user, plan, amount_kobo=100_00, reference=reference)
    wait(clock, 10)
    ledger.reverse(move, reference=references.new(Kind.REVERSAL))
    charge_back(payment, 100_00)
    assert (accrued(plan), ledger.receivable_kobo(plan.user)) == (0, 0)


def test_moves_before_the_payment_are_not_of_its_money(clock: Clock) -> None:
    plan = plan_at(1000)
    pay_in(plan.user, 100_00)
    move_in(plan, 100_00)
    payment = pay_in(plan.user, 100_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert accrued(plan) == 1000 * 100_00 * 10


def test_money_from_suspense_that_moved_on_from_the_stash_earned_nothing(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = suspend(plan.user, 100_00)
    refund(payment, 40_00, source="suspense")
    release(payment, plan.user, 60_00)
    move_in(plan, 60_00)
    wait(clock, 10)
    charge_back(payment, 60_00)
    assert accrued(plan) == 0


def test_money_that_went_back_before_a_move_was_not_moved(clock: Clock) -> None:
    """A half is refunded before anything is moved: the other half loses all that it earned, and no more."""
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00)
    refund(payment, 50_00)
    pay_in(plan.user, 30_00)
    move_in(plan, 80_00)
    wait(clock, 10)
    charge_back(payment, 50_00)
    assert accrued(plan) == 1000 * 30_00 * 10


def test_money_that_went_back_earns_nothing_afterwards(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00)
    pay_in(plan.user, 50_00)
    move_in(plan, 100_00)
    wait(clock, 10)
    refund(payment, 50_00)
    assert accrued(plan) == 1000 * 50_00 * 10
    wait(clock, 10)
    charge_back(payment, 50_00)
    # The 50 of the saver that took the place of the first half have earned since.
    assert accrued(plan) == 1000 * 50_00 * 10


def test_never_more_is_taken_from_a_plan_than_it_has_earned(clock: Clock) -> None:
    plan = plan_at(1000)
    first, second = pay_in(plan.user, 100_00), pay_in(plan.user, 100_00)
    move_in(plan, 100_00)
    wait(clock, 10)
    for payment in (first, second):
        charge_back(payment, 100_00)
    assert accrued(plan) == 0
    [row] = ForfeitedInterest.objects.all()
    assert row.numerator == 1000 * 100_00 * 10


def test_a_failed_refund_gives_the_interest_back_in_each_plan(clock: Clock) -> None:
    plan = plan_at(1000)
    others = [second_plan(plan, 500), second_plan(plan, 800)]
    payment = pay_in(plan.user, 100_00, plan=plan)
    pay_in(plan.user, 100_00)
    wait(clock, 10)
    move_out(plan, 60_00)
    for one in others:
        move_in(one, 30_00)
    wait(clock, 10)
    before = [accrued(one) for one in (plan, *others)]
    back = refund(payment, 100_00, source="stash")
    assert [accrued(one) for one in (plan, *others)] == [0, 0, 0]
    ledger.fail_refund(back)
    assert [accrued(one) for one in (plan, *others)] == before
    # It counts as never having gone back.
    refund(payment, 100_00, source="stash")
    assert [accrued(one) for one in (plan, *others)] == [0, 0, 0]


def test_many_moves_cost_no_more_queries_than_one(clock: Clock) -> None:
    def queries_of(moves: int) -> int:
        plan = plan_at(1000)
        payment = pay_in(plan.user, 100_00)
        for _ in range(moves):
            move_in(plan, 1_00)
            wait(clock, 1)
        with CaptureQueriesContext(connection) as queries:
            charge_back(payment, 100_00)
        assert accrued(plan) == 0
        return len(queries)

    queries_of(1)
    assert queries_of(20) == queries_of(1)
