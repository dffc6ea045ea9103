"""Answers to disputes: stored, sent once, and booked only by the provider's word."""

from __future__ import annotations

import datetime
import json
from typing import Any

import httpx
import pytest
import time_machine
from django.utils import timezone

from savings import ledger, payments
from savings.exceptions import Refused
from savings.models import Dispute, Payment, Plan, Postponement, Transaction, User
from tests.factories import make_user
from tests.payments import AMOUNT, settle
from tests.provider import Provider
from tests.refunds import release, suspend
from web.simulator import disputes
from web.simulator import payments as charges

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


@pytest.fixture
def staff(db: None) -> User:
    return make_user(is_staff=True)


@pytest.fixture
def dispute(provider: Provider, payment: Payment) -> Dispute:
    """An open dispute about a payment of ₦25,000 that is paid and booked."""
    provider.pay(payment)
    settle(payment)
    disputes.open_for(charges.known(payment.transaction.reference))
    assert payments.sweep_disputes() == 1
    provider.requests.clear()
    return Dispute.objects.get()


def contest(dispute: Dispute, by: User, **changed: str) -> Dispute:
    said = {
        "phone": "+234 801 234 5678",
        "service_details": "A savings plan,\nthat the payer opened.",
        "message": "The payer signed in and paid.",
    }
    return payments.contest_dispute(dispute, by=by, **said | changed)


def send(*, after_minutes: int = 0) -> int:
    """Let the worker send what is due, some minutes from now."""
    now = timezone.now() + datetime.timedelta(minutes=after_minutes)
    Postponement.objects.update(retry_at=timezone.now())
    Dispute.objects.filter(answer_due_at__isnull=False).update(answer_due_at=now)
    return payments.send_dispute_answers(now)


def sent(provider: Provider, path: str) -> list[dict[str, Any]]:
    """Return the bodies of the calls of a path."""
    return [json.loads(one.content) for one in provider.requests if one.url.path.endswith(path)]


def chargebacks() -> list[int]:
    found = Transaction.objects.filter(kind=Transaction.Kind.CHARGEBACK)
    return list(found.values_list("amount_kobo", flat=True))


def at_provider(dispute: Dispute) -> dict[str, Any]:
    return disputes.find(dispute.provider_id) or {}


def test_an_accepted_dispute_is_charged_back_when_the_provider_says_so(
    provider: Provider, dispute: Dispute, staff: User, plan: Plan
) -> None:
    payments.accept_dispute(dispute, by=staff)
    assert (provider.paths(), chargebacks()) == ([], [])
    assert send() == 1
    (asked,) = sent(provider, "/resolve")
    assert (asked["resolution"], asked["refund_amount"], asked["message"]) == (
        "merchant-accepted",
        AMOUNT,
        "We accept this claim.",
    )
    assert asked["uploaded_filename"]
    dispute.refresh_from_db()
    assert (dispute.answer, dispute.answered_by, dispute.answer_due_at) == ("accepted", staff, None)
    assert (dispute.status, chargebacks(), ledger.balance_kobo(plan.account)) == ("resolved", [AMOUNT], 0)
    assert at_provider(dispute)["resolution"] == "merchant-accepted"


def test_a_contested_dispute_is_declined_with_its_evidence(
    provider: Provider, dispute: Dispute, staff: User, plan: Plan
) -> None:
    contest(dispute, staff)
    assert send() == 1
    path = f"/dispute/{dispute.provider_id}"
    assert provider.paths() == [
        f"GET {path}",
        f"POST {path}/evidence",
        f"GET {path}/upload_url",
        f"PUT {path}/resolve",
        f"GET {path}",
    ]
    assert sent(provider, "/evidence") == [
        {
            "customer_email": plan.user.email,
            "customer_name": plan.user.name,
            "customer_phone": "+234 801 234 5678",
            "service_details": "A savings plan,\nthat the payer opened.",
        }
    ]
    dispute.refresh_from_db()
    (asked,) = sent(provider, "/resolve")
    assert (asked["resolution"], asked["refund_amount"]) == ("declined", 0)
    assert asked["evidence"] == dispute.evidence_id == at_provider(dispute)["evidence"]
    assert dispute.resolved_at
    assert (chargebacks(), ledger.balance_kobo(plan.account)) == ([], AMOUNT)


@pytest.mark.parametrize("is_accepted", [True, False])
def test_the_same_answer_again_is_one(
    provider: Provider, dispute: Dispute, staff: User, *, is_accepted: bool
) -> None:
    def answer(by: User) -> Dispute:
        return payments.accept_dispute(dispute, by=by) if is_accepted else contest(dispute, by)

    first = answer(staff)
    assert answer(staff).answered_at == first.answered_at
    with pytest.raises(Refused, match="answered already"):
        answer(make_user(is_staff=True))
    with pytest.raises(Refused, match="answered already"):
        contest(dispute, staff, message="Another one")
    assert send() == 1
    assert send() == 0
    assert len(sent(provider, "/resolve")) == 1


def test_a_dispute_that_is_over_is_not_answered(dispute: Dispute, staff: User) -> None:
    disputes.resolve(at_provider(dispute), "declined", 0)
    payments.sweep_disputes()
    with pytest.raises(Refused, match="is over"):
        payments.accept_dispute(dispute, by=staff)
    with pytest.raises(Refused, match="is over"):
        contest(dispute, staff)


def test_a_deadline_that_has_passed_is_not_answered(dispute: Dispute, staff: User) -> None:
    late = time_machine.travel(timezone.now() + datetime.timedelta(hours=17))
    with late, pytest.raises(Refused, match="deadline"):
        payments.accept_dispute(dispute, by=staff)


def test_a_dispute_at_the_bank_is_not_answered(dispute: Dispute, staff: User) -> None:
    Dispute.objects.update(status="awaiting-bank-feedback")
    with pytest.raises(Refused, match="does not wait"):
        contest(dispute, staff)


def test_only_staff_answer_and_never_about_their_own_money(dispute: Dispute, plan: Plan) -> None:
    User.objects.filter(pk=plan.user_id).update(is_staff=True, is_superuser=True)
    for by, sentence in (
        (make_user(), "Only staff"),
        (make_user(is_staff=True, is_active=False), "Only staff"),
        (plan.user, "your own money"),
    ):
        with pytest.raises(Refused, match=sentence):
            payments.accept_dispute(dispute, by=by)


def test_somebody_who_was_credited_with_the_payment_does_not_answer(staff: User) -> None:
    reviewed = suspend(make_user(), 5_000)
    payment = Payment.objects.create(transaction=reviewed, paid_kobo=5_000)
    dispute = Dispute.objects.create(
        payment=payment, provider_id=7, amount_kobo=5_000, status="awaiting-merchant-feedback"
    )
    release(reviewed, staff, 5_000)
    with pytest.raises(Refused, match="your own money"):
        payments.accept_dispute(dispute, by=staff)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", ""),
        ("phone", "call me"),
        ("phone", "1" * 30),
        ("service_details", " \n "),
        ("service_details", "x" * 2_001),
        ("message", ""),
        ("message", "x" * 501),
    ],
)
def test_texts_that_are_missing_or_too_long_are_refused(
    dispute: Dispute, staff: User, field: str, value: str
) -> None:
    with pytest.raises(Refused) as refused:
        contest(dispute, staff, **{field: value})
    assert refused.value.field == field
    assert Dispute.objects.get().answer == ""


def lose_answer(provider: Provider, path: str) -> None:
    """Let the simulator take the next calls of a path, and lose its answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        provider.simulator.handle_request(request).read()
        raise httpx.ReadTimeout("no answer", request=request)

    provider.answers[path] = answer


def time_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


def refuse_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize("is_accepted", [True, False])
def test_an_answer_whose_outcome_got_lost_is_asked_about_and_not_sent_again(
    provider: Provider, dispute: Dispute, staff: User, *, is_accepted: bool
) -> None:
    if is_accepted:
        payments.accept_dispute(dispute, by=staff)
    else:
        contest(dispute, staff)
    path = f"/dispute/{dispute.provider_id}/resolve"
    lose_answer(provider, path)
    assert send() == 0
    dispute.refresh_from_db()
    assert (dispute.answer_sent_at is not None, chargebacks()) == (True, [])
    del provider.answers[path]
    assert send(after_minutes=60) == 1
    assert len(sent(provider, "/resolve")) == 1
    dispute.refresh_from_db()
    assert (dispute.resolved_at is not None, dispute.answer_due_at) == (True, None)
    assert chargebacks() == ([AMOUNT] if is_accepted else [])


def test_evidence_whose_outcome_got_lost_is_not_sent_again(
    provider: Provider, dispute: Dispute, staff: User
) -> None:
    contest(dispute, staff)
    path = f"/dispute/{dispute.provider_id}/evidence"
    lose_answer(provider, path)
    assert send() == 0
    del provider.answers[path]
    assert send() == 1
    assert len(sent(provider, "/evidence")) == 1
    assert sent(provider, "/resolve")[0]["evidence"] == at_provider(dispute)["evidence"]


@pytest.mark.parametrize("path", ["evidence", "resolve"])
def test_what_never_arrived_is_sent_again_after_a_while(
    provider: Provider, dispute: Dispute, staff: User, path: str
) -> None:
    contest(dispute, staff)
    url = f"/dispute/{dispute.provider_id}/{path}"
    provider.answers[url] = time_out
    assert send() == 0
    del provider.answers[url]
    assert send(after_minutes=5) == 0
    assert len(sent(provider, f"/{path}")) == 1
    assert send(after_minutes=20) == 1
    assert Dispute.objects.get().resolved_at


def test_a_provider_that_was_not_reached_is_tried_again_at_once(
    provider: Provider, dispute: Dispute, staff: User
) -> None:
    payments.accept_dispute(dispute, by=staff)
    path = f"/dispute/{dispute.provider_id}/resolve"
    provider.answers[path] = refuse_connection
    assert send() == 0
    assert Dispute.objects.get().answer_sent_at is None
    del provider.answers[path]
    assert send() == 1
    assert chargebacks() == [AMOUNT]


def test_a_refusal_lets_staff_answer_again(
    provider: Provider, dispute: Dispute, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    contest(dispute, staff)
    path = f"/dispute/{dispute.provider_id}/evidence"
    no = {"status": False, "message": "customer_phone is not valid"}
    provider.answers[path] = lambda _: httpx.Response(400, json=no)
    assert send() == 1
    dispute.refresh_from_db()
    assert (dispute.answer, dispute.answered_by, dispute.answer_due_at) == ("", None, None)
    assert dispute.answer_error == "customer_phone is not valid"
    assert "refused the answer to dispute" in caplog.text
    payments.accept_dispute(dispute, by=staff)
    assert send() == 1
    assert Dispute.objects.get().answer_error == ""
    assert chargebacks() == [AMOUNT]


def test_an_answer_that_came_too_late_changes_nothing(
    provider: Provider, dispute: Dispute, staff: User
) -> None:
    contest(dispute, staff)
    disputes.resolve(at_provider(dispute), "auto-accepted", AMOUNT)
    assert send() == 1
    assert sent(provider, "/resolve") == []
    assert (chargebacks(), Dispute.objects.get().answer_due_at) == ([AMOUNT], None)


def test_a_wrong_key_is_no_answer(provider: Provider, dispute: Dispute, staff: User) -> None:
    payments.accept_dispute(dispute, by=staff)
    path = f"/dispute/{dispute.provider_id}/resolve"
    provider.answers[path] = lambda _: httpx.Response(401, json={"status": False, "message": "Invalid key"})
    assert send() == 0
    assert Dispute.objects.get().answer == "accepted"
    del provider.answers[path]
    assert send() == 1
    assert chargebacks() == [AMOUNT]
