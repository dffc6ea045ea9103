"""Refunds: set aside first, made or not made by the provider, in whole or in parts."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine

from savings import ledger, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Dispute, Entry, ManualPosting, Payment, Plan, Transaction
from tests.factories import make_plan, make_transaction, make_user, pay_in, reverse_as_before
from tests.refunds import house, people, refund, release, suspend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Status = Transaction.Status


def status(transaction: Transaction) -> str:
    return Transaction.objects.values_list("status", flat=True).get(pk=transaction.pk)


def test_a_refund_is_set_aside_and_then_made() -> None:
    plan = make_plan()
    payment = pay_in(plan.user, 5_000, plan=plan)
    back = refund(payment, 3_000)
    assert (back.status, back.user, back.plan, back.refunds) == (Status.PENDING, plan.user, plan, payment)
    assert (ledger.balance_kobo(plan.account), house("refunds_due")) == (2_000, 3_000)
    assert ledger.settle_refund(back)
    assert (house("refunds_due"), house("clearing", "paystack")) == (0, 2_000)
    assert not ledger.settle_refund(back)
    assert not ledger.fail_refund(back)
    assert ManualPosting.objects.get(transaction=back).reason == "Paid twice"


def test_the_payment_is_reversed_once_all_of_it_went_back() -> None:
    payment = pay_in(make_user(), 5_000)
    parts = [refund(payment, 3_000), refund(payment, 2_000)]
    assert ledger.settle_refund(parts[0])
    assert status(payment) == Status.SUCCESS
    assert ledger.settle_refund(parts[1])
    assert status(payment) == Status.REVERSED
    with pytest.raises(Refused, match="Only ₦0 of this payment is left"):
        refund(payment, 1)


def test_no_more_is_refunded_than_is_left() -> None:
    user = make_user()
    payment = pay_in(user, 5_000)
    pay_in(user, 5_000)
    refund(payment, 3_000)
    with pytest.raises(Refused, match="Only ₦20 of this payment is left"):
        refund(payment, 2_001)
    with pytest.raises(BadAmount):
        refund(payment, 0)
    assert Transaction.objects.filter(kind=Kind.REFUND).count() == 1


def test_a_refund_that_failed_goes_back_once_and_can_be_made_again() -> None:
    user = make_user()
    payment = pay_in(user, 5_000)
    back = refund(payment, 5_000)
    assert ledger.fail_refund(back, failure_code="card_closed")
    assert (back.status, back.failure_code) == (Status.FAILED, "card_closed")
    assert not ledger.fail_refund(back)
    assert not ledger.settle_refund(back)
    assert (ledger.balance_kobo(ledger.stash_account(user)), house("refunds_due")) == (5_000, 0)
    assert ledger.settle_refund(refund(payment, 5_000))
    assert status(payment) == Status.REVERSED


def test_a_repeat_with_the_same_reference_returns_the_first() -> None:
    user = make_user()
    payment = pay_in(user, 5_000)
    asked = people() | {"reference": references.new(Kind.REFUND)}
    first = refund(payment, 2_000, **asked)
    assert refund(payment, 2_000, **asked) == first
    assert house("refunds_due") == 2_000
    others: list[dict[str, Any]] = [{"reason": "Other"}, {"approved_by": make_user(is_staff=True)}]
    for other in others:
        with pytest.raises(ReferenceTaken):
            refund(payment, 2_000, **asked | other)
    with pytest.raises(ReferenceTaken):
        refund(payment, 2_001, **asked)
    with pytest.raises(ReferenceTaken):
        refund(pay_in(user, 5_000), 2_000, **asked)


def test_the_caller_may_take_it_from_the_stash_and_from_nowhere_else() -> None:
    plan = make_plan(name="Rent")
    payment = pay_in(plan.user, 5_000, plan=plan)
    pay_in(plan.user, 700)
    asked = people() | {"reference": references.new(Kind.REFUND)}
    from_stash = refund(payment, 700, source="stash", **asked)
    assert from_stash.plan is None
    assert ledger.balance_kobo(plan.account) == 5_000
    with pytest.raises(ReferenceTaken):
        refund(payment, 700, source="plan", **asked)
    with pytest.raises(NotEnoughMoney, match="Stash holds ₦0. Enter up to that."):
        refund(payment, 1, source="stash")
    move_out(plan, 4_000)
    with pytest.raises(NotEnoughMoney, match="Rent holds ₦10"):
        refund(payment, 1_001)
    with pytest.raises(Refused, match="did not go there"):
        refund(payment, 1, source="suspense")
    with pytest.raises(Refused, match="did not go there"):
        refund(pay_in(plan.user, 5), 1, source="plan")


def move_out(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def test_two_people_of_the_staff_and_a_reason_are_needed() -> None:
    payment = pay_in(make_user(), 5_000)
    staff = make_user(is_staff=True)
    for others, sentence in (
        ({"asked_by": staff, "approved_by": staff}, "Someone else"),
        ({"approved_by": make_user()}, "Only staff"),
        ({"reason": " "}, "Give a reason"),
    ):
        with pytest.raises(Refused, match=sentence):
            refund(payment, 1, **people() | others)
    assert not Transaction.objects.filter(kind=Kind.REFUND).exists()


@pytest.mark.parametrize("ended", [Status.PENDING, Status.FAILED, Status.ABANDONED, Status.REVIEW])
def test_a_payment_without_a_booking_is_not_refunded(ended: str) -> None:
    payment = make_transaction(Kind.STASH_DEPOSIT, 100, user=make_user(), status=ended)
    with pytest.raises(Refused, match="No money of this payment has been booked"):
        refund(payment, 100)


def test_a_movement_that_is_no_payment_is_not_refunded() -> None:
    plan = make_plan(holding_kobo=500)
    move_out(plan, 500)
    with pytest.raises(Refused, match="No money of this payment"):
        refund(Transaction.objects.get(kind=Kind.PLAN_TO_STASH), 100)


def test_a_payment_that_the_release_before_reversed_is_not_refunded() -> None:
    payment = pay_in(make_user(), 500)
    reverse_as_before(payment)
    with pytest.raises(Refused, match="This payment was reversed"):
        refund(payment, 100)


def test_a_disputed_payment_is_not_refunded() -> None:
    payment = pay_in(make_user(), 500)
    at_provider = Payment.objects.create(transaction=payment, paid_kobo=500)
    dispute = Dispute.objects.create(payment=at_provider, provider_id=1, amount_kobo=500)
    with pytest.raises(Refused, match="once the dispute is over"):
        refund(payment, 100)
    Dispute.objects.filter(pk=dispute.pk).update(resolved_at=dispute.opened_at)
    assert refund(payment, 100)


@pytest.mark.parametrize("owner", ["known", "unknown"])
def test_money_in_suspense_is_sent_back_and_never_more_than_arrived(owner: str) -> None:
    payment = suspend(make_user() if owner == "known" else None, 1_500)
    suspend(None, 9_000)
    with pytest.raises(Refused, match="Only ₦15"):
        refund(payment, 1_501)
    with pytest.raises(Refused, match="is in suspense"):
        refund(payment, 1, source="stash")
    back = refund(payment, 1_500)
    assert (back.user, back.plan, house("suspense")) == (payment.user, None, 9_000)
    assert ledger.settle_refund(back)
    assert (status(payment), house("clearing", "paystack")) == (Status.CLOSED, 9_000)


def test_a_refund_from_suspense_that_failed_is_in_suspense_again() -> None:
    payment = suspend(None, 1_500)
    assert ledger.fail_refund(refund(payment, 1_000, source="suspense"))
    assert house("suspense") == 1_500
    assert refund(payment, 1_500)


def test_money_released_from_suspense_is_refunded_from_where_it_went() -> None:
    payment, owner = suspend(make_user(), 1_500), make_user()
    part = release(payment, owner, 1_000)
    with pytest.raises(NotEnoughMoney, match="Suspense holds ₦5"):
        refund(payment, 600)
    back = refund(part, 1_000)
    assert (back.user, ledger.balance_kobo(ledger.stash_account(owner))) == (owner, 0)
    assert ledger.settle_refund(back)
    assert (status(part), status(payment)) == (Status.REVERSED, Status.REVIEW)
    assert ledger.settle_refund(refund(payment, 500))
    with pytest.raises(Refused, match="Only ₦0"):
        refund(payment, 1)


def test_the_fee_that_the_payer_bore_counts_as_paid() -> None:
    user = make_user()
    payment = pay_in(user, 30_050)
    pay_in(user, 30_000)
    Payment.objects.create(transaction=payment, paid_kobo=40_333)
    with pytest.raises(Refused, match="Only ₦403.33"):
        refund(payment, 40_334)
    assert ledger.settle_refund(refund(payment, 40_333))
    assert status(payment) == Status.REVERSED


def test_a_refund_of_a_plan_that_closed_meanwhile_goes_to_the_stash() -> None:
    plan = make_plan()
    payment = pay_in(plan.user, 5_000, plan=plan)
    back = refund(payment, 5_000)
    with pytest.raises(Refused, match="on its way"):
        plans.close(plan)
    Plan.objects.filter(pk=plan.pk).update(closed_at=back.created_on)
    assert ledger.fail_refund(back)
    entry = Entry.objects.get(transaction=back, code=Entry.Code.RELEASE)
    assert (entry.credit_account.kind, ledger.balance_kobo(ledger.stash_account(plan.user))) == (
        "stash",
        5_000,
    )


def test_a_refund_counts_from_the_day_of_its_payment() -> None:
    with time_machine.travel("2026-06-11T10:00:00Z", tick=False) as clock:
        plan = make_plan()
        payment = pay_in(plan.user, 5_000, plan=plan)
        clock.shift(datetime.timedelta(days=20))
        back = refund(payment, 5_000)
        ledger.settle_refund(back)
        days = Entry.objects.filter(transaction=back).values_list("value_on", flat=True)
        assert list(days) == [datetime.date(2026, 6, 11)] * 2
