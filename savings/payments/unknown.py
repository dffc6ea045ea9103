"""Payments at the provider that we did not start: their money waits in suspense as soon as it is paid out to us."""

from __future__ import annotations

from django.db import transaction

from savings import ledger
from savings.models import Payment, Transaction
from savings.payments import derived_references, paystack, settlement
from savings.payments.paystack_answers import Charge

REASON = "unknown"


def book_into_suspense(charge: Charge) -> Payment:
    """Book the money of a payment that nobody here started into suspense, with its fee, and return the payment.

    Only for money that the provider pays out to us: it is in our bank account, and somebody is owed it. Another shop
    on the same account, or a backup that lost the payment, explain it. A person gives it back or allocates it.
    """
    with transaction.atomic():
        movement, opened = ledger.open_transaction(
            reference=derived_references.suspense(charge.reference),
            kind=Transaction.Kind.ADJUSTMENT,
            user=None,
            amount_kobo=charge.amount_kobo,
        )
        if opened:
            payment = Payment.objects.create(
                transaction=movement,
                provider=paystack.PROVIDER,
                foreign_reference=charge.reference,
                **settlement.provider_fields(charge)
                | {"paid_kobo": charge.amount_kobo, "fee_kobo": charge.fee_kobo or 0},
            )
            settlement.review(payment, REASON, arrived_kobo=charge.amount_kobo)
    return Payment.objects.get(transaction=movement)
