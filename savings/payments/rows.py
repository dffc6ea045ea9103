"""Finding payments, locking their payer, and changing their columns."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from savings.models import Payment, User
from savings.payments import derived_references


def find_payment(reference: str) -> Payment | None:
    """Return the payment with one of our references, with its transaction, or None."""
    return payments().filter(transaction__reference=reference).first()


def find_at_provider(provider_id: int | None, reference: str) -> Payment | None:
    """Return the payment that the provider names by its number, or by the reference that it has there."""
    found = payments().filter(provider_id=provider_id).first() if provider_id else None
    if found is None and reference:
        ours = [reference.upper(), derived_references.suspense(reference)]
        found = payments().filter(transaction__reference__in=ours).first()
    return found


def payments() -> QuerySet[Payment]:
    """Return all payments, with what settling one of them reads."""
    return Payment.objects.select_related("transaction__user", "transaction__plan__account")


def origin_of(payment: Payment) -> dict[str, int]:
    """Return what the provider stores with a payment, so that it can be booked again if a restore has lost it."""
    movement = payment.transaction
    ids = {"user": movement.user_id, "plan": movement.plan_id, "card": payment.saved_card_id}
    return {name: row_id for name, row_id in ids.items() if row_id is not None}


def lock_payer(payment: Payment) -> None:
    """Lock the payer's row until the commit: nobody else changes their payments or plans meanwhile."""
    if payment.transaction.user_id is not None:
        User.objects.touch(payment.transaction.user_id)


def update_payment(payment: Payment, **changes: object) -> None:
    """Change columns of a payment, which the payer's pages show."""
    with transaction.atomic():
        lock_payer(payment)
        Payment.objects.filter(pk=payment.pk).update(**changes)
    for name, value in changes.items():
        setattr(payment, name, value)
