"""Topping up by card: a plan and the stash."""

from __future__ import annotations

import httpx
import pytest
from django.test import Client

from savings import ledger, plans
from savings.models import Payment, Product, Transaction, User
from tests.factories import make_plan, make_product
from tests.provider import Provider
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db


def send(client: Client, url: str, **values: str) -> tuple[dict[str, str], str]:
    """Fill in the form and send it; return its data and the URL it redirects to."""
    data = filled_in(client, url, **values)
    return data, client.post(url, data)["Location"]


def test_a_card_payment_leads_to_the_provider(provider: Provider, saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    _, location = send(saver_client, f"/plans/{plan.pk}/top-up/", amount="25,000", source="card")
    payment = Payment.objects.get(transaction__plan=plan)
    assert location == payment.checkout_url
    assert payment.transaction.amount_kobo == 25_000_00
    assert payment.transaction.status == Transaction.Status.PENDING


def test_money_for_the_stash_too(provider: Provider, saver_client: Client, saver: User) -> None:
    _, location = send(saver_client, "/stash/fund/", amount="5000")
    payment = Payment.objects.get(transaction__user=saver)
    assert location == payment.checkout_url
    assert payment.transaction.kind == Transaction.Kind.STASH_DEPOSIT


@pytest.mark.parametrize("where", ["plan", "stash"])
def test_the_same_form_twice_is_one_payment(
    provider: Provider, saver_client: Client, saver: User, where: str
) -> None:
    url = f"/plans/{make_plan(saver).pk}/top-up/" if where == "plan" else "/stash/fund/"
    data, location = send(saver_client, url, amount="5000")
    assert saver_client.post(url, data)["Location"] == location
    assert Payment.objects.count() == 1


def test_a_form_sent_again_after_it_was_paid_leads_to_the_same_receipt(
    provider: Provider, saver_client: Client, saver: User
) -> None:
    plan = make_plan(saver, holding_kobo=0)
    url = f"/plans/{plan.pk}/top-up/"
    data, _ = send(saver_client, url, amount="5000", source="card")
    payment = Payment.objects.get(transaction__plan=plan)
    provider.pay(payment)
    saver_client.get(f"/payments/return/{payment.transaction.reference}/")
    response = saver_client.post(url, data, follow=True)
    assert response.redirect_chain[-1] == (f"/transactions/{payment.transaction.reference}/", 302)
    assert ledger.balance_kobo(plan.account) == 5_000_00


def test_the_same_form_with_another_sum_is_asked_about_and_works_the_next_time(
    provider: Provider, saver_client: Client, saver: User
) -> None:
    data, _ = send(saver_client, "/stash/fund/", amount="5000")
    response = saver_client.post("/stash/fund/", data | {"amount": "6000"})
    assert response.status_code == 422
    assert "already sent with other details" in response.content.decode()
    again = data | {"amount": "6000", "reference": response.context["form"]["reference"].value()}
    assert saver_client.post("/stash/fund/", again).status_code == 302
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("reference", ["", "STD0123456789ABCDEFG", "STD0123456789ABCDEFG:forged"])
def test_a_reference_that_we_did_not_mint_is_refused(
    provider: Provider, saver_client: Client, reference: str
) -> None:
    response = saver_client.post("/stash/fund/", {"amount": "5000", "reference": reference})
    assert response.status_code == 422
    assert not Payment.objects.exists()


def test_another_users_form_is_refused(provider: Provider, saver_client: Client) -> None:
    other_user = Client()
    other_user.force_login(make_plan().user)
    data = filled_in(other_user, "/stash/fund/", amount="5000")
    assert saver_client.post("/stash/fund/", data).status_code == 422
    assert not Payment.objects.exists()


def test_a_provider_that_is_away_loses_nothing(provider: Provider, saver_client: Client, saver: User) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    provider.instead = away
    data, location = send(saver_client, "/stash/fund/", amount="5000")
    payment = Payment.objects.get(transaction__user=saver)
    assert location == f"/payments/return/{payment.transaction.reference}/"
    assert "We can’t reach the payment provider." in saver_client.get(location).content.decode()
    provider.instead = None
    assert saver_client.post("/stash/fund/", data)["Location"].startswith("http")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("", "Enter an amount."),
        ("0", "at least ₦100"),
        ("99.99", "at least ₦100"),
        ("10,000,000.01", "Enter up to ₦10,000,000"),
        ("-100", "above zero"),
        ("1e9", "in figures"),
        ("12.345", "at most two digits"),
        ("9" * 30, "That amount is too large. Enter up to"),
    ],
)
def test_amounts_that_cannot_be_topped_up(
    provider: Provider, saver_client: Client, amount: str, sentence: str
) -> None:
    response = saver_client.post("/stash/fund/", filled_in(saver_client, "/stash/fund/", amount=amount))
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert f'value="{amount}"' in page or not amount
    assert provider.requests == []


def test_a_plan_that_takes_no_money_says_so(provider: Provider, saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    url = f"/plans/{plan.pk}/top-up/"
    data = filled_in(saver_client, url, amount="5000", source="card")
    plans.close(plan)
    response = saver_client.post(url, data)
    assert response.status_code == 422
    assert not Payment.objects.exists()


def test_the_source_is_one_of_the_two(provider: Provider, saver_client: Client, saver: User) -> None:
    url = f"/plans/{make_plan(saver, make_product(Product.Kind.TARGET)).pk}/top-up/"
    for source in ("", "cash"):
        response = saver_client.post(url, filled_in(saver_client, url, amount="5000", source=source))
        assert response.status_code == 422
        assert response.context["form"].errors["source"]
