"""The provider's webhook: its answers, the stored event, and the queued task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from huey.contrib import djhuey
from pytest_django.fixtures import Settings

from savings import ledger, payments, tasks
from savings.models import Payment, Plan, WebhookEvent
from tests.payments import AMOUNT
from tests.provider import Provider
from web.simulator.events import signature

pytestmark = pytest.mark.django_db
HUEY: Any = djhuey.HUEY
URL = "/payments/webhook/paystack/"
BODY = (Path(__file__).parents[2] / "payloads/charge.success.json").read_bytes()


def post(client: Client, body: bytes, signed: str | None = None) -> int:
    if signed is None:
        signed = signature(body, settings.PROVIDER_SECRET_KEY)
    headers = {"x-paystack-signature": signed} if signed else {}
    response = client.post(URL, body, content_type="application/json", headers=headers)
    # An attacker sees only the status.
    assert response.content == b""
    return response.status_code


def work() -> None:
    """Do the work of a worker, with or without the queued task."""
    payments.sweep_events(timezone.now())


def test_the_webhook_url_is_the_one_set_at_the_provider() -> None:
    assert reverse("payments:webhook") == URL


def test_an_event_is_kept_and_handed_to_a_worker(client: Client) -> None:
    assert post(client, BODY) == 200
    event = WebhookEvent.objects.get()
    task = HUEY.dequeue()
    assert isinstance(task, tasks.process_webhook_event.task_class)
    assert task.args == (event.pk,)


def test_a_post_without_a_session_or_a_csrf_token_is_taken() -> None:
    assert post(Client(enforce_csrf_checks=True), BODY) == 200


def test_an_event_is_taken_without_the_final_slash(settings: Settings) -> None:
    for debug in (False, True):
        settings.DEBUG = debug
        headers = {"x-paystack-signature": signature(BODY, settings.PROVIDER_SECRET_KEY)}
        outside = Client(enforce_csrf_checks=True)
        answer = outside.post(URL.rstrip("/"), BODY, content_type="application/json", headers=headers)
        assert answer.status_code == 200
    assert WebhookEvent.objects.get().times_received == 2


def test_a_forged_event_without_the_final_slash_is_refused(client: Client) -> None:
    answer = client.post(URL.rstrip("/"), BODY, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.parametrize("signed", ["", "0" * 128, signature(BODY, "sk_the_key_before"), "\u20ac"])
def test_a_wrong_signature_is_refused(client: Client, signed: str) -> None:
    assert post(client, BODY, signed) == 401
    assert not WebhookEvent.objects.exists()
    assert HUEY.pending_count() == 0


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"event": 5}'])
def test_a_malformed_event_is_refused(client: Client, body: bytes) -> None:
    assert post(client, body) == 400
    assert not WebhookEvent.objects.exists()


def test_65_kib_are_turned_away_unread(client: Client) -> None:
    assert post(client, b" " * 65 * 1024) == 413
    assert not WebhookEvent.objects.exists()


def test_64_kib_are_taken(client: Client) -> None:
    assert post(client, BODY + b" " * (64 * 1024 - len(BODY))) == 200


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_a_post_is_answered(client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


def test_an_unknown_event_is_kept(client: Client) -> None:
    assert post(client, b'{"event": "never.heard.of", "data": {"id": 1}}') == 200
    work()
    assert WebhookEvent.objects.get().processed_at is not None


def test_a_redis_that_is_gone_does_not_matter(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(task: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(HUEY, "enqueue", fail)
    assert post(client, BODY) == 200
    assert WebhookEvent.objects.get().due_at is not None


def test_a_paid_payment_sends_an_event_and_settles(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment)
    assert provider.deliver() == 1
    work()
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_an_event_sent_twice_counts_once(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "twice")
    assert provider.deliver() == 2
    work()
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert WebhookEvent.objects.get().times_received == 2


def test_an_event_sent_again_after_processing_queues_no_task(
    client: Client, provider: Provider, payment: Payment
) -> None:
    provider.pay(payment, "twice")
    provider.deliver()
    work()
    body = WebhookEvent.objects.get().body.encode()
    HUEY.flush()
    assert post(client, body) == 200
    assert HUEY.pending_count() == 0


def test_a_late_event_settles_late(client: Client, provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay(payment, "late")
    assert provider.deliver() == 0
    provider.change(payment.transaction.reference, succeeds_at=1.0)
    assert provider.deliver(after_seconds=60) == 1
    work()
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_forged_event_posts_nothing_and_is_sent_again_in_vain(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "forged")
    assert provider.deliver() == 0
    work()
    assert ledger.balance_kobo(plan.account) == 0
    assert not WebhookEvent.objects.exists()


def test_an_event_out_of_order_changes_nothing_that_is_done(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "silent")
    payments.settle_payment(payment.transaction.reference)
    message = json.loads(BODY)
    message["data"] |= {"reference": payment.transaction.reference, "status": "failed"}
    assert post(client, json.dumps(message).encode()) == 200
    work()
    assert ledger.balance_kobo(plan.account) == AMOUNT
