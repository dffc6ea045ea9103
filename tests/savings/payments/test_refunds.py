"""Refunds at the provider: sent once, whatever happens on the way, and ended by the provider's own answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.utils import timezone

from savings import ledger, payments, references
from savings.exceptions import Refused
from savings.models import Account, Payment, Plan, Postponement, Refund, Transaction, User, WebhookEvent
from tests.factories import make_transaction, make_user
from tests.payments import AMOUNT, settle
from tests.provider import Provider
from web.simulator import money_shapes, notices, refunds, switches
from web.simulator import payments as charges

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind, Status = Account.Kind, Transaction.Status
PART = 10_000_00


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    """A payment of ₦25,000 that is paid and booked."""
    provider.pay(payment)
    settle(payment)
    return payment


@pytest.fixture
def refund(paid: Payment) -> Refund:
    """A refund of ₦10,000 of it that is approved and not sent yet."""
    return request(paid)


def request(paid: Payment, amount_kobo: int = PART, **details: Any) -> Refund:
    usual: dict[str, Any] = {"reference": references.new("refund"), "reason": "Paid twice"}
    people = {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}
    movement = Transaction.objects.get(pk=paid.transaction_id)
    return payments.request_refund(movement, amount_kobo=amount_kobo, **usual | people | details)


def sweep(refund: Refund, *, minutes: int = 0) -> int:
    """Run the timetable some minutes after the refund was requested, and read the refund again."""
    with time_machine.travel(
        refund.transaction.created_on + timedelta(minutes=minutes, seconds=1), tick=False
    ):
        answered = payments.sweep_refunds(timezone.now())
    refund.refresh_from_db()
    return answered


def due() -> int:
    return ledger.balance_kobo(ledger.house_account(Kind.REFUNDS_DUE))


def sent(provider: Provider) -> int:
    """How often a refund was sent to the provider."""
    return provider.paths().count("POST /refund")


def process(event: str, **data: Any) -> WebhookEvent:
    body = json.dumps({"event": event, "data": data}).encode()
    row = payments.receive_event(body, notices.signature(body, "sk_test_simulator"))
    payments.process_event(row.pk)
    row.refresh_from_db()
    return row


def test_a_refund_is_set_aside_then_sent_then_made(provider: Provider, plan: Plan, refund: Refund) -> None:
    assert (ledger.balance_kobo(plan.account), due(), sent(provider)) == (AMOUNT - PART, PART, 0)
    assert sweep(refund) == 1
    assert (refund.provider_status, refund.transaction.status) == ("pending", Status.PENDING)
    assert json.loads(provider.requests[-1].content) == {
        "transaction": refund.payment.transaction.reference,
        "amount": PART,
        "currency": "NGN",
        "merchant_note": refund.transaction.reference,
    }
    assert sweep(refund, minutes=6) == 1
    assert (refund.provider_status, refund.transaction.status) == ("processed", Status.SUCCESS)
    assert (refund.next_poll_at, due(), sent(provider)) == (None, 0, 1)


def test_a_repeat_is_the_first_refund(paid: Payment, refund: Refund) -> None:
    posting = refund.transaction.manual_posting
    again = request(
        paid,
        reference=refund.transaction.reference,
        asked_by=posting.asked_by,
        approved_by=posting.approved_by,
    )
    assert again == refund
    assert due() == PART


def test_only_a_card_payment_is_refunded(saver: User) -> None:
    movement = make_transaction("plan_to_stash", 100, user=saver)
    people: dict[str, Any] = {"asked_by": saver, "approved_by": saver}
    with pytest.raises(Refused, match="Only a card payment"):
        payments.request_refund(
            movement, amount_kobo=100, reason="x", reference=references.new("refund"), **people
        )


def test_a_refund_that_fails_gives_the_money_back(provider: Provider, plan: Plan, refund: Refund) -> None:
    switches.turn("refunds_fail", on=True)
    sweep(refund)
    sweep(refund, minutes=6)
    assert (refund.provider_status, refund.transaction.status) == ("failed", Status.FAILED)
    assert (ledger.balance_kobo(plan.account), due()) == (AMOUNT, 0)


@pytest.mark.parametrize("leaves_out", [False, True])
def test_an_event_ends_a_refund_by_asking(provider: Provider, refund: Refund, *, leaves_out: bool) -> None:
    switches.turn("leaves_out", on=leaves_out)
    sweep(refund)
    provider.deliver(after_seconds=60)
    payments.sweep_events(timezone.now())
    refund.refresh_from_db()
    assert (refund.transaction.status, due()) == (Status.SUCCESS, 0)
    note = WebhookEvent.objects.get(event="refund.processed").note
    assert note == f"{refund.transaction.reference}: processed, done here."
    assert not WebhookEvent.objects.filter(needs_staff=True).exists()


def test_an_event_that_claims_an_end_changes_nothing(refund: Refund) -> None:
    sweep(refund)
    event = process("refund.processed", id=refund.provider_id, **about(refund))
    assert event.error.endswith("the provider does not confirm it yet.")
    assert due() == PART


def about(refund: Refund) -> dict[str, str]:
    return {"transaction_reference": refund.payment.transaction.reference}


# What may go wrong on the way


def test_an_answer_that_got_lost_is_found_and_nothing_is_sent_twice(
    provider: Provider, refund: Refund
) -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            provider.simulator.handle_request(request)
            raise httpx.ReadTimeout("too slow")
        return provider.simulator.handle_request(request)

    provider.answers["/refund"] = lose
    assert sweep(refund) == 0
    assert sweep(refund, minutes=6) == 1
    assert (refund.provider_id is not None, sent(provider)) == (True, 1)
    assert len(refunds.newest_first()) == 1


def test_a_refund_that_did_not_arrive_is_sent_again_only_after_a_while(
    provider: Provider, refund: Refund
) -> None:
    provider.answers["/refund"] = lambda _: httpx.Response(500)
    sweep(refund)
    del provider.answers["/refund"]
    assert [sweep(refund, minutes=minutes) for minutes in (6, 30)] == [0, 1]
    assert (sent(provider), len(refunds.newest_first())) == (2, 1)


@pytest.mark.parametrize(
    "answer", [httpx.Response(429), httpx.Response(401, json={"status": False, "message": "Invalid key"})]
)
def test_a_refund_that_was_turned_away_is_sent_at_the_next_try(
    provider: Provider, refund: Refund, answer: httpx.Response
) -> None:
    provider.answers["/refund"] = lambda _: answer
    sweep(refund)
    assert (refund.sent_at, refund.transaction.status) == (None, Status.PENDING)
    del provider.answers["/refund"]
    assert sweep(refund, minutes=6) == 1
    assert not Postponement.objects.exists()


def test_a_crash_before_the_answer_sends_nothing_twice(provider: Provider, refund: Refund) -> None:
    def crash(request: httpx.Request) -> httpx.Response:
        provider.simulator.handle_request(request)
        raise KeyboardInterrupt

    provider.answers["/refund"] = crash
    with pytest.raises(KeyboardInterrupt):
        sweep(refund)
    del provider.answers["/refund"]
    assert [sweep(refund, minutes=minutes) for minutes in (3, 6)] == [0, 1]
    assert (sent(provider), len(refunds.newest_first())) == (1, 1)


def test_two_runs_at_once_send_one(provider: Provider, refund: Refund) -> None:
    def meanwhile(request: httpx.Request) -> httpx.Response:
        del provider.answers["/refund"]
        assert payments.sweep_refunds(timezone.now()) == 0
        return provider.simulator.handle_request(request)

    provider.answers["/refund"] = meanwhile
    assert sweep(refund) == 1
    assert sent(provider) == 1


def test_a_refused_refund_fails_at_once_and_is_logged(
    provider: Provider, plan: Plan, refund: Refund, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(provider)
    sweep(refund)
    assert (refund.transaction.status, refund.transaction.failure_code) == (Status.FAILED, "refused")
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert f"the provider refused refund {refund.transaction.reference}" in caplog.text


def test_a_refusal_after_a_lost_answer_is_left_to_a_person(provider: Provider, refund: Refund) -> None:
    provider.answers["/refund"] = lambda _: httpx.Response(500)
    sweep(refund)
    refuse(provider)
    sweep(refund, minutes=30)
    assert (refund.transaction.status, due()) == (Status.PENDING, PART)
    assert "Refund amount" in Postponement.objects.get(task="process_refund").reason


def refuse(provider: Provider) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return provider.simulator.handle_request(request)
        return httpx.Response(400, json={"status": False, "message": "Refund amount is too much"})

    provider.answers["/refund"] = answer


def test_one_that_fails_stops_no_other(provider: Provider, paid: Payment, refund: Refund) -> None:
    second = request(paid, 500)
    sweep(refund)
    provider.answers[f"/refund/{refund.provider_id}"] = lambda _: httpx.Response(500)
    assert sweep(refund, minutes=6) == 1
    second.refresh_from_db()
    assert second.transaction.status == Status.SUCCESS
    assert Postponement.objects.get().row_id == refund.pk
    del provider.answers[f"/refund/{refund.provider_id}"]
    assert sweep(refund, minutes=20) == 1
    assert not Postponement.objects.exists()


def test_one_that_needs_attention_is_logged_once_and_stays_open(
    provider: Provider, refund: Refund, caplog: pytest.LogCaptureFixture
) -> None:
    sweep(refund)
    refunds._save(known(refund) | {"status": "needs-attention"})
    for minutes in (6, 12):
        sweep(refund, minutes=minutes)
    assert (refund.provider_status, refund.transaction.status) == ("needs-attention", Status.PENDING)
    assert caplog.text.count("needs the payer's bank account") == 1
    assert process("refund.pending", id=refund.provider_id, **about(refund)).needs_staff


def known(refund: Refund) -> dict[str, Any]:
    found = refunds.find(refund.provider_id or 0)
    assert found
    return found


def test_an_answer_about_something_else_changes_nothing(provider: Provider, refund: Refund) -> None:
    sweep(refund)
    refunds._save(known(refund) | {"status": "processed", "amount": PART + 1})
    assert sweep(refund, minutes=6) == 0
    assert due() == PART
    assert "refund" in Postponement.objects.get().reason


def test_a_refund_made_in_the_dashboard_is_left_to_a_person(
    provider: Provider, paid: Payment, plan: Plan
) -> None:
    payment = charges.known(paid.transaction.reference)
    made = refunds.create(payment, 500, customer_note="", merchant_note="By hand")
    event = process("refund.pending", **money_shapes.refund_event(made, payment))
    assert event.needs_staff
    assert event.note == f"Refund {made['id']} (pending) was made at the provider and is not in the books."
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_refund_that_the_provider_makes_for_a_dispute_needs_nobody(
    provider: Provider, paid: Payment
) -> None:
    payment = charges.known(paid.transaction.reference)
    made = refunds.create(payment, 500, customer_note="", merchant_note="Dispute")
    answer = money_shapes.refund(made, payment) | {"dispute": 8}
    provider.answers[f"/refund/{made['id']}"] = lambda _: httpx.Response(
        200, json={"status": True, "data": answer}
    )
    event = process("refund.pending", **money_shapes.refund_event(made, payment))
    assert (event.needs_staff, event.error) == (False, "")


def test_how_often_the_provider_is_asked(provider: Provider, refund: Refund) -> None:
    sweep(refund)
    refunds._save(known(refund) | {"status": "processing"})
    asked = [minutes for minutes in range(0, 60 * 36, 5) if sweep(refund, minutes=minutes)]
    hours = [at // 60 for at in asked if at > 60]
    assert len([at for at in asked if at <= 60]) >= 10
    assert hours[:3] == [2, 3, 4]
    assert hours[-1] - hours[-2] == 6
