"""Money that arrives: what is not as it was asked for waits in suspense, what has nowhere to go is in the stash."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, payments, plans
from savings.models import Account, OutboxRow, Plan, Product, Transaction
from tests import factories
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status


def suspense_kobo_now() -> int:
    return ledger.balance_kobo(ledger.house_account(Account.Kind.SUSPENSE))


@pytest.mark.parametrize(
    ("changes", "reason", "suspense_kobo"),
    [
        ({"amount": AMOUNT - 1}, "less", AMOUNT - 1),
        ({"amount": AMOUNT - 1, "requested_amount": AMOUNT - 1}, "less", AMOUNT - 1),
        ({"amount": AMOUNT + 1, "requested_amount": AMOUNT + 1}, "more", AMOUNT + 1),
        ({"amount": 2 * AMOUNT}, "more", 2 * AMOUNT),
        ({"currency": "USD"}, "foreign_currency", 0),
    ],
)
def test_other_money_waits_in_suspense(
    provider: Provider, plan: Plan, changes: dict[str, object], reason: str, suspense_kobo: int
) -> None:
    payment = start(plan)
    provider.pay(payment)
    provider.change(payment.transaction.reference, **changes)
    movement = settle(payment)
    settle(payment)
    payment.refresh_from_db()
    assert (movement.status, payment.review_reason) == (Status.REVIEW, reason)
    assert suspense_kobo_now() == suspense_kobo
    assert ledger.balance_kobo(plan.account) == 0
    assert not OutboxRow.objects.exists()
    assert payment.next_poll_at is None


def test_half_of_the_money_from_the_simulator_is_less(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "wrong-amount")
    assert settle(payment).status == Status.REVIEW
    assert suspense_kobo_now() == AMOUNT // 2


def test_a_fee_that_the_payer_bears_is_not_more_money(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment)
    provider.change(payment.transaction.reference, amount=AMOUNT + 475_00)
    assert settle(payment).status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_reference_that_is_not_ours_is_not_asked_about(provider: Provider) -> None:
    provider.announce("somebody-elses=1", 70_00, outcome="silent")
    assert payments.settle_payment("somebody-elses=1") is None
    assert provider.requests == []
    assert not Transaction.objects.exists()


def test_money_for_a_plan_closed_meanwhile_goes_to_the_stash(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "abandon")
    settle(payment)
    plans.close(plan)
    provider.pay(payment)
    movement = settle(payment)
    payment.refresh_from_db()
    assert (movement.status, movement.kind, movement.plan) == (Status.SUCCESS, "top_up", None)
    assert payment.meant_for == plan
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT
    assert ledger.balance_kobo(plan.account) == 0


def test_payments_that_together_are_more_than_a_plan_may_hold(
    provider: Provider, plan: Plan, settings: Settings
) -> None:
    settings.PLAN_MAX_KOBO = 2 * AMOUNT - 1
    for payment in [start(plan), start(plan)]:
        provider.pay(payment)
        assert settle(payment).status == Status.SUCCESS
    payment.refresh_from_db()
    assert payment.meant_for == plan
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT


@pytest.mark.parametrize(
    ("at_maturity", "in_plan_kobo"), [(Plan.AtMaturity.STASH, 0), (Plan.AtMaturity.ROLLOVER, AMOUNT)]
)
def test_money_for_a_plan_matured_meanwhile(provider: Provider, at_maturity: str, in_plan_kobo: int) -> None:
    locked = factories.make_product(Product.Kind.LOCKED)
    plan = factories.make_plan(product=locked, days=30, at_maturity=at_maturity)
    payment = start(plan)
    provider.pay(payment)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=31)):
        assert settle(payment).status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == in_plan_kobo
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT - in_plan_kobo
