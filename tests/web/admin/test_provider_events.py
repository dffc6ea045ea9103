"""The list of the provider's events: whose money each is about, and the payment, withdrawal or refund behind it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, money
from savings.models import Payment, WebhookEvent
from tests.factories import make_user
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.withdrawals import make_payout
from web.admin.exports import read_list

pytestmark = pytest.mark.django_db
URL = "admin:savings_webhookevent_changelist"


def make_event(reference: str, *, event: str = "charge.success", body: str = "{}") -> WebhookEvent:
    return WebhookEvent.objects.create(
        key=f"{event}{reference}{body}",
        event=event,
        reference=reference,
        body=body,
        due_at=None,
        processed_at=timezone.now(),
    )


def rows(client: Client) -> str:
    return client.get(reverse(URL)).text.partition('id="result_list"')[2].partition("</tbody>")[0]


def test_an_event_without_an_amount_has_that_of_its_payment_and_leads_there(
    desk: Client, payment: Payment
) -> None:
    movement = payment.transaction
    make_event(movement.reference.lower())
    shown = rows(desk)
    assert reverse("admin:savings_payment_change", args=[payment.pk]) in shown
    assert movement.user is not None
    assert reverse("admin:saver", args=[movement.user.pk]) in shown
    assert money.naira(movement.amount_kobo) in shown


def test_an_event_about_a_withdrawal_leads_to_it(desk: Client) -> None:
    payout = make_payout(make_user())
    make_event(payout.transaction.reference, event="transfer.success")
    assert reverse("admin:savings_payout_change", args=[payout.pk]) in rows(desk)


def test_a_reference_that_is_not_ours_is_shown_as_it_is(desk: Client) -> None:
    make_event("shop-order-17", body='{"data": {"amount": 250000}}')
    shown = rows(desk)
    assert "shop-order-17" in shown
    assert "₦2,500.00" in shown


def test_many_events_cost_the_queries_of_one(desk: Client, payment: Payment) -> None:
    make_event(payment.transaction.reference)
    with CaptureQueriesContext(connection) as one:
        rows(desk)
    for _ in range(5):
        make_event(make_payout(make_user()).transaction.reference, event="transfer.success")
    with CaptureQueriesContext(connection) as many:
        rows(desk)
    assert len(one) == len(many)


def test_an_export_names_the_savers_too(payment: Payment) -> None:
    make_event(payment.transaction.reference)
    by = make_staff("Auditor")
    export = backoffice.request_export("savings.webhookevent", {}, by=by)
    _, row = read_list(export)
    assert str(payment.transaction.user) in row


def test_a_reader_who_may_not_see_payments_gets_no_link(payment: Payment) -> None:
    reader = make_user(is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_webhookevent"))
    make_event(payment.transaction.reference)
    shown = rows(sign_in(reader))
    assert payment.transaction.reference in shown
    assert "/admin/savings/payment/" not in shown
