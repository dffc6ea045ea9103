"""Payments that several workers get hold of at the same time, with real threads and real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client

from savings import ledger, payments, plans, references
from savings.ledger import checks
from savings.models import Entry, OutboxRow, Payment, Plan, Transaction, WebhookEvent
from tests import cards
from tests.factories import make_plan
from tests.payments import AMOUNT, start
from tests.provider import Provider
from web.simulator import events

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books_balance(db: None) -> Iterator[None]:
    """Whoever was first, the ledger checks find nothing wrong after it."""
    yield
    assert list(checks.wrong_rows()) == []


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Make these calls in threads that all start at the same moment, and return what came of each."""
    together = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(index: int) -> None:
        together.wait()
        try:
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_the_event_the_return_page_and_the_poll_post_once(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "twice")
    provider.deliver()
    event = WebhookEvent.objects.get()
    reference = payment.transaction.reference
    browser = Client()
    browser.force_login(plan.user)
    Payment.objects.update(next_poll_at=payment.transaction.created_on)
    results = at_once(
        lambda: payments.process_event(event.pk),
        lambda: payments.process_event(event.pk),
        lambda: browser.get(f"/payments/return/{reference}/").status_code,
        lambda: payments.settle_payment(reference),
        lambda: payments.settle_payment(reference),
        lambda: payments.poll_due_payments(payment.transaction.created_on),
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert results[2] == 302
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert sorted(Entry.objects.values_list("code", flat=True)) == ["cost", "primary"]
    assert OutboxRow.objects.filter(kind="top_up_received").count() == 1


def test_a_late_fee_is_posted_once(provider: Provider, payment: Payment) -> None:
    reference = payment.transaction.reference
    provider.pay(payment, "silent")
    provider.say(payment, fees=None)
    payments.settle_payment(reference)
    provider.say(payment, fees=475_00)
    results = at_once(
        *[lambda: payments.settle_payment(reference)] * 3,
        *[lambda: payments.post_late_fee(reference, fee_kobo=475_00)] * 3,
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert Entry.objects.get(code="cost").amount_kobo == 475_00


def test_two_payments_that_are_one_at_the_provider_are_credited_once(provider: Provider, plan: Plan) -> None:
    both = [start(plan), start(make_plan())]
    for payment in both:
        provider.pay(payment, "silent")
        provider.say(payment, id=4099260516)
    results = at_once(
        *[lambda reference=p.transaction.reference: payments.settle_payment(reference) for p in both]
    )
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sorted(Transaction.objects.values_list("status", flat=True)) == ["review", "success"]
    assert sorted(Entry.objects.values_list("code", flat=True)) == ["cost", "primary"]
    assert Payment.objects.get(transaction__status="review").review_reason == "same_payment"


def test_the_same_form_sent_twice_at_once_is_one_payment(provider: Provider, plan: Plan) -> None:
    reference = references.new(Transaction.Kind.TOP_UP)
    results = at_once(*[lambda: start(plan, reference=reference).checkout_url] * 5)
    assert len(set(results)) == 1
    assert str(results[0]).startswith("http")
    assert Payment.objects.get().transaction.status == Transaction.Status.PENDING


def test_one_event_delivered_many_times_at_once_is_one_row(provider: Provider) -> None:
    body = b'{"event": "charge.success", "data": {"id": 1, "reference": "x", "status": "success"}}'
    signed = events.signature(body, "sk_test_simulator")
    results = at_once(*[lambda: payments.receive_event(body, signed).pk] * 10)
    assert len(set(results)) == 1
    assert WebhookEvent.objects.get().times_received == 10


@pytest.mark.parametrize("round_", range(3))
def test_a_plan_cannot_close_under_money_that_is_coming(provider: Provider, plan: Plan, round_: int) -> None:
    payment = start(plan)
    reference = payment.transaction.reference
    provider.pay(payment, "abandon")
    payments.settle_payment(reference)
    provider.pay(payment, "silent")
    at_once(lambda: payments.settle_payment(reference), lambda: plans.close(Plan.objects.get(pk=plan.pk)))
    plan.refresh_from_db()
    held_kobo = ledger.balance_kobo(plan.account)
    assert held_kobo + ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT
    assert held_kobo == 0 or not plan.is_closed


def test_two_clicks_at_once_charge_a_card_once(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user)
    reference = references.new(Transaction.Kind.TOP_UP)
    results = at_once(*[lambda: cards.charge(card, plan=plan, reference=reference)] * 4)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert provider.paths().count("POST /transaction/charge_authorization") == 1
    movement = Transaction.objects.get(reference=reference)
    assert movement.status == Transaction.Status.SUCCESS
    assert movement.entries.filter(code=Entry.Code.PRIMARY).count() == 1
