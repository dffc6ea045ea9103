"""The evidence about a dispute: everything from rows, in a number of queries that does not grow."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import ledger, payments, plans, references
from savings.models import Device, Dispute, EmailChange, Payment, Plan, User
from tests.cards import make_card
from tests.factories import fill, make_user
from tests.payments import AMOUNT, settle
from tests.provider import Provider
from tests.refunds import charge_back, release, suspend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    provider.pay(payment)
    settle(payment)
    return payment


def disputed(payment: Payment, amount_kobo: int = AMOUNT) -> Dispute:
    return Dispute.objects.create(payment=payment, provider_id=7, amount_kobo=amount_kobo)


def sign_in(user: User) -> None:
    number = UserSession.objects.count()
    UserSession.objects.create(user=user, ip="10.0.0.7", user_agent="Firefox", session_key=f"key{number}")
    Device.objects.create(user=user, token_hash=f"hash{number}", label="Firefox on Linux")


def test_it_says_who_paid_what_and_where_it_went(paid: Payment, plan: Plan) -> None:
    user = plan.user
    sign_in(user)
    EmailChange.objects.create(
        user=user, old_email="old@example.com", new_email=user.email, effective_at=timezone.now()
    )
    reference = references.new("plan_to_stash")
    plans.move_from_plan(user, plan, amount_kobo=5_000_00, reference=reference)
    found = payments.dispute_evidence(disputed(paid))
    assert (found.payer, found.payment, found.former_emails) == (user, paid, ["old@example.com"])
    assert [one.reference for one in found.receipts] == [paid.transaction.reference]
    assert [entry.code for entry in found.entries] == ["primary", "cost"]
    assert [mail.transaction_id for mail in found.mails] == []
    assert [(one.ip, one.browser) for one in found.sign_ins] == [("10.0.0.7", "Firefox")]
    assert [one.label for one in found.devices] == ["Firefox on Linux"]
    assert [entry.transaction.reference for entry in found.since] == [reference]
    assert (found.mandate, found.autosave, found.withdrawn_kobo) == (None, None, 0)
    assert found.available == ledger.available(user)


def test_it_has_the_mandate_of_the_card_that_was_charged(paid: Payment, plan: Plan) -> None:
    card = make_card(plan.user, payment=paid)
    Payment.objects.filter(pk=paid.pk).update(saved_card=card)
    mandate = payments.dispute_evidence(disputed(paid)).mandate
    assert mandate
    assert (mandate.text, mandate.agreed_at, mandate.card) == (card.mandate, card.mandate_at, card.digits)


def test_it_has_the_mandate_that_was_given_with_the_payment(paid: Payment) -> None:
    Payment.objects.filter(pk=paid.pk).update(mandate="You let us charge it.", mandate_device="Firefox")
    mandate = payments.dispute_evidence(disputed(paid)).mandate
    assert mandate
    assert (mandate.text, mandate.device) == ("You let us charge it.", "Firefox")


def test_the_person_who_was_credited_is_the_payer() -> None:
    reviewed = suspend(make_user(), 5_000)
    payment = Payment.objects.create(transaction=reviewed, paid_kobo=5_000)
    dispute, other = disputed(payment, 5_000), make_user()
    part = release(reviewed, other, 5_000)
    found = payments.dispute_evidence(dispute)
    assert (found.payer, found.receipts) == (other, [reviewed, part])


def test_a_payment_of_nobody_has_evidence_too() -> None:
    reviewed = suspend(None, 5_000)
    payment = Payment.objects.create(transaction=reviewed, paid_kobo=5_000)
    found = payments.dispute_evidence(disputed(payment, 5_000))
    assert (found.payer, found.available, found.since, found.devices) == (None, None, [], [])


def test_it_has_what_gave_the_payment_back(paid: Payment) -> None:
    back = charge_back(paid.transaction, AMOUNT)
    found = payments.dispute_evidence(disputed(paid))
    assert [one.kind for one in found.receipts] == ["top_up", "chargeback", "repayment"]
    assert back in found.receipts


def test_the_number_of_queries_does_not_grow(paid: Payment, plan: Plan) -> None:
    dispute = disputed(paid)
    payments.dispute_evidence(dispute)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            found = payments.dispute_evidence(dispute)
            assert all(entry.transaction and entry.credit_account.plan for entry in found.since)
        counts.append(len(captured))
        for _ in range(20):
            sign_in(plan.user)
        fill(plan.user, 250, plan=plan)
    assert counts[0] == counts[1] <= 16
    assert len(payments.dispute_evidence(dispute).since) == 200
