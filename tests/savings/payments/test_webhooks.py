"""The inbox of the provider's events: forged, broken, doubled, replayed, out of order, early, late."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, outbox, payments, references, tracing
from savings.exceptions import ForgedEvent, MalformedEvent
from savings.models import Account, Entry, Payment, Plan, Transaction, User, WebhookEvent
from savings.payments import derived_references, webhooks
from tests.factories import make_user
from tests.payments import AMOUNT, start
from tests.provider import Provider
from web.simulator.events import signature

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
PAYLOADS = Path(__file__).parents[2] / "payloads"
KEY = "sk_test_simulator"


def payload(name: str, **changes: Any) -> bytes:
    """A body as the provider writes it, with some of its data changed."""
    message = json.loads((PAYLOADS / f"{name}.json").read_text())
    message["data"].update(changes)
    return json.dumps(message).encode()


def receive(body: bytes) -> WebhookEvent:
    return payments.receive_event(body, signature(body, KEY))


def process(event: WebhookEvent) -> WebhookEvent:
    payments.process_event(event.pk)
    event.refresh_from_db()
    return event


def success(payment: Payment, **changes: Any) -> bytes:
    return payload("charge.success", reference=payment.transaction.reference, **changes)


# Receiving


def test_an_event_is_kept_as_it_came() -> None:
    body = payload("charge.success")
    event = receive(body)
    assert (event.event, event.reference) == ("charge.success", "TOP01M85MW6EM6C1D15Q")
    assert event.body == body.decode()
    assert event.processed_at is None


@pytest.mark.parametrize(
    "given", ["", "0" * 128, "not hex at all", "é" * 128, signature(payload("charge.success"), "sk_old_key")]
)
def test_an_event_without_the_right_signature_is_not_kept(given: str) -> None:
    with pytest.raises(ForgedEvent):
        payments.receive_event(payload("charge.success"), given)
    assert not WebhookEvent.objects.exists()


def test_a_signature_of_another_body_is_not_right() -> None:
    with pytest.raises(ForgedEvent):
        payments.receive_event(payload("charge.success", amount=1), signature(payload("charge.success"), KEY))


def test_a_signature_in_capitals_is_right() -> None:
    body = payload("charge.success")
    assert payments.receive_event(body, signature(body, KEY).upper())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"5",
        b'"event"',
        b"{}",
        b'{"event": null, "data": {}}',
        b'{"event": "", "data": {}}',
        b'{"event": ["charge.success"], "data": {}}',
        b"[" * 60_000,
        b'{"event": "charge.success", "data": {"id": ' + b"9" * 5_000 + b"}}",
        b" " * (64 * 1024 + 1),
    ],
)
def test_what_is_not_an_event_is_not_kept(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        receive(body)
    assert not WebhookEvent.objects.exists()


def test_an_event_of_64_kib_is_kept() -> None:
    body = payload("charge.success")
    assert receive(body + b" " * (64 * 1024 - len(body)))


@pytest.mark.parametrize("data", ["null", "[]", '"text"', "5"])
def test_an_event_about_nothing_is_kept_and_changes_nothing(provider: Provider, data: str) -> None:
    event = process(receive(b'{"event": "charge.success", "data": %s}' % data.encode()))
    assert event.needs_staff
    assert not Transaction.objects.exists()


def test_texts_that_no_database_keeps_are_cleaned() -> None:
    event = receive(b'{"event": "odd\\u0000", "data": {"id": 1, "reference": "a\\ud800b"}}')
    event.refresh_from_db()
    assert (event.event, event.reference) == ("odd", "a?b")


def test_long_texts_are_cut() -> None:
    body = json.dumps({"event": "e" * 500, "data": {"id": 1, "reference": "r" * 500}}).encode()
    assert len(receive(body).reference) == 100


def test_the_same_event_again_is_counted_on_one_row() -> None:
    first = receive(payload("charge.success"))
    # The provider's retry need not be the same bytes.
    again = receive(payload("charge.success", fees=1))
    assert first == again
    assert again.times_received == 2


@pytest.mark.parametrize(
    "changes",
    [{"id": 1}, {"reference": "ANOTHER"}, {"status": "reversed"}, {"amount": 1}, {"currency": "USD"}],
)
def test_an_event_that_says_something_else_is_another(changes: dict[str, object]) -> None:
    assert receive(payload("charge.success")) != receive(payload("charge.success", **changes))


def test_two_refunds_of_one_payment_are_two_events() -> None:
    first = receive(payload("refund.processed"))
    assert first != receive(payload("refund.processed", refund_reference="132013318361"))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("refund.processed", "TOP01M85MW6EM6C1D15Q"),
        ("charge.dispute.create", "TOP01M85MW6EM6C1D15Q"),
        ("transfer.success", "stw01m85mw6em6c1d15q"),
        ("customeridentification.success", ""),
    ],
)
def test_the_reference_is_found_where_each_event_has_it(name: str, reference: str) -> None:
    assert receive(payload(name)).reference == reference


# Processing


def test_a_success_is_settled(provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay(payment, "silent")
    event = process(receive(success(payment)))
    assert (event.note, event.needs_staff, event.error) == ("Settled.", False, "")
    assert event.processed_at is not None
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_replay_changes_nothing(provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay(payment, "silent")
    event = process(receive(success(payment)))
    process(receive(success(payment)))
    process(receive(success(payment, id=77)))
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert event == WebhookEvent.objects.get(times_received=2)
    assert sorted(Entry.objects.values_list("code", flat=True)) == ["cost", "primary"]


@pytest.mark.parametrize(
    "changes", [{"amount": 1, "requested_amount": 1}, {"currency": "USD"}, {"amount": 10**15}]
)
def test_the_events_own_figures_are_not_believed(
    provider: Provider, payment: Payment, plan: Plan, changes: dict[str, object]
) -> None:
    provider.pay(payment, "silent")
    process(receive(success(payment, **changes)))
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_success_that_the_provider_does_not_confirm_posts_nothing(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    event = process(receive(success(payment)))
    assert event.processed_at is None
    assert event.due_at is not None
    assert "does not confirm it yet" in event.error
    assert not Entry.objects.exists()


def test_a_success_that_is_confirmed_later_is_found_by_the_sweep(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    process(receive(success(payment)))
    provider.pay(payment, "silent")
    later = timezone.now() + datetime.timedelta(minutes=2)
    with time_machine.travel(later):
        assert payments.sweep_events(later) == 1
    assert ledger.balance_kobo(plan.account) == AMOUNT


@pytest.mark.parametrize(
    ("changes", "kobo"), [({"amount": AMOUNT - 1}, AMOUNT - 1), ({"currency": "USD"}, 0)]
)
def test_other_money_than_asked_for_is_left_to_a_person(
    provider: Provider, payment: Payment, changes: dict[str, object], kobo: int
) -> None:
    provider.pay(payment, "silent")
    provider.change(payment.transaction.reference, **changes)
    event = process(receive(success(payment)))
    assert event.needs_staff
    assert payment.transaction.reference in event.note
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.SUSPENSE)) == kobo


NOT_OURS = ["unknown-1", "order_1042", "../transfer", "x" * 400, "TOP123", "TOP01M85MW6EM6C1D15U", "7f3b2c"]


@pytest.mark.parametrize("reference", NOT_OURS)
@pytest.mark.parametrize("outcome", ["silent", "declined"])
def test_a_payment_of_another_shop_is_recorded_and_nothing_else(
    provider: Provider, caplog: pytest.LogCaptureFixture, reference: str, outcome: str
) -> None:
    provider.announce(reference, 70_00, outcome=outcome)
    event = process(receive(payload("charge.success", reference=reference)))
    assert event.processed_at is not None
    assert (event.needs_staff, event.error) == (False, "")
    assert event.note == "Stored. This is not about a transaction of ours."
    assert not Transaction.objects.exists()
    assert provider.requests == []
    assert caplog.records == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((f"refund.{state}", {"transaction_reference": "order-7"}) for state in ("pending", "failed")),
        ("refund.processed", {"transaction_reference": "order-7", "reference": "refund-7"}),
        ("charge.dispute.create", {"transaction": {"reference": "order-7"}}),
        ("charge.dispute.resolve", {"transaction": None, "transaction_reference": "order-7"}),
        ("transfer.success", {"reference": "payroll-2026-11-ada"}),
        ("transfer.failed", {"reference": "payroll-2026-11-ada"}),
        ("transfer.reversed", {"reference": "payroll-2026-11-ada"}),
    ],
)
def test_other_events_of_another_shop_are_recorded_and_nothing_else(
    provider: Provider, caplog: pytest.LogCaptureFixture, name: str, changes: dict[str, object]
) -> None:
    samples = {
        "refund": "refund.processed",
        "transfer": "transfer.success",
        "charge": "charge.dispute.create",
    }
    body = json.loads(payload(samples[name.split(".", maxsplit=1)[0]], **changes))
    event = process(receive(json.dumps(body | {"event": name}).encode()))
    assert event.processed_at is not None
    assert (event.needs_staff, event.error) == (False, "")
    assert caplog.records == []


def test_a_reference_in_our_form_that_we_do_not_have_is_left_to_a_person(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.announce("TOP01M85MW6EM6C1D15Q", 70_00, outcome="silent")
    event = process(receive(payload("charge.success")))
    process(receive(payload("charge.success")))
    assert event.needs_staff
    assert event.note.startswith("Nothing was posted: there is no such transaction here.")
    assert not Transaction.objects.exists()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_success_without_a_reference_is_left_to_a_person(provider: Provider) -> None:
    event = process(receive(payload("charge.success", reference="")))
    assert event.needs_staff
    assert event.note.startswith("Nothing was posted")


def test_a_refund_with_a_reference_of_its_own_is_found_by_the_payment_s(
    provider: Provider, payment: Payment
) -> None:
    own = payment.transaction.reference
    event = process(receive(payload("refund.processed", reference="refund-7", transaction_reference=own)))
    assert event.reference == own
    assert event.error.endswith("the provider does not list one yet.")


def test_a_transfer_of_ours_is_found_in_small_letters(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_user()
    with transaction.atomic():
        movement, _ = ledger.open_transaction(
            reference=references.new(Transaction.Kind.STASH_WITHDRAWAL),
            kind=Transaction.Kind.STASH_WITHDRAWAL,
            user=user,
            amount_kobo=5_000_00,
        )
        ledger.change_status(movement, Transaction.Status.FAILED, only_from=[Transaction.Status.PENDING])
    before = User.objects.get(pk=user.pk).version
    event = process(receive(payload("transfer.success", reference=movement.reference.lower())))
    assert event.needs_staff
    assert User.objects.get(pk=user.pk).version > before
    assert caplog.records == []


def test_money_that_an_earlier_version_took_into_suspense_goes_on_needing_a_person(
    provider: Provider,
) -> None:
    with transaction.atomic():
        ledger.open_transaction(
            reference=derived_references.suspense("order-7"),
            kind=Transaction.Kind.ADJUSTMENT,
            user=None,
            amount_kobo=70_00,
        )
    event = process(receive(payload("transfer.success", reference="order-7")))
    assert event.needs_staff


def test_a_transfer_that_nobody_here_asked_for_says_so(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "silent")
    payments.settle_payment(payment.transaction.reference)
    unknown = process(receive(payload("transfer.success")))
    assert unknown.needs_staff
    assert "there is no such transaction here" in unknown.note
    not_a_payout = process(
        receive(payload("transfer.success", reference=payment.transaction.reference.lower()))
    )
    assert not_a_payout.needs_staff
    assert "this is not the reference of a payout" in not_a_payout.note
    assert ledger.balance_kobo(plan.account) == AMOUNT


@pytest.mark.parametrize("name", ["refund.processed", "charge.dispute.create"])
def test_a_refund_or_dispute_of_a_payment_that_we_do_not_have_is_left_to_a_person(
    provider: Provider, name: str
) -> None:
    event = process(receive(payload(name)))
    assert event.needs_staff
    assert event.note.startswith("Nothing was posted: there is no such transaction here.")
    assert provider.requests == []


def test_an_event_of_no_concern_is_kept(provider: Provider) -> None:
    event = process(receive(payload("customeridentification.success")))
    assert event.processed_at is not None
    assert not event.needs_staff
    assert provider.requests == []


def test_a_refund_told_before_the_success_does_not_stop_it(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "silent")
    process(receive(payload("refund.processed", transaction_reference=payment.transaction.reference)))
    process(receive(success(payment)))
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_success_whose_review_is_closed_needs_nobody(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "wrong-amount")
    payments.settle_payment(payment.transaction.reference)
    payments.release_from_suspense(
        Transaction.objects.get(pk=payment.transaction_id),
        reference=references.new("top_up"),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="The rest comes later",
        plan=payment.transaction.plan,
    )
    event = process(receive(success(payment)))
    assert (event.needs_staff, event.error) == (False, "")
    assert event.note.endswith("its review is closed.")


# When something goes wrong


def test_events_that_cannot_be_processed_do_not_stop_the_others(
    provider: Provider, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [receive(success(start(plan))) for _ in range(6)]
    paid = [start(plan) for _ in range(5)]
    for payment in paid:
        provider.pay(payment, "silent")
        receive(success(payment))
    for event in broken:
        provider.change(event.reference, status="success", amount=15000.5)
    assert payments.sweep_events(timezone.now()) == 5
    assert ledger.balance_kobo(plan.account) == 5 * AMOUNT
    for event in broken:
        event.refresh_from_db()
        assert event.error.startswith("UnclearAnswer: ")
        assert "15000.5" in event.error
        assert event.due_at is not None
        assert event.due_at > timezone.now()
        assert sum(f"event {event.pk} is" in record.getMessage() for record in caplog.records) == 1


def test_an_event_whose_failure_cannot_even_be_stored_does_not_stop_the_others(
    provider: Provider, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (receive(success(start(plan))) for _ in range(2))
    provider.pay(Payment.objects.get(transaction__reference=second.reference), "silent")
    put_off = webhooks._postpone

    def fail(event: WebhookEvent, error: Exception) -> None:
        if event == first:
            raise RuntimeError("no way to store that")
        put_off(event, error)

    monkeypatch.setattr(webhooks, "_postpone", fail)
    assert payments.sweep_events(timezone.now()) == 1


def test_a_sweep_stops_where_the_database_is_away(
    provider: Provider, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        receive(success(start(plan)))
    called = []

    def gone(event_id: int) -> bool:
        called.append(event_id)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(webhooks, "_process", gone)
    monkeypatch.setattr(outbox, "is_database_away", lambda error: True)
    assert payments.sweep_events(timezone.now()) == 0
    assert len(called) == 1


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there")


def test_a_provider_that_is_away_is_asked_again(provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay(payment, "silent")
    provider.instead = away
    event = process(receive(success(payment)))
    assert event.error.startswith("ProviderUnavailable")
    assert not payments.sweep_events(timezone.now())
    provider.instead = None
    later = timezone.now() + datetime.timedelta(minutes=2)
    with time_machine.travel(later):
        assert payments.sweep_events(later) == 1
    assert ledger.balance_kobo(plan.account) == AMOUNT
    event.refresh_from_db()
    assert event.error == ""


def test_a_provider_that_is_away_is_asked_once_in_a_sweep(provider: Provider, payment: Payment) -> None:
    provider.instead = away
    before = len(provider.requests)
    for number in range(5):
        receive(success(payment, id=number))
    payments.sweep_events(timezone.now())
    assert len(provider.requests) == before + 1


def test_tries_end_and_then_a_person_has_to_look(provider: Provider, payment: Payment) -> None:
    event = receive(success(payment))
    now = timezone.now()
    for _ in range(20):
        now += datetime.timedelta(days=3)
        with time_machine.travel(now):
            payments.sweep_events(now)
    event.refresh_from_db()
    assert (event.tries, event.due_at, event.needs_staff) == (9, None, True)
    assert event.processed_at is None


def test_an_event_whose_worker_died_is_found_after_the_lease(
    provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "silent")
    event = receive(success(payment))
    now = timezone.now()
    WebhookEvent.objects.update(due_at=now + datetime.timedelta(minutes=5), tries=1)
    assert not payments.process_event(event.pk)
    with time_machine.travel(now + datetime.timedelta(minutes=6)):
        assert payments.process_event(event.pk)
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_processed_event_is_not_processed_again(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "silent")
    event = process(receive(success(payment)))
    asked = len(provider.requests)
    assert not payments.process_event(event.pk)
    assert len(provider.requests) == asked


def test_a_new_secret_key_is_what_counts(settings: Settings) -> None:
    body = payload("charge.success")
    settings.PROVIDER_SECRET_KEY = "sk_new"
    with pytest.raises(ForgedEvent):
        receive(body)
    assert payments.receive_event(body, signature(body, "sk_new"))


def test_only_the_same_event_is_taken_for_a_duplicate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other refusal of the database is an error, so that the provider sends the event again."""
    monkeypatch.setattr(tracing.follower, "traceparent", lambda: None)
    with pytest.raises(IntegrityError), transaction.atomic():
        receive(payload("charge.success"))
    assert not WebhookEvent.objects.exists()
