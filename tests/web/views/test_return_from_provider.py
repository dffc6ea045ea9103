"""The return from the provider's page: it asks once, polls, and shows only the user's own payment."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from django.contrib.messages import get_messages
from django.test import Client
from huey.contrib import djhuey

from savings import ledger, payments, references, tasks
from savings.models import Payment, Plan, Transaction
from tests import factories
from tests.payments import AMOUNT, start
from tests.provider import Provider

pytestmark = pytest.mark.django_db
HUEY: Any = djhuey.HUEY
HTMX = {"HX-Request": "true"}


@pytest.fixture
def plan() -> Plan:
    return factories.make_plan(name="Rent")


@pytest.fixture
def client(plan: Plan) -> Client:
    client = Client()
    client.force_login(plan.user)
    return client


def url(payment: Payment) -> str:
    return f"/payments/return/{payment.transaction.reference}/"


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("success", "₦25,000 is in Rent."),
        ("silent", "₦25,000 is in Rent."),
        ("declined", "₦25,000 failed"),
        ("abandon", "You left before paying"),
        ("forged", "You left before paying"),
        ("wrong-amount", "We’re checking this payment."),
    ],
)
def test_each_outcome_leads_to_the_receipt_with_a_notice(
    client: Client, provider: Provider, payment: Payment, outcome: str, told: str
) -> None:
    back = provider.pay(payment, outcome).headers["Location"]
    assert back.startswith(f"http://localhost:8000{url(payment)}")
    response = client.get(back.removeprefix("http://localhost:8000"))
    assert response.status_code == 302
    assert response["Location"] == f"/transactions/{payment.transaction.reference}/"
    assert told in said(response)


def test_a_pending_payment_shows_a_polling_page(client: Client, provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "late")
    response = client.get(url(payment))
    assert response.status_code == 200
    assert 'hx-get="?look=1" hx-trigger="load delay:2s"' in response.content.decode()
    assert f'href="{url(payment)}">Check now' in response.content.decode()


def test_polling_does_not_call_the_provider_and_slows_down(
    client: Client, provider: Provider, payment: Payment
) -> None:
    provider.pay(payment, "late")
    asked = len(provider.requests)
    response = client.get(url(payment) + "?look=6", headers=HTMX)
    assert response.content.decode().strip().startswith('<div id="watch" hx-get="?look=7"')
    assert "delay:13s" in response.content.decode()
    assert len(provider.requests) == asked


@pytest.mark.parametrize("look", ["10", "99"])
def test_polling_ends(client: Client, provider: Provider, payment: Payment, look: str) -> None:
    provider.pay(payment, "late")
    response = client.get(f"{url(payment)}?look={look}", headers=HTMX)
    assert "hx-get" not in response.content.decode()
    assert "We’ll check again" in response.content.decode()


@pytest.mark.parametrize("look", ["-1", "1e9", "999", "x", "٣", ""])
def test_an_invalid_poll_count_is_zero(
    client: Client, provider: Provider, payment: Payment, look: str
) -> None:
    provider.pay(payment, "late")
    assert client.get(url(payment), {"look": look}, headers=HTMX).status_code == 200


def test_the_poll_after_the_end_leads_to_the_receipt(
    client: Client, provider: Provider, payment: Payment
) -> None:
    provider.pay(payment, "silent")
    payments.settle_payment(payment.transaction.reference)
    response = client.get(url(payment) + "?look=3", headers=HTMX)
    assert response["HX-Redirect"] == f"/transactions/{payment.transaction.reference}/"


def test_a_provider_that_is_slow_is_left_to_a_worker(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    provider.pay(payment, "silent")
    provider.instead = away
    assert client.get(url(payment)).status_code == 200
    provider.instead = None
    task = HUEY.dequeue()
    assert isinstance(task, tasks.settle_payment.task_class)
    payments.settle_payment(*task.args)
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_a_payment_that_could_not_be_sent_can_be_sent_again(
    client: Client, provider: Provider, plan: Plan
) -> None:
    provider.instead = away
    reference = references.new(Transaction.Kind.TOP_UP)
    payment = start(plan, reference=reference)
    assert "We can’t reach" in client.get(url(payment)).content.decode()
    response = client.post(f"/payments/send/{reference}/")
    assert (response.status_code, response["Location"]) == (302, url(payment))
    assert "We still can’t reach" in said(response)
    provider.instead = None
    response = client.post(f"/payments/send/{reference}/")
    assert response["Location"].startswith("http://127.0.0.1:8001/pay/")


def test_going_on_leads_to_the_same_page_of_the_provider(client: Client, payment: Payment) -> None:
    response = client.post(f"/payments/send/{payment.transaction.reference}/")
    assert response["Location"] == payment.checkout_url


def test_going_on_with_what_is_done_leads_to_the_receipt(
    client: Client, provider: Provider, payment: Payment
) -> None:
    provider.pay(payment, "silent")
    payments.settle_payment(payment.transaction.reference)
    response = client.post(f"/payments/send/{payment.transaction.reference}/", follow=True)
    assert response.redirect_chain[-1][0] == f"/transactions/{payment.transaction.reference}/"


@pytest.mark.parametrize("path", ["return", "send"])
def test_another_users_payment_is_not_there(provider: Provider, payment: Payment, path: str) -> None:
    other_user = Client()
    other_user.force_login(factories.make_user())
    asked = len(provider.requests)
    method = other_user.get if path == "return" else other_user.post
    assert method(f"/payments/{path}/{payment.transaction.reference}/").status_code == 404
    assert len(provider.requests) == asked


def test_a_payment_that_does_not_exist_is_not_there(client: Client, provider: Provider) -> None:
    assert client.get("/payments/return/TOP00000000000000000/").status_code == 404


def test_signed_out_the_way_leads_through_sign_in_and_back(provider: Provider, payment: Payment) -> None:
    response = Client().get(url(payment))
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={url(payment)}"


def test_money_for_an_ended_plan_is_reported_in_the_stash(
    client: Client, provider: Provider, payment: Payment, plan: Plan
) -> None:
    Plan.objects.filter(pk=plan.pk).update(closed_at=payment.transaction.created_on)
    provider.pay(payment, "silent")
    response = client.get(url(payment))
    assert "₦25,000 is in your stash." in said(response)
    receipt = client.get(response["Location"]).content.decode()
    assert "Rent can’t take more money, so we put it in your stash." in receipt
