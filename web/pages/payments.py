"""Prepares the pages of payments: where a payment continues."""

from __future__ import annotations

from django.urls import reverse

from savings.models import Payment, Transaction


def where_to_pay(payment: Payment) -> str:
    """Return the URL where a payment continues: the provider's page, or ours if there is none or it is over."""
    if payment.checkout_url and payment.transaction.status == Transaction.Status.PENDING:
        return payment.checkout_url
    return reverse("payments:return_from_provider", args=[payment.transaction.reference])
