"""Asking about payments of which nothing was heard: when, how often, and what it comes to."""

from __future__ import annotations

import datetime
import functools
import itertools
from typing import Any

import httpx
import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from savings import ledger, payments
from savings.models import OutboxRow, Payment, Plan, Postponement, Transaction
from savings.payments import polling, settlement
from tests.payments import AMOUNT, start
from tests.provider import Answer, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status


def poll(payment: Payment, **after: float) -> int:
    """Run the timetable at that age of the payment, and read the payment again."""
    now = payment.transaction.created_on + datetime.timedelta(**after)
    with time_machine.travel(now, tick=False):
        answered = payments.poll_due_payments(now)
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
    mail = OutboxRow.objects.get()
    assert (mail.kind, mail.user, mail.payload) == (
        "payment_in_review",
        payment.transaction.user,
        {"arrived": ""},
    )


def test_a_payment_left_to_a_person_counts_when_it_is_paid_after_all(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.change(payment.transaction.reference, status="ongoing")
    poll(payment, hours=24)
    provider.pay(payment, "silent")
    movement = payments.settle_payment(payment.transaction.reference)
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


# What a provider may say of a payment that makes no sense, each the problem of that payment alone.
NONSENSE: list[dict[str, object]] = [
    {"amount": 15000.5},
    {"amount": "15000"},
    {"amount": None},
    {"amount": -15000},
    {"amount": 10**30},
    {"amount": True},
    {"amount": [15000]},
    {"currency": None},
    {"currency": 5},
    {"status": None},
    {"status": {"is": "success"}},
    {"status": "", "amount": 0},
    {"reference": "ANOTHER"},
    {"reference": None},
    {"fees": "475"},
    {"fees": -1},
]


def answer(request: httpx.Request, status: int = 200, **changes: object) -> httpx.Response:
    reference = request.url.path.rpartition("/")[2]
    data = {"reference": reference, "status": "success", "amount": AMOUNT, "currency": "NGN"} | changes
    return httpx.Response(status, json={"status": True, "message": "ok", "data": data})


def say(said: dict[str, Any], request: httpx.Request) -> httpx.Response:
    return answer(request, **said)


def broken_off(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the connection broke off")


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer in time")


# Whole answers that are unusable.
UNUSABLE: list[Answer] = [
    lambda request: httpx.Response(200, html="<html>Sign in to the network</html>"),
    lambda request: httpx.Response(200, text='{"status": true, "message": "ok", "data": {"refer'),
    lambda request: httpx.Response(200, json={"status": True, "message": "ok"}),
    lambda request: httpx.Response(200, json={"status": True, "data": []}),
    lambda request: httpx.Response(200, json=[]),
    lambda request: httpx.Response(400, json={"status": False, "message": "No\0 such \ud83d thing"}),
    lambda request: httpx.Response(403, html="<html>Blocked</html>"),
    lambda request: httpx.Response(500, json={"status": False, "message": "Internal error"}),
    lambda request: httpx.Response(502, html="<html>Bad gateway</html>"),
    broken_off,
    too_slow,
]


def test_payments_without_a_usable_answer_do_not_stop_the_paid_ones(
    provider: Provider, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    nonsense: list[Answer] = [functools.partial(say, said) for said in NONSENSE]
    bad = {start(plan): answering for answering in [*UNUSABLE, *nonsense]}
    provider.answers = {f"/transaction/verify/{row.transaction.reference}": said for row, said in bad.items()}
    paid = [start(plan) for _ in range(5)]
    for payment in paid:
        provider.pay(payment, "silent")
    assert poll(paid[-1], minutes=10) == 5
    assert ledger.balance_kobo(plan.account) == 5 * AMOUNT
    for payment in bad:
        payment.refresh_from_db()
        assert payment.transaction.status == Status.PENDING
        postponement = Postponement.objects.get(task="poll_payment", row_id=payment.pk)
        assert postponement.reason
        assert postponement.retry_at == payment.next_poll_at
        logged = [record for record in caplog.records if f"row {payment.pk}," in record.getMessage()]
        assert len(logged) == 1


def test_six_payments_with_half_a_kobo_do_not_stop_the_paid_ones(provider: Provider, plan: Plan) -> None:
    unanswerable = [start(plan) for _ in range(6)]
    paid = [start(plan) for _ in range(5)]
    for payment in unanswerable:
        provider.change(payment.transaction.reference, status="success", amount=15000.5)
    for payment in paid:
        provider.pay(payment, "silent")
    assert poll(paid[-1], minutes=10) == 5
    assert ledger.balance_kobo(plan.account) == 5 * AMOUNT


def test_many_payments_that_the_provider_breaks_at_do_not_stop_the_paid_ones(
    provider: Provider, plan: Plan
) -> None:
    broken = [start(plan) for _ in range(25)]
    paid = start(plan)
    provider.pay(paid, "silent")
    by_path = [f"/transaction/verify/{payment.transaction.reference}" for payment in broken]
    provider.answers = dict.fromkeys(by_path, lambda request: httpx.Response(500))
    assert poll(paid, minutes=10) == 1


def test_a_payment_that_goes_on_failing_is_asked_about_ever_less_often_and_given_up(
    provider: Provider, payment: Payment
) -> None:
    provider.instead = lambda request: answer(request, amount=15000.5)
    before = len(provider.requests)
    hours = []
    for minutes in [*range(0, 12 * 60, 5), *range(12 * 60, 80 * 60, 60)]:
        asked = len(provider.requests)
        poll(payment, minutes=minutes)
        hours += [minutes / 60] * (len(provider.requests) - asked)
    waits = [round((later - earlier) * 60) for earlier, later in itertools.pairwise(hours)]
    assert waits[:7] == [5, 10, 20, 40, 80, 160, 320]
    assert len(provider.requests) - before == len(hours) < 25
    assert (payment.transaction.status, payment.review_reason) == (Status.REVIEW, "no_answer")
    assert payment.next_poll_at is None
    assert not Postponement.objects.exists()


def test_a_payment_that_gets_an_answer_after_all_is_settled_and_its_failures_are_forgotten(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.instead = lambda request: answer(request, amount=15000.5)
    poll(payment, minutes=10)
    provider.instead = None
    provider.pay(payment, "silent")
    assert poll(payment, minutes=25) == 1
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert not Postponement.objects.exists()


def test_a_payment_that_an_event_settles_leaves_no_failure_behind(
    provider: Provider, payment: Payment
) -> None:
    provider.instead = lambda request: answer(request, amount=15000.5)
    poll(payment, minutes=10)
    provider.instead = None
    provider.pay(payment, "silent")
    payments.settle_payment(payment.transaction.reference)
    poll(payment, minutes=11)
    assert not Postponement.objects.exists()


@pytest.mark.parametrize(
    ("status", "asked"),
    # Ten failures in a row and one question whether anybody is there; with a wrong key each further call is futile.
    [(503, 11), (500, 11), (429, 1), (401, 1)],
)
def test_a_provider_that_fails_for_everybody_stops_the_run(
    provider: Provider, plan: Plan, status: int, asked: int
) -> None:
    due = [start(plan) for _ in range(30)]
    provider.instead = lambda request: httpx.Response(status, json={"status": False, "message": "Not now"})
    before = len(provider.requests)
    assert poll(due[-1], minutes=10) == 0
    assert len(provider.requests) == before + asked


def test_a_row_that_the_database_refuses_does_not_stop_the_others(
    provider: Provider, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = start(plan), start(plan)
    provider.pay(bad, "silent")
    provider.pay(good, "silent")
    settle = payments.settle_payment

    def refuse(reference: str, **options: Any) -> Transaction | None:
        if reference == bad.transaction.reference:
            raise IntegrityError("a constraint")
        return settle(reference, **options)

    monkeypatch.setattr(settlement, "settle_payment", refuse)
    assert poll(good, minutes=10) == 1
    assert good.transaction.status == Status.SUCCESS
    assert Postponement.objects.get().reason == "IntegrityError: a constraint"


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


@pytest.mark.parametrize("wait", [None, datetime.timedelta(minutes=5)], ids=["settled", "claimed"])
def test_a_payment_that_is_not_due_any_more_when_its_turn_comes_is_left_alone(
    provider: Provider, payment: Payment, wait: datetime.timedelta | None
) -> None:
    now = payment.transaction.created_on + datetime.timedelta(minutes=10)
    Payment.objects.update(next_poll_at=wait and now + wait)
    before = len(provider.requests)
    assert not polling._poll(payment.pk, now)
    payment.refresh_from_db()
    assert payment.next_poll_at == (wait and now + wait)
    assert len(provider.requests) == before


def test_a_poll_whose_worker_died_is_made_up_after_the_lease(provider: Provider, payment: Payment) -> None:
    now = payment.transaction.created_on + datetime.timedelta(hours=24)
    assert polling._claim(payment, now)
    assert poll(payment, hours=24, minutes=1) == 0
    assert poll(payment, hours=24, minutes=6) == 1
    assert payment.transaction.status == Status.ABANDONED
