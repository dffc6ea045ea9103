"""Debts: what a person owes, pays and is let off, and what they may take out of the site."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import ledger, payments, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Dispute, Payment, Plan, Transaction, User
from tests.factories import fill, fund_balance, make_plan, make_user, pay_in
from tests.refunds import charge_back, house, people, release, suspend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind


@pytest.fixture
def debtor() -> User:
    """A person who owes 50 naira, and has nothing in the stash."""
    user = make_user()
    payment = pay_in(user, 5_000)
    spend(make_plan(user), 5_000)
    charge_back(payment, 5_000)
    return user


def spend(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.STASH_TO_PLAN)
    plans.move_to_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def repay(user: User, amount_kobo: int | None = None, **details: Any) -> Transaction:
    usual = {"reference": references.new(Kind.REPAYMENT)} | ({} if "asked_by" in details else people())
    return ledger.repay_debt(user, amount_kobo=amount_kobo, **usual | details)


def write_off(user: User | None, amount_kobo: int, **details: Any) -> Transaction:
    usual = {"reference": references.new(Kind.WRITE_OFF)} | ({} if "asked_by" in details else people())
    return ledger.write_off(user, amount_kobo=amount_kobo, **usual | details)


def dispute(payment: Transaction, amount_kobo: int, number: int = 1) -> Dispute:
    at_provider, _ = Payment.objects.get_or_create(
        transaction=payment, defaults={"paid_kobo": payment.amount_kobo}
    )
    return Dispute.objects.create(payment=at_provider, provider_id=number, amount_kobo=amount_kobo)


def test_a_debt_is_paid_from_the_stash(debtor: User) -> None:
    pay_in(debtor, 1_000)
    assert repay(debtor, 400).amount_kobo == 400
    assert (ledger.receivable_kobo(debtor), house("receivable")) == (4_600, 4_600)
    assert repay(debtor).amount_kobo == 600
    pay_in(debtor, 9_000)
    assert repay(debtor).amount_kobo == 4_000
    assert ledger.receivable_kobo(debtor) == 0


def test_no_more_is_repaid_than_is_owed_and_there(debtor: User) -> None:
    for kobo in (None, 1):
        with pytest.raises(NotEnoughMoney, match="The stash holds ₦0"):
            repay(debtor, kobo)
    pay_in(debtor, 9_000)
    with pytest.raises(Refused, match="Only ₦50 is owed"):
        repay(debtor, 5_001)
    with pytest.raises(BadAmount):
        repay(debtor, -1)
    for kobo in (None, 1):
        with pytest.raises(Refused, match="Nothing is owed"):
            repay(make_user(), kobo)


def test_a_repeated_repayment_is_one(debtor: User) -> None:
    pay_in(debtor, 9_000)
    asked = people() | {"reference": references.new(Kind.REPAYMENT)}
    first = repay(debtor, **asked)
    assert repay(debtor, **asked) == repay(debtor, 5_000, **asked) == first
    for user, kobo in ((debtor, 4_999), (make_user(), None)):
        with pytest.raises(ReferenceTaken):
            repay(user, kobo, **asked)
    with pytest.raises(ReferenceTaken):
        repay(debtor, **asked | {"reason": "Other"})


def test_a_debt_is_paid_by_two_people(debtor: User) -> None:
    pay_in(debtor, 9_000)
    staff = make_user(is_staff=True)
    with pytest.raises(Refused, match="Someone else"):
        repay(debtor, asked_by=staff, approved_by=staff, reason="Agreed by phone")
    with pytest.raises(Refused, match="Give a reason"):
        repay(debtor, **people() | {"reason": ""})
    assert ledger.receivable_kobo(debtor) == 5_000


def test_a_debt_is_written_off_by_two_people(debtor: User) -> None:
    with pytest.raises(Refused, match="Only ₦50 is owed"):
        write_off(debtor, 5_001)
    staff = make_user(is_staff=True)
    with pytest.raises(Refused, match="Someone else"):
        write_off(debtor, 5_000, asked_by=staff, approved_by=staff, reason="Gone")
    with pytest.raises(Refused, match="Give a reason"):
        write_off(debtor, 5_000, **people() | {"reason": ""})
    write_off(debtor, 4_000)
    assert (house("bad_debts"), ledger.receivable_kobo(debtor)) == (4_000, 1_000)
    with pytest.raises(Refused, match="Nothing is owed"):
        write_off(make_user(), 1)


def test_a_repeated_write_off_is_one(debtor: User) -> None:
    asked = people() | {"reference": references.new(Kind.WRITE_OFF)}
    first = write_off(debtor, 4_000, **asked)
    assert write_off(debtor, 4_000, **asked) == first
    with pytest.raises(ReferenceTaken):
        write_off(debtor, 4_000, **asked | {"reason": "Other"})
    assert house("bad_debts") == 4_000


def test_a_debt_of_nobody_known_is_written_off() -> None:
    payment = suspend(None, 1_000)
    Payment.objects.create(transaction=payment, paid_kobo=1_200)
    charge_back(payment, 1_200)
    assert ledger.receivable_kobo(None) == 200
    write_off(None, 200)
    assert house("receivable") == 0


def test_what_is_available_is_the_stash_less_debts_and_disputes(debtor: User) -> None:
    make_plan(debtor, holding_kobo=90_000)
    pay_in(debtor, 4_000)
    assert ledger.available(debtor).kobo == 0
    payment = pay_in(debtor, 6_000)
    assert ledger.available(debtor).kobo == 5_000
    open_one = dispute(payment, 2_000)
    assert ledger.available(debtor).kobo == 3_000
    Dispute.objects.filter(pk=open_one.pk).update(resolved_at=timezone.now())
    assert ledger.available(debtor).kobo == 5_000
    assert ledger.available(make_user()).kobo == 0


def test_what_is_not_owed_may_be_withdrawn(debtor: User) -> None:
    pay_in(debtor, 9_000)
    fund_balance(10_000)
    fees = payments.fees_for(0)
    left_kobo = ledger.available(debtor).kobo - fees.total_kobo
    withdrawal, _ = ledger.open_withdrawal(
        debtor, reference=references.new(Kind.STASH_WITHDRAWAL), amount_kobo=left_kobo, fees=fees
    )
    ledger.settle_withdrawal(withdrawal, fees, provider="paystack")
    assert ledger.available(debtor)[::2] == (5_000, 5_000)


def test_what_was_charged_back_of_a_dispute_is_not_held_twice() -> None:
    user = make_user()
    payment = pay_in(user, 6_000)
    charge_back(payment, 1_000)
    dispute(payment, 2_000)
    assert ledger.available(user).kobo == 3_000
    charge_back(payment, 1_500)
    assert ledger.available(user).kobo == 3_500 - 500
    charge_back(payment, 500)
    assert ledger.available(user).kobo == 3_000


def test_a_dispute_holds_the_money_of_the_person_it_was_released_to() -> None:
    payer, owner = make_user(), make_user()
    payment = suspend(payer, 1_500)
    pay_in(payer, 1_000)
    release(payment, owner, 1_500)
    dispute(payment, 900)
    assert (ledger.available(owner).kobo, ledger.available(payer).kobo) == (600, 1_000)


def test_it_costs_the_same_for_one_row_and_for_many(
    django_assert_num_queries: DjangoAssertNumQueries, debtor: User
) -> None:
    for rows in (1, 40):
        fill(debtor, rows)
        for number in range(rows):
            dispute(pay_in(debtor, 100), 10, number=rows * 100 + number)
            repay(debtor, 1)
        with django_assert_num_queries(4):
            ledger.available(debtor)
        with django_assert_num_queries(2):
            ledger.receivable_kobo(debtor)
