"""Disputes in the admin: the evidence in one click, contesting, accepting by two people, and outside refunds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, payments
from savings.models import AuditRow, Case, Device, Dispute, Entry, Payment, Refund, StaffRequest, User
from tests.factories import make_plan
from tests.payments import settle, start
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff
from tests.savings.payments.test_outside_refunds import refund_outside
from tests.web.admin.test_asking import ask, page_of, preview
from tests.web.staff import sign_in
from web.simulator import disputes
from web.simulator import payments as charges

pytestmark = pytest.mark.django_db
SAID = {
    "phone": "+234 801 234 5678",
    "service_details": "A savings plan that the payer opened.",
    "message": "The payer signed in and paid.",
}


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    for one in (start(make_plan()), payment):
        provider.pay(one)
        settle(one)
    return payment


@pytest.fixture
def dispute(paid: Payment) -> Dispute:
    disputes.open_for(charges.known(paid.transaction.reference))
    assert payments.sweep_disputes() == 1
    backoffice.sync_cases(timezone.now())
    return Dispute.objects.get()


def evidence(dispute: Dispute) -> str:
    return reverse("admin:evidence", args=[dispute.pk])


def contest(client: Client, dispute: Dispute, **changed: str) -> Any:
    return client.post(reverse("admin:contest", args=[dispute.pk]), SAID | changed)


def test_the_evidence_is_one_click_from_the_case_and_each_look_is_recorded(
    desk: Client, dispute: Dispute, finance: User, paid: Payment
) -> None:
    case = Case.objects.get(kind="dispute")
    assert evidence(dispute) in desk.get(reverse("admin:case", args=[case.pk])).text

    page = desk.get(evidence(dispute)).text

    user = paid.transaction.user
    assert user is not None
    head, _, rest = page.partition("</dl>")
    assert "<dt>Deadline</dt>" in head
    assert rest.index('id="mails"') < rest.index('<h2 id="contest">')
    for text in (user.email, paid.transaction.reference, "₦25,000.00", f"{user.name}’s plan"):
        assert text in page, text
    row = AuditRow.objects.get(verb="evidence_seen")
    assert (row.staff, row.saver, row.subject) == (finance, user, f"dispute:{dispute.pk}")


def test_the_evidence_costs_the_same_with_many_rows(desk: Client, dispute: Dispute, paid: Payment) -> None:
    user = paid.transaction.user
    assert user is not None
    desk.get(evidence(dispute))
    with CaptureQueriesContext(connection) as few:
        desk.get(evidence(dispute))
    for number in range(10):
        Device.objects.create(user=user, token_hash=str(number), label=f"Phone {number}")
    with CaptureQueriesContext(connection) as many:
        assert "Phone 9" in desk.get(evidence(dispute)).text
    assert len(many) == len(few) <= 40


def test_operations_does_not_see_evidence(dispute: Dispute) -> None:
    client = sign_in(make_staff("Operations"))
    assert client.get(evidence(dispute)).status_code == 403
    assert not AuditRow.objects.exists()


@pytest.mark.parametrize("role", ["Approver", "Auditor", "Operations"])
def test_other_roles_do_not_contest(dispute: Dispute, role: str) -> None:
    client = sign_in(make_staff(role))
    assert contest(client, dispute).status_code == 403
    dispute.refresh_from_db()
    assert not dispute.answer


def test_a_dispute_is_contested_once(desk: Client, dispute: Dispute, finance: User) -> None:
    assert contest(desk, dispute).status_code == 302
    dispute.refresh_from_db()
    assert (dispute.answer, dispute.answered_by) == (Dispute.Answer.CONTESTED, finance)
    assert AuditRow.objects.filter(verb="dispute_contested").count() == 1
    page = desk.get(evidence(dispute)).text
    assert "Contested by" in page
    assert "Contest the dispute" not in page

    assert contest(desk, dispute, message="Something else").status_code == 422


@pytest.mark.parametrize("field", ["phone", "service_details", "message"])
def test_what_is_missing_is_said_beside_its_field(desk: Client, dispute: Dispute, field: str) -> None:
    page = contest(desk, dispute, **{field: " "})
    assert page.status_code == 422
    assert page.text.count("errorlist") == 1
    assert all(value in page.text for name, value in SAID.items() if name != field)


def test_a_claim_is_accepted_by_two_people_and_posts_nothing(
    desk: Client, dispute: Dispute, approver: User
) -> None:
    entries = Entry.objects.count()
    url = page_of("accept_dispute", dispute=dispute.pk)
    shown = preview(desk, url)
    assert "Nothing is posted." in shown.text
    assert "We accepted a claim about a payment" in shown.text
    ask(desk, url, shown, reason="She paid twice")

    backoffice.approve(StaffRequest.objects.get(), by=approver)

    dispute.refresh_from_db()
    assert (dispute.answer, dispute.answered_by) == (Dispute.Answer.ACCEPTED, approver)
    assert Entry.objects.count() == entries


def test_a_disputed_payment_is_not_refunded(desk: Client, dispute: Dispute, approver: User) -> None:
    url = page_of("refund", transaction=dispute.payment.transaction_id)
    page = preview(desk, url, amount="100", reason="She asked")
    assert page.status_code == 422
    assert "Ask for approval" not in page.text


def test_a_refund_made_at_the_provider_is_booked(
    desk: Client, second_desk: Client, paid: Payment, approver: User
) -> None:
    event = refund_outside(paid, 10_000_00)
    backoffice.sync_cases(timezone.now())
    case = Case.objects.get(event=event)
    url = page_of("book_outside_refund", case=case.pk, event=event.pk, transaction=paid.transaction_id)
    assert "/admin/ask/book_outside_refund/" in desk.get(reverse("admin:case", args=[case.pk])).text
    shown = preview(desk, url)
    assert "₦10,000.00" in shown.text
    ask(desk, url, shown, reason="Made in the dashboard")

    request = StaffRequest.objects.get()
    second_desk.post(reverse("admin:request_approve", args=[request.pk]))

    request.refresh_from_db()
    assert (request.state, request.answer) == (StaffRequest.State.DONE, "")
    assert Refund.objects.get().transaction.amount_kobo == 10_000_00
    case.refresh_from_db()
    assert not case.is_open


def test_an_answer_that_does_not_come_keeps_the_request_waiting(
    desk: Client, second_desk: Client, paid: Payment, provider: Provider, approver: User
) -> None:
    event = refund_outside(paid, 10_000_00)
    url = page_of("book_outside_refund", event=event.pk, transaction=paid.transaction_id)
    ask(desk, url, preview(desk, url), reason="Made in the dashboard")
    provider.instead = lambda _: httpx.Response(503)
    request = StaffRequest.objects.get()

    page = second_desk.post(reverse("admin:request_approve", args=[request.pk]))

    assert page.status_code == 422
    assert "The provider did not answer." in page.text
    request.refresh_from_db()
    assert request.is_waiting
    assert preview(desk, url, reason="Again").status_code == 422


def test_a_dispute_that_is_not_there_is_404(desk: Client) -> None:
    for dispute_id in (10**6, 10**30):
        assert desk.get(reverse("admin:evidence", args=[dispute_id])).status_code == 404
        assert desk.post(reverse("admin:contest", args=[dispute_id])).status_code == 404
