"""Chargebacks: booked at once whatever is left, and the rest is owed."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from savings import ledger, plans, references
from savings.exceptions import BadAmount, ReferenceTaken, Refused
from savings.models import Account, Entry, Payment, Plan, Product, Transaction
from tests import threads
from tests.factories import make_plan, make_product, make_transaction, make_user, pay_in
from tests.refunds import charge_back, house, refund, release, suspend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Status = Transaction.Status


def status(transaction: Transaction) -> str:
    return Transaction.objects.values_list("status", flat=True).get(pk=transaction.pk)


def repaid(chargeback: Transaction) -> list[tuple[str, int]]:
    """Return the accounts that paid a chargeback, and the kobo of each."""
    entries = Entry.objects.filter(transaction__part_of=chargeback, transaction__kind=Kind.REPAYMENT)
    return [(one.debit_account.kind, one.amount_kobo) for one in entries.order_by("id")]


def stash_kobo(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def move_out(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def test_a_chargeback_takes_the_plan_then_the_stash_and_the_rest_is_owed() -> None:
    plan = make_plan()
    payment = pay_in(plan.user, 5_000, plan=plan)
    move_out(plan, 3_000)
    other = make_plan(plan.user)
    plans.move_to_plan(plan.user, other, amount_kobo=2_000, reference=references.new(Kind.STASH_TO_PLAN))
    chargeback = charge_back(payment, 5_000)
    assert (chargeback.status, chargeback.user, chargeback.refunds) == (Status.SUCCESS, plan.user, payment)
    assert repaid(chargeback) == [("plan", 2_000), ("stash", 1_000)]
    assert (house("receivable"), ledger.receivable_kobo(plan.user)) == (2_000, 2_000)
    assert (ledger.balance_kobo(other.account), house("clearing", "paystack")) == (2_000, 0)
    assert status(payment) == Status.REVERSED


def test_money_that_moved_on_to_a_plan_stays_there_and_is_owed() -> None:
    payment = pay_in(make_user(), 5_000)
    plan = make_plan(payment.user)
    plans.move_to_plan(plan.user, plan, amount_kobo=5_000, reference=references.new(Kind.STASH_TO_PLAN))
    assert repaid(charge_back(payment, 5_000)) == []
    assert (ledger.receivable_kobo(plan.user), ledger.balance_kobo(plan.account)) == (5_000, 5_000)


@pytest.mark.parametrize("ended", ["closed", "matured"])
def test_the_plan_may_be_over(ended: str) -> None:
    with time_machine.travel("2026-06-11T10:00:00Z", tick=False) as clock:
        product = make_product(Product.Kind.LOCKED if ended == "matured" else Product.Kind.FLEXIBLE)
        plan = make_plan(product=product, days=30)
        payment = pay_in(plan.user, 5_000, plan=plan)
        clock.shift(datetime.timedelta(days=30))
        if ended == "closed":
            move_out(plan, 5_000)
            plans.close(plan)
        assert repaid(charge_back(payment, 5_000)) == [("stash" if ended == "closed" else "plan", 5_000)]


def test_a_payment_partly_refunded_is_charged_back_for_the_rest() -> None:
    payment = pay_in(make_user(), 5_000)
    ledger.settle_refund(refund(payment, 2_000))
    ledger.fail_refund(refund(payment, 2_000))
    with pytest.raises(Refused, match="Only ₦30 of this payment is left"):
        charge_back(payment, 3_001)
    charge_back(payment, 1_000)
    assert status(payment) == Status.SUCCESS
    charge_back(payment, 2_000)
    assert status(payment) == Status.REVERSED


def test_a_payment_that_went_back_is_not_charged_back() -> None:
    payment = pay_in(make_user(), 5_000)
    ledger.settle_refund(refund(payment, 5_000))
    with pytest.raises(Refused, match="All of this payment has gone back already"):
        charge_back(payment, 5_000)
    assert not Transaction.objects.filter(kind=Kind.CHARGEBACK).exists()


def test_a_payment_that_is_not_booked_is_not_charged_back() -> None:
    payment = make_transaction(Kind.STASH_DEPOSIT, 100, user=make_user())
    with pytest.raises(Refused, match="No money of this payment has been booked"):
        charge_back(payment, 100)
    with pytest.raises(BadAmount):
        charge_back(pay_in(make_user(), 100), 0)


def test_a_repeat_with_the_same_reference_returns_the_first() -> None:
    payment = pay_in(make_user(), 5_000)
    reference = references.new(Kind.CHARGEBACK)
    first = charge_back(payment, 2_000, reference=reference)
    assert charge_back(payment, 2_000, reference=reference) == first
    assert house("clearing", "paystack") == 3_000
    for other, kobo in ((payment, 2_001), (pay_in(make_user(), 5_000), 2_000)):
        with pytest.raises(ReferenceTaken):
            charge_back(other, kobo, reference=reference)


@pytest.mark.parametrize("owner", ["known", "unknown"])
def test_money_in_suspense_pays_first(owner: str) -> None:
    user = make_user() if owner == "known" else None
    payment = suspend(user, 1_500)
    refund(payment, 200)
    chargeback = charge_back(payment, 1_300)
    assert repaid(chargeback) == [("suspense", 1_300)]
    assert (house("suspense"), ledger.receivable_kobo(user)) == (0, 0)
    assert charge_back(payment, 1_300, reference=chargeback.reference) == chargeback


def test_money_released_to_somebody_is_owed_by_them() -> None:
    payment, owner = suspend(make_user(), 1_500), make_user()
    part = release(payment, owner, 1_000)
    plan = make_plan(owner)
    plans.move_to_plan(owner, plan, amount_kobo=600, reference=references.new(Kind.STASH_TO_PLAN))
    reference = references.new(Kind.CHARGEBACK)
    chargeback = charge_back(payment, 1_500, reference=reference)
    assert repaid(chargeback) == [("suspense", 500), ("stash", 400)]
    assert (chargeback.user, ledger.receivable_kobo(owner)) == (owner, 600)
    assert (status(part), status(payment)) == (Status.REVERSED, Status.CLOSED)
    assert charge_back(payment, 1_500, reference=reference) == chargeback


def test_nothing_about_the_person_stops_it() -> None:
    plan = make_plan()
    payment = pay_in(plan.user, 5_000, plan=plan)
    type(plan.user).objects.filter(pk=plan.user_id).update(is_active=False)
    Account.objects.filter(user=plan.user, kind="stash").delete()
    assert repaid(charge_back(payment, 5_000)) == [("plan", 5_000)]


def test_what_the_payer_paid_for_the_fee_is_charged_back_too() -> None:
    payment = pay_in(make_user(), 30_050)
    Payment.objects.create(transaction=payment, paid_kobo=40_333)
    charge_back(payment, 40_333)
    assert ledger.receivable_kobo(payment.user) == 10_283


def test_it_is_booked_after_the_settlement_of_its_payment() -> None:
    payment = pay_in(make_user(), 5_000)
    Payment.objects.create(transaction=payment, provider_id=7, paid_kobo=5_000, fee_kobo=0)
    ledger.record_settlement(
        reference=references.new(Kind.TREASURY),
        provider_id=1,
        settled_on=datetime.date(2026, 6, 12),
        gross_kobo=5_000,
        fees_kobo=0,
        payment_ids=[7],
    )
    charge_back(payment, 5_000)
    # The provider takes it out of its next settlement.
    assert house("clearing", "paystack") == -5_000


def test_it_counts_from_the_day_of_its_payment() -> None:
    with time_machine.travel("2026-06-11T10:00:00Z", tick=False) as clock:
        payment = pay_in(make_user(), 5_000, plan=None)
        clock.shift(datetime.timedelta(days=20))
        chargeback = charge_back(payment, 5_000)
        entries = Entry.objects.filter(transaction__in=[chargeback, *chargeback.parts.all()])
        assert set(entries.values_list("value_on", flat=True)) == {datetime.date(2026, 6, 11)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_once_book_no_more_than_was_paid() -> None:
    payment = pay_in(make_user(), 5_000)

    def charge(_: int) -> object:
        charge_back(payment, 3_000)
        return "charged"

    assert threads.at_once(charge, 4) == {"charged": 1, Refused: 3}
    assert house("clearing", "paystack") == 2_000
