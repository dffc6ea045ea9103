"""Card payments from the first click to the entry: every way in which they can end, to the kobo."""

from __future__ import annotations

import datetime
from typing import Any

import httpx
import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, mails, payments, plans, references
from savings.exceptions import BadAmount, ProviderUnavailable, ReferenceTaken, Refused
from savings.models import Entry, OutboxRow, Payment, Plan, Product, Transaction, User
from savings.payments import checkout
from tests import factories
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status


def house_kobo(kind: str) -> int:
    return ledger.balance_kobo(ledger.house_account(kind, "paystack" if kind == "clearing" else ""))


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there")


# Starting


def test_a_payment_is_stored_and_announced(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    assert payment.checkout_url.startswith("http")
    assert payment.sent_at is not None
    assert payment.transaction.status == Status.PENDING
    assert payment.next_poll_at == payment.transaction.created_on + datetime.timedelta(minutes=10)
    assert ledger.balance_kobo(plan.account) == 0


def test_the_same_reference_again_is_the_same_payment(provider: Provider, plan: Plan) -> None:
    reference = references.new(Transaction.Kind.TOP_UP)
    first, second = (start(plan, reference=reference) for _ in range(2))
    assert first == second
    assert first.checkout_url == second.checkout_url
    assert provider.paths() == ["POST /transaction/initialize"]


def test_the_same_reference_for_another_sum_is_refused(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    with pytest.raises(ReferenceTaken):
        start(plan, AMOUNT + 1, reference=payment.transaction.reference)


@pytest.mark.parametrize("amount_kobo", [-1, 0, 99_99, 10_000_000_01, 10**30])
def test_a_sum_outside_the_limits_is_refused(provider: Provider, plan: Plan, amount_kobo: int) -> None:
    with pytest.raises(BadAmount):
        start(plan, amount_kobo)
    assert not Transaction.objects.exists()
    assert provider.requests == []


def test_a_plan_cannot_be_filled_above_its_limit(provider: Provider, settings: Settings) -> None:
    plan = factories.make_plan(holding_kobo=AMOUNT)
    settings.PLAN_MAX_KOBO = 2 * AMOUNT - 1
    with pytest.raises(BadAmount, match="at most"):
        start(plan)


def test_a_closed_plan_takes_no_payment(provider: Provider, plan: Plan) -> None:
    plans.close(plan)
    with pytest.raises(Refused, match="closed"):
        start(plan)
    assert not Transaction.objects.exists()


def test_a_matured_plan_takes_no_payment(provider: Provider) -> None:
    plan = factories.make_plan(product=factories.make_product(Product.Kind.LOCKED), days=30)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=31)), pytest.raises(Refused):
        start(plan)


def test_a_provider_that_is_away_leaves_the_payment_to_be_sent_again(provider: Provider, plan: Plan) -> None:
    provider.instead = away
    payment = start(plan)
    assert (payment.checkout_url, payment.sent_at) == ("", None)
    assert payment.transaction.status == Status.PENDING
    provider.instead = None
    assert payments.send_to_provider(payment)
    assert payment.checkout_url


def test_a_payment_whose_page_got_lost_is_over(
    provider: Provider, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "TWIN_SECONDS", 0)

    def lose(request: httpx.Request) -> httpx.Response:
        provider.simulator.handle_request(request)
        raise httpx.ReadTimeout("too late")

    provider.instead = lose
    payment = start(plan)
    provider.instead = None
    assert not payments.send_to_provider(payment)
    payment.refresh_from_db()
    assert (payment.transaction.status, payment.transaction.failure_code) == (Status.ABANDONED, "page_lost")


def test_a_payment_that_the_provider_will_not_take_has_failed(provider: Provider, plan: Plan) -> None:
    provider.instead = lambda request: httpx.Response(
        400, json={"status": False, "message": "Invalid Email Address Passed"}
    )
    payment = start(plan)
    payment.refresh_from_db()
    assert (payment.transaction.status, payment.transaction.failure_code) == (Status.FAILED, "refused")
    assert payment.provider_message == "Invalid Email Address Passed"


# Settling


def test_a_paid_top_up_is_in_the_plan(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment)
    movement = settle(payment)
    payment.refresh_from_db()
    assert (movement.status, movement.plan) == (Status.SUCCESS, plan)
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert house_kobo("clearing") == AMOUNT - 475_00
    assert (payment.paid_kobo, payment.fee_kobo, payment.card) == (AMOUNT, 475_00, "Visa ··4081")
    assert payment.next_poll_at is None


def test_a_paid_deposit_is_in_the_stash(provider: Provider) -> None:
    user = factories.make_user()
    payment = payments.start_payment(
        user, plan=None, amount_kobo=AMOUNT, reference=references.new("stash_deposit")
    )
    provider.pay(payment)
    assert settle(payment).status == Status.SUCCESS
    assert ledger.balance_kobo(ledger.stash_account(user)) == AMOUNT


def test_settling_again_changes_nothing(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment)
    settle(payment)
    asked = len(provider.requests)
    settle(payment)
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert OutboxRow.objects.filter(transaction=payment.transaction).count() == 1
    assert len(provider.requests) == asked


def test_the_receipt_and_the_posting_are_one_commit(
    provider: Provider, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = start(plan)
    provider.pay(payment)

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(mails, "top_up_received", fail)
    with pytest.raises(RuntimeError):
        settle(payment)
    assert not Entry.objects.exists()
    assert Transaction.objects.get().status == Status.PENDING


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("declined", Status.FAILED, "failed"),
        ("abandon", Status.ABANDONED, "left"),
        ("late", Status.PENDING, ""),
    ],
)
def test_a_payment_that_was_not_paid_moves_no_money(
    provider: Provider, plan: Plan, outcome: str, status: str, code: str
) -> None:
    payment = start(plan)
    provider.pay(payment, outcome)
    movement = settle(payment)
    assert (movement.status, movement.failure_code) == (status, code)
    assert not Entry.objects.exists()
    assert not OutboxRow.objects.exists()


@pytest.mark.parametrize("outcome", ["declined", "abandon"])
def test_a_payment_paid_after_all_counts(provider: Provider, plan: Plan, outcome: str) -> None:
    payment = start(plan)
    provider.pay(payment, outcome)
    settle(payment)
    provider.pay(payment)
    movement = settle(payment)
    assert (movement.status, movement.failure_code) == (Status.SUCCESS, "")
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_person_about_to_pay_has_not_left(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    movement = payments.settle_payment(payment.transaction.reference, payer_left=False)
    assert movement is not None
    assert movement.status == Status.PENDING


def test_a_provider_that_is_away_changes_nothing(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment)
    provider.instead = away
    with pytest.raises(ProviderUnavailable):
        payments.settle_payment(payment.transaction.reference)
    assert Transaction.objects.get().status == Status.PENDING


def test_a_status_nobody_knows_changes_nothing(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.change(payment.transaction.reference, status="ongoing")
    assert settle(payment).status == Status.PENDING


def test_what_the_person_sees_changes_with_the_payment(provider: Provider, plan: Plan) -> None:
    def version() -> int:
        return User.objects.get(pk=plan.user_id).version

    versions = [version()]
    payment = start(plan)
    versions.append(version())
    provider.pay(payment, "silent")
    settle(payment)
    versions.append(version())
    assert versions[0] < versions[1] < versions[2]


@pytest.mark.parametrize(
    "changes",
    [{"paid_kobo": -1}, {"fee_kobo": -1}, {"checkout_url": "https://checkout.example/1", "sent_at": None}],
)
def test_the_database_refuses_a_payment_that_cannot_be(plan: Plan, changes: dict[str, Any]) -> None:
    payment = start(plan)
    with pytest.raises(IntegrityError, match="payment_"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**changes)
