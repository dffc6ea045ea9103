"""Disputes: open ones are told, lost ones become a chargeback once, won ones change nothing."""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

import httpx
import pytest
from django.utils import timezone

from savings import ledger, payments
from savings.models import (
    Account,
    Dispute,
    Payment,
    Plan,
    Postponement,
    Transaction,
    User,
    WebhookEvent,
)
from tests.cards import make_card
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider
from web.simulator import agenda, disputes, notices
from web.simulator import payments as charges
from web.simulator.events import deliver_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind, Status = Account.Kind, Transaction.Status


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    """A payment of ₦25,000 that is paid and booked."""
    provider.pay(payment)
    settle(payment)
    return payment


@pytest.fixture
def opened(paid: Payment) -> dict[str, Any]:
    """A dispute about it at the provider, of which we have heard."""
    dispute = disputes.open_for(charges.known(paid.transaction.reference))
    hear()
    return dispute


def hear(*, after_hours: float = 0) -> None:
    """Let the provider's events come in that are due in some hours, and process them."""
    deliver_due(time.time() + after_hours * 3600)
    payments.sweep_events(timezone.now())


def event(name: str) -> WebhookEvent:
    found = WebhookEvent.objects.filter(event=f"charge.dispute.{name}").last()
    assert found
    return found


def clearing() -> int:
    return ledger.balance_kobo(ledger.house_account(Kind.CLEARING, "paystack"))


def chargebacks() -> list[Transaction]:
    return list(Transaction.objects.filter(kind=Transaction.Kind.CHARGEBACK))


def test_an_open_dispute_is_an_error_with_its_deadline(
    paid: Payment, caplog: pytest.LogCaptureFixture
) -> None:
    opened = disputes.open_for(charges.known(paid.transaction.reference))
    hear()
    dispute = Dispute.objects.get()
    due_at = datetime.datetime.fromtimestamp(opened["due_at"], datetime.UTC)
    assert (dispute.payment, dispute.provider_id, dispute.amount_kobo) == (paid, opened["id"], AMOUNT)
    assert (dispute.status, dispute.resolved_at) == ("awaiting-merchant-feedback", None)
    assert dispute.due_at
    assert abs(dispute.due_at - due_at) < datetime.timedelta(seconds=1)
    deadline = f"{timezone.localtime(due_at):%-d %B %Y, %H:%M}"
    told = f"Answer dispute {opened['id']} at the provider by {deadline}."
    assert f"payment {paid.transaction.reference} is disputed: {told}" in caplog.text
    assert (event("create").note, event("create").needs_staff) == (told, True)


def test_a_dispute_that_nobody_answers_is_charged_back_once(opened: dict[str, Any], plan: Plan) -> None:
    hear(after_hours=17)
    dispute = Dispute.objects.get()
    assert dispute.status == "resolved"
    assert dispute.resolved_at
    [chargeback] = chargebacks()
    assert (chargeback.amount_kobo, chargeback.status) == (AMOUNT, Status.SUCCESS)
    assert ledger.balance_kobo(plan.account) == 0
    assert event("resolve").note.endswith(f"{chargeback.reference} is the chargeback.")
    for _ in range(2):
        WebhookEvent.objects.filter(pk=event("resolve").pk).update(due_at=timezone.now())
        payments.sweep_events(timezone.now())
        payments.sweep_disputes()
    assert chargebacks() == [chargeback]


@pytest.mark.parametrize(
    ("resolution", "kobo"), [("merchant-accepted", 10_000_00), ("merchant-accepted", AMOUNT), ("declined", 0)]
)
def test_only_what_the_provider_took_is_charged_back(
    opened: dict[str, Any], plan: Plan, resolution: str, kobo: int
) -> None:
    before = clearing()
    disputes.resolve(disputes.find(opened["id"]) or {}, resolution, kobo)
    hear()
    assert Dispute.objects.get().resolved_at
    assert [one.amount_kobo for one in chargebacks()] == ([kobo] if kobo else [])
    assert (ledger.balance_kobo(plan.account), before - clearing()) == (AMOUNT - kobo, kobo)
    assert not event("resolve").needs_staff


def test_pages_of_the_payer_are_made_again(opened: dict[str, Any], plan: Plan) -> None:
    before = User.objects.get(pk=plan.user_id).version
    payments.sweep_disputes()
    assert User.objects.get(pk=plan.user_id).version > before


def test_a_resolution_that_we_do_not_know_is_left_to_a_person(opened: dict[str, Any]) -> None:
    disputes.resolve(disputes.find(opened["id"]) or {}, "declined", 0)
    disputes._save((disputes.find(opened["id"]) or {}) | {"resolution": "split"})
    hear()
    assert Dispute.objects.get().resolved_at is None
    assert event("resolve").error.endswith("is resolved by split.")
    payments.sweep_disputes()
    assert "is resolved by split" in Postponement.objects.get(task="ask_about_dispute").reason


def test_an_event_that_claims_a_resolution_changes_nothing(opened: dict[str, Any], paid: Payment) -> None:
    data = {
        "id": opened["id"],
        "status": "resolved",
        "transaction": {"reference": paid.transaction.reference},
    }
    body = json.dumps({"event": "charge.dispute.resolve", "data": data}).encode()
    row = payments.receive_event(body, notices.signature(body, "sk_test_simulator"))
    payments.process_event(row.pk)
    row.refresh_from_db()
    assert row.error.endswith("the provider does not confirm it yet.")
    assert not chargebacks()


def test_a_dispute_of_which_no_event_came_is_found(provider: Provider, paid: Payment) -> None:
    disputes.open_for(charges.known(paid.transaction.reference))
    assert payments.sweep_disputes() == 1
    assert Dispute.objects.get().resolved_at is None
    agenda.catch_up(time.time() + 17 * 3600)
    assert payments.sweep_disputes() == 1
    assert Dispute.objects.get().resolved_at
    assert len(chargebacks()) == 1
    assert payments.sweep_disputes() == 0


def test_a_payment_that_is_still_open_is_settled_first(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "silent")
    disputes.open_for(charges.known(payment.transaction.reference))
    payments.sweep_disputes()
    payment.refresh_from_db()
    assert payment.transaction.status == Status.SUCCESS
    assert Dispute.objects.get().payment == payment


def test_a_dispute_about_a_payment_of_another_shop_is_nobody_s_here(provider: Provider) -> None:
    provider.announce("order-7", AMOUNT, outcome="silent")
    disputes.open_for(charges.known("order-7"))
    assert payments.sweep_disputes() == 0
    hear()
    assert not Dispute.objects.exists()
    assert event("create").note == "Stored. This is not about a transaction of ours."


def test_one_that_fails_stops_no_other(provider: Provider, opened: dict[str, Any], plan: Plan) -> None:
    other = start(plan)
    provider.pay(other)
    settle(other)
    second = disputes.open_for(charges.known(other.transaction.reference))
    provider.answers[f"/dispute/{opened['id']}"] = lambda _: httpx.Response(500)
    assert payments.sweep_disputes() == 1
    assert Dispute.objects.filter(provider_id=second["id"]).exists()
    assert Postponement.objects.get().row_id == opened["id"]


def test_money_that_was_refunded_already_is_not_charged_back(opened: dict[str, Any]) -> None:
    """The provider cannot take more than was paid: a person has to look."""
    disputes._save(
        (disputes.find(opened["id"]) or {}) | {"status": "resolved", "resolution": "auto-accepted"}
    )
    disputes._save((disputes.find(opened["id"]) or {}) | {"amount": AMOUNT + 1})
    payments.sweep_disputes()
    assert Dispute.objects.get().resolved_at is None
    assert "of this payment is left" in Postponement.objects.get().reason
    assert not chargebacks()


@pytest.mark.parametrize("is_charge", [False, True], ids=["the payment that saved it", "a charge to it"])
def test_a_dispute_stops_the_card_until_it_is_won(paid: Payment, *, is_charge: bool) -> None:
    assert paid.transaction.user
    card = make_card(paid.transaction.user, payment=paid)
    if is_charge:
        Payment.objects.filter(pk=paid.pk).update(saved_card=card)
    opened = disputes.open_for(charges.known(paid.transaction.reference))
    hear()
    card.refresh_from_db()
    assert (card.trouble, card.is_usable) == ("disputed", False)
    disputes.resolve(opened, "declined", 0)
    hear()
    card.refresh_from_db()
    assert (card.trouble, card.is_usable) == ("", True)


def test_a_card_whose_dispute_is_lost_stays_stopped(paid: Payment) -> None:
    assert paid.transaction.user
    card = make_card(paid.transaction.user, payment=paid)
    disputes.open_for(charges.known(paid.transaction.reference))
    hear()
    hear(after_hours=17)
    payments.sweep_disputes()
    card.refresh_from_db()
    assert card.trouble == "disputed"
