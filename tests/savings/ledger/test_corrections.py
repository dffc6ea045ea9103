"""Interest never stays on money that went back, and none is taken from other money."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from savings import ledger, money, plans, references
from savings.ledger import checks
from savings.models import Account, Entry, ForfeitedInterest, Plan, Product, Transaction
from tests.factories import fund_balance, make_plan, make_product, make_user, pay_in
from tests.refunds import charge_back, house, people, post_interest, refund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Clock = time_machine.Traveller
PER_KOBO = money.INTEREST_DENOMINATOR


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel("2026-06-11T10:00:00Z", tick=False) as clock:
        yield clock


def wait(clock: Clock, days: int) -> None:
    clock.shift(datetime.timedelta(days=days))


def plan_at(rate_bps: int) -> Plan:
    return make_plan(make_user(), make_product(rate_bps=rate_bps))


def accrued(plan: Plan) -> int:
    return ledger.accrued_numerator(Account.objects.get(plan=plan), timezone.localdate())


def stash_kobo(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def move_out(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def move_in(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.STASH_TO_PLAN)
    plans.move_to_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def remit(kobo: int) -> None:
    month_on = timezone.localdate().replace(day=1)
    for purpose, details in (
        (ledger.Purpose.CAPITAL_IN, {}),
        (ledger.Purpose.TAX_REMITTANCE, {"period_on": month_on}),
    ):
        ledger.post_treasury(
            purpose, amount_kobo=kobo, reference=references.new(Kind.TREASURY), **people() | details
        )


def corrections(cause: Transaction) -> list[tuple[str, str, int]]:
    """Return the accounts and the kobo of the corrections in the family of a refund or chargeback."""
    entries = Entry.objects.filter(transaction__part_of=cause, transaction__kind=Kind.INTEREST_CORRECTION)
    accounts = entries.select_related("debit_account", "credit_account").order_by("id")
    return [(one.debit_account.kind, one.credit_account.kind, one.amount_kobo) for one in accounts]


def test_money_that_went_back_the_next_day_earned_nothing(clock: Clock) -> None:
    plan = plan_at(1100)
    payment = pay_in(plan.user, 50_000_00, plan=plan)
    wait(clock, 1)
    assert accrued(plan) == 5_500_000_000
    ledger.settle_refund(refund(payment, 50_000_00))
    wait(clock, 30)
    assert accrued(plan) == 0
    assert not ForfeitedInterest.objects.exists()


def test_ten_million_naira_for_sixty_days_charged_back_earned_nothing(clock: Clock) -> None:
    plan = plan_at(850)
    payment = pay_in(plan.user, 10_000_000_00, plan=plan)
    wait(clock, 60)
    assert ledger.accrued_kobo(Account.objects.get(plan=plan), timezone.localdate()) == 13_972_602
    charge_back(payment, 10_000_000_00)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 0)
    assert ledger.receivable_kobo(plan.user) == 0


def test_interest_that_was_posted_every_month_is_taken_back_with_its_own_interest(clock: Clock) -> None:
    plan = plan_at(850)
    payment = pay_in(plan.user, 10_000_000_00, plan=plan)
    for _ in range(5):
        wait(clock, 30)
        post_interest(plan)
    wait(clock, 7)
    cause = charge_back(payment, 10_000_000_00)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 0)
    assert (house("interest_expense"), house("tax_payable")) == (0, 0)
    assert [(debit, credit) for debit, credit, _ in corrections(cause)] == [
        ("plan", "interest_expense"),
        ("tax_payable", "interest_expense"),
    ]


def test_the_table_of_the_audit(clock: Clock) -> None:
    """5,000,000 for 40 days at 10 %, posted, and 2,000,000 left in the stash."""
    plan = plan_at(1000)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 40)
    assert post_interest(plan) == (54_794, 5_479)
    move_out(plan, 5_049_315)
    spend(plan, 3_049_315)
    cause = charge_back(payment, 5_000_000)
    assert stash_kobo(plan) == 0
    assert corrections(cause) == [
        ("receivable", "interest_expense", 49_315),
        ("tax_payable", "interest_expense", 5_479),
    ]
    assert ledger.receivable_kobo(plan.user) == 3_049_315
    assert (house("interest_expense"), house("tax_payable")) == (0, 0)
    assert accrued(plan) == 0


def spend(plan: Plan, amount_kobo: int) -> None:
    """Withdraw kobo from the stash to a bank."""
    withdrawal, _ = ledger.open_transaction(
        reference=references.new(Kind.STASH_WITHDRAWAL),
        kind=Kind.STASH_WITHDRAWAL,
        user=plan.user,
        amount_kobo=amount_kobo,
    )
    hold = ledger.hold_account(plan.user)
    stash = ledger.stash_account(plan.user)
    ledger.post(withdrawal, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=amount_kobo)
    ledger.settle(withdrawal, debit=hold, credit=fund_balance(amount_kobo))


@pytest.mark.parametrize(("remitted_kobo", "back_kobo"), [(5_479, 0), (5_000, 479)])
def test_the_house_bears_the_tax_that_is_remitted(clock: Clock, remitted_kobo: int, back_kobo: int) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 40)
    post_interest(plan)
    remit(remitted_kobo)
    charge_back(payment, 5_000_000)
    assert (house("tax_payable"), house("interest_expense")) == (0, 5_479 - back_kobo)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 0)


def test_tax_that_the_house_bore_is_not_taken_back_again(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 40)
    post_interest(plan)
    remit(5_479)
    refund(payment, 2_500_000)
    refund(payment, 2_500_000)
    assert (accrued(plan), ledger.balance_kobo(plan.account)) == (0, 0)
    assert house("interest_expense") == 5_479


def test_posted_interest_comes_from_the_plan_then_the_stash_then_it_is_owed(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 40)
    post_interest(plan)
    move_out(plan, 39_315)
    spend(plan, 19_315)
    cause = refund(payment, 5_000_000)
    assert corrections(cause)[:3] == [
        ("plan", "interest_expense", 10_000),
        ("stash", "interest_expense", 20_000),
        ("receivable", "interest_expense", 19_315),
    ]
    assert ledger.receivable_kobo(plan.user) == 19_315


def test_money_that_left_the_plan_before_it_went_back_loses_its_days_in_the_plan(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00, plan=plan)
    pay_in(plan.user, 40_00, plan=plan)
    wait(clock, 10)
    move_out(plan, 100_00)
    wait(clock, 5)
    before = accrued(plan)
    refund(payment, 100_00, source="stash")
    # 100 for ten days, and then the 40 that were there, which may be the same money.
    assert before - accrued(plan) == 1000 * (100_00 * 10 + 40_00 * 5)
    assert accrued(plan) == 1000 * 40_00 * 10


def test_days_on_which_the_money_was_not_in_the_plan_are_not_taken(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 10)
    move_out(plan, 70_00)
    wait(clock, 10)
    move_in(plan, 70_00)
    pay_in(plan.user, 5_00, plan=plan)
    wait(clock, 10)
    refund(payment, 100_00)
    assert accrued(plan) == 1000 * 5_00 * 10
    [row] = ForfeitedInterest.objects.all()
    assert row.numerator == -1000 * 70_00 * 10


def test_the_rate_of_each_day_is_taken(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 10)
    ledger.change_rate(plan.account, 300)
    move_out(plan, 60_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert accrued(plan) == 0
    wait(clock, 10)
    assert accrued(plan) == 0


def test_a_matured_plan_loses_its_interest_until_maturity(clock: Clock) -> None:
    plan = make_plan(make_user(), make_product(Product.Kind.LOCKED, rate_bps=1000), days=30)
    payment = pay_in(plan.user, 100_00, plan=plan)
    pay_in(plan.user, 1_00, plan=plan)
    wait(clock, 40)
    plans.mature_due_plans(timezone.localdate())
    charge_back(payment, 100_00)
    assert accrued(plan) == 1000 * 1_00 * 30
    assert stash_kobo(plan) == 1_00


def test_an_account_of_the_previous_release_loses_at_its_only_rate(clock: Clock) -> None:
    plan = plan_at(1000)
    plan.account.rate_periods.all().delete()
    payment = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 10)
    move_out(plan, 60_00)
    charge_back(payment, 100_00)
    assert accrued(plan) == 0


def test_never_more_is_taken_than_the_account_has_earned(clock: Clock) -> None:
    plan = plan_at(1000)
    first = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 5)
    move_out(plan, 100_00)
    second = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 5)
    move_out(plan, 100_00)
    for payment in (first, second):
        charge_back(payment, 100_00)
    assert (accrued(plan), ledger.receivable_kobo(plan.user)) == (0, 0)


@pytest.mark.parametrize("source", ["plan", "stash"])
def test_a_refund_that_failed_gives_its_interest_back(clock: Clock, source: str) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00, plan=plan)
    pay_in(plan.user, 100_00)
    wait(clock, 10)
    move_out(plan, 60_00)
    wait(clock, 10)
    move_in(plan, 60_00)
    before = accrued(plan)
    back = refund(payment, 90_00, source=source)
    ledger.fail_refund(back)
    assert accrued(plan) == before


def test_interest_that_a_failed_refund_took_is_earned_and_not_yet_posted(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 40)
    post_interest(plan)
    wait(clock, 10)
    back = refund(payment, 5_000_000)
    assert accrued(plan) == 0
    ledger.fail_refund(back)
    posted_numerator = 1000 * 49_315 * 10
    assert accrued(plan) == 1000 * 5_000_000 * 50 + posted_numerator


def test_a_plan_that_closed_meanwhile_gets_its_interest_back_and_the_stash_its_money(clock: Clock) -> None:
    plan = plan_at(1000)
    payment = pay_in(plan.user, 100_00, plan=plan)
    wait(clock, 10)
    before = accrued(plan)
    back = refund(payment, 100_00)
    assert accrued(plan) == 0
    wait(clock, 3)
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    ledger.fail_refund(back)
    assert (accrued(plan), stash_kobo(plan)) == (before, 100_00)


def test_a_plan_that_ended_meanwhile_gets_its_interest_back_and_the_stash_all_of_it(clock: Clock) -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED, rate_bps=1000), days=30)
    payment = pay_in(plan.user, 5_000_000, plan=plan)
    wait(clock, 32)
    plans.mature_due_plans(timezone.localdate())
    before_kobo = stash_kobo(plan)
    back = refund(payment, 5_000_000, source="stash")
    assert stash_kobo(plan) < before_kobo - 5_000_000
    wait(clock, 3)
    ledger.fail_refund(back)
    wait(clock, 1)
    today = timezone.localdate()
    assert plans.post_due_interest(today) == 1
    plans.mature_due_plans(today)
    assert accrued(plan) < PER_KOBO
    assert abs(stash_kobo(plan) - before_kobo) <= 1
    assert list(checks.wrong_rows()) == []


def test_a_deposit_that_stayed_in_the_stash_had_no_interest(clock: Clock) -> None:
    plan = plan_at(1000)
    pay_in(plan.user, 100_00, plan=plan)
    payment = pay_in(plan.user, 100_00)
    wait(clock, 10)
    charge_back(payment, 100_00)
    assert accrued(plan) == 1000 * 100_00 * 10
    assert not ForfeitedInterest.objects.exists()


class Parts(TestCase):
    """Refunds in parts take as much interest as one of the whole, whatever happened in between."""

    @settings(max_examples=25)
    @given(
        is_into_plan=st.booleans(),
        moves=st.lists(
            st.tuples(st.integers(0, 9), st.integers(-90, 90), st.sampled_from([0, 1])), max_size=6
        ),
        parts=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["plan", "stash", "back"])), max_size=4),
    )
    def test_parts_take_as_much_as_the_whole(
        self, *, is_into_plan: bool, moves: list[tuple[int, int, int]], parts: list[tuple[int, str]]
    ) -> None:
        left = []
        for split in (False, True):
            with time_machine.travel("2026-06-11T10:00:00Z", tick=False) as clock:
                plan = plan_at(1000)
                both = [plan, make_plan(plan.user, make_product(rate_bps=700))]
                payment = pay_in(plan.user, 100_00, plan=plan if is_into_plan else None)
                pay_in(plan.user, 300_00)
                for days, naira, which in moves:
                    wait(clock, days)
                    move_some(both[which], naira)
                wait(clock, 5)
                give_back(payment, parts if split else [], plan)
                left.append(([accrued(one) for one in both], ledger.receivable_kobo(plan.user)))
                assert list(checks.wrong_rows()) == []
        assert left[0] == left[1]


def move_some(plan: Plan, naira: int) -> None:
    """Move naira into a plan, or out of it if negative, at most what is there."""
    held_kobo, stash = ledger.balance_kobo(plan.account), stash_kobo(plan)
    if naira < 0 and held_kobo:
        move_out(plan, min(held_kobo, -naira * 100))
    elif naira > 0 and stash:
        move_in(plan, min(stash, naira * 100))


def give_back(payment: Transaction, parts: list[tuple[int, str]], plan: Plan) -> None:
    """Give ₦100 back: the parts that can be refunded or charged back, and a chargeback of the rest."""
    rest = 100_00
    for naira, way in parts:
        kobo = min(rest, naira * 100)
        source = way if payment.plan else "stash"
        there = ledger.balance_kobo(plan.account) if source == "plan" else stash_kobo(plan)
        if not kobo or (way != "back" and there < kobo):
            continue
        charge_back(payment, kobo) if way == "back" else refund(payment, kobo, source=source)
        rest -= kobo
    if rest:
        charge_back(payment, rest)
