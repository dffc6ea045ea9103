"""The sentence that says before a payment who pays the provider's fee."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django.fixtures import Settings

from savings.models import Payment, User
from savings.payments import OPERATOR, PAYER, REFUSED
from tests.factories import make_plan
from tests.payments import settle
from tests.provider import Provider
from web.messages.payments import what_arrived
from web.pages.payments import fee_sentence


@pytest.mark.parametrize(
    ("local", "foreign", "sentence"),
    [
        (
            OPERATOR,
            REFUSED,
            "When you pay by card, we pay the payment provider’s fee; we don’t accept foreign cards.",
        ),
        (
            PAYER,
            REFUSED,
            "When you pay by card, the payment provider adds its fee to the amount; we don’t accept foreign cards.",
        ),
        (OPERATOR, OPERATOR, "When you pay by card, we pay the payment provider’s fee."),
        (PAYER, PAYER, "When you pay by card, the payment provider adds its fee to the amount."),
        (
            OPERATOR,
            PAYER,
            "When you pay by card, we pay the payment provider’s fee; foreign cards pay the provider’s fee on top.",
        ),
        (REFUSED, OPERATOR, "We don’t accept cards issued here; we pay the fee for foreign cards."),
        (REFUSED, REFUSED, "We don’t accept cards at the moment."),
    ],
)
def test_the_sentence_follows_the_settings(
    settings: Settings, local: str, foreign: str, sentence: str
) -> None:
    settings.FEE_BEARER_CARD, settings.FEE_BEARER_FOREIGN_CARD = local, foreign
    assert fee_sentence() == sentence


def test_what_arrived_is_said_in_one_way() -> None:
    assert what_arrived(30_00, 15_00) == "₦15 of ₦30 arrived"
    assert what_arrived(30_00, 30_00) == "All ₦30 arrived"
    assert what_arrived(30_00, 45_50) == "₦45.50 arrived, not ₦30"


def test_both_forms_say_it_before_the_payment(saver_client: Client, saver: User, settings: Settings) -> None:
    settings.FEE_BEARER_CARD = PAYER
    for url in ("/stash/fund/", f"/plans/{make_plan(saver).pk}/top-up/"):
        assert escape(fee_sentence()) in saver_client.get(url).content.decode()


def test_a_receipt_does_not_show_our_cost(client: Client, provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    movement = settle(payment)
    assert movement.user
    client.force_login(movement.user)
    page = client.get(f"/transactions/{movement.reference}/").content.decode()
    assert "25,000" in page
    assert "Provider fees" not in page
