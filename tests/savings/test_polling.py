"""Asking about payments of which nothing was heard: when, how often, and what it comes to."""

from __future__ import annotations

import datetime

import httpx
import pytest
import time_machine
from django.utils import timezone

from savings import ledger, payments, polling
from savings.models import Payment, Plan, Transaction
from tests.payments import AMOUNT, start
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status


def poll(payment: Payment, **after: float) -> int:
    """Run the timetable at that age of the payment, and read the payment again."""
    now = payment.transaction.created_on + datetime.timedelta(**after)
    with time_machine.travel(now, tick=False):
        answered = polling.poll_due(now)
    payment.refresh_from_db()
    return answered


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there")


def test_a_payment_nobody_told_of_is_found(provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay(payment, "silent")
    assert poll(payment, minutes=9) == 0
    assert poll(payment, minutes=10) == 1
    assert payment.transaction.status == Status.SUCCESS
    assert payment.next_poll_at is None
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_payment_is_asked_about_five_times(provider: Provider, payment: Payment) -> None:
    minutes = [m for m in [*range(0, 60, 10), *range(60, 60 * 48, 60)] if poll(payment, minutes=m)]
    assert minutes == [10, 30, 60, 180, 1440]
    assert payment.polls == 5
    assert payment.next_poll_at is None


def test_a_timetable_that_stood_still_asks_once(provider: Provider, payment: Payment) -> None:
    assert poll(payment, hours=2) == 1
    assert payment.next_poll_at == payment.transaction.created_on + datetime.timedelta(hours=3)


def test_a_payment_left_at_the_provider_is_over_after_the_last_time(
    provider: Provider, payment: Payment
) -> None:
    poll(payment, hours=3)
    assert payment.transaction.status == Status.PENDING
    poll(payment, hours=24)
    assert (payment.transaction.status, payment.transaction.failure_code) == (Status.ABANDONED, "left")


def test_a_declined_payment_is_over_at_once_and_still_watched(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "declined")
    poll(payment, minutes=10)
    assert payment.transaction.status == Status.FAILED
    provider.pay(payment, "silent")
    poll(payment, minutes=30)
    assert payment.transaction.status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_payment_without_an_end_is_left_to_a_person(provider: Provider, payment: Payment) -> None:
    provider.change(payment.transaction.reference, status="ongoing")
    poll(payment, hours=24)
    assert (payment.transaction.status, payment.review_reason) == (Status.REVIEW, "no_answer")
    assert payment.next_poll_at is None


def test_a_payment_left_to_a_person_counts_when_it_is_paid_after_all(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.change(payment.transaction.reference, status="ongoing")
    poll(payment, hours=24)
    provider.pay(payment, "silent")
    movement = payments.settle(payment.transaction.reference)
    assert movement is not None
    assert movement.status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_payment_the_provider_has_lost_is_left_to_a_person(provider: Provider, payment: Payment) -> None:
    provider.instead = lambda request: httpx.Response(404, json={"status": False, "message": "Not found"})
    poll(payment, hours=24)
    assert (payment.transaction.status, payment.review_reason) == (Status.REVIEW, "no_answer")


def test_a_payment_that_never_reached_the_provider_is_over(provider: Provider, plan: Plan) -> None:
    provider.instead = away
    payment = start(plan)
    provider.instead = None
    poll(payment, minutes=10)
    assert payment.transaction.status == Status.PENDING
    poll(payment, hours=24)
    assert (payment.transaction.status, payment.transaction.failure_code) == (Status.ABANDONED, "never_sent")


def test_a_provider_that_is_away_is_asked_again_and_stops_the_run(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    start(plan)
    provider.instead = away
    before = len(provider.requests)
    assert poll(payment, hours=24, minutes=1) == 0
    assert len(provider.requests) == before + 1
    assert payment.transaction.status == Status.PENDING
    assert payment.next_poll_at == payment.transaction.created_on + datetime.timedelta(hours=24, minutes=16)


def test_a_provider_that_stays_away_is_given_up_after_three_days(
    provider: Provider, payment: Payment
) -> None:
    provider.instead = away
    poll(payment, hours=73)
    assert (payment.transaction.status, payment.review_reason) == (Status.REVIEW, "no_answer")


def test_a_payment_that_somebody_else_is_asking_about_is_left_alone(
    provider: Provider, payment: Payment
) -> None:
    stale = Payment.objects.select_related("transaction").get(pk=payment.pk)
    poll(payment, minutes=10)
    assert not polling._claim(stale, timezone.now())


def test_a_poll_whose_worker_died_is_made_up_after_the_lease(provider: Provider, payment: Payment) -> None:
    now = payment.transaction.created_on + datetime.timedelta(hours=24)
    assert polling._claim(payment, now)
    assert poll(payment, hours=24, minutes=1) == 0
    assert poll(payment, hours=24, minutes=6) == 1
    assert payment.transaction.status == Status.ABANDONED
