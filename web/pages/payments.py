"""Prepares the pages of payments: where a payment continues, and who pays the provider's fee."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from savings.models import Payment, Transaction
from savings.payments import OPERATOR, PAYER, REFUSED

_LOCAL_CARDS = {
    OPERATOR: "When you pay by card, we pay the payment provider’s fee",
    PAYER: "When you pay by card, the payment provider adds its fee to the amount",
    REFUSED: "We don’t accept cards issued here",
}
_FOREIGN_CARDS = {
    OPERATOR: "we pay the fee for foreign cards",
    PAYER: "foreign cards pay the provider’s fee on top",
    REFUSED: "we don’t accept foreign cards",
}


def where_to_pay(payment: Payment) -> str:
    """Return the URL where a payment continues: the provider's page, or ours if there is none or it is over."""
    if payment.checkout_url and payment.transaction.status == Transaction.Status.PENDING:
        return payment.checkout_url
    return reverse("payments:return_from_provider", args=[payment.transaction.reference])


def fee_sentence() -> str:
    """Return who pays the provider's fee of a card, and which cards are not accepted, as one sentence."""
    local, foreign = settings.FEE_BEARER_CARD, settings.FEE_BEARER_FOREIGN_CARD
    if local == foreign == REFUSED:
        return "We don’t accept cards at the moment."
    if local == foreign:
        return f"{_LOCAL_CARDS[local]}."
    return f"{_LOCAL_CARDS[local]}; {_FOREIGN_CARDS[foreign]}."
