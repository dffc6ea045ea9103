"""Emails about card payments that people check."""

from __future__ import annotations

from savings import money, outbox
from savings.models import OutboxRow, Transaction


def payment_in_review(movement: Transaction, *, arrived_kobo: int) -> OutboxRow | None:
    """Tell a user that a payment is being checked, and what arrived (kobo; 0 for nothing yet); once per payment.

    It has no switch: it is about the user's own money. None for a payment that no user of ours started.
    """
    if movement.user is None:
        return None
    return outbox.add(
        "payment_in_review",
        dedupe_key=f"payment_in_review:{movement.reference}",
        user=movement.user,
        movement=movement,
        payload={"arrived": money.naira(arrived_kobo) if arrived_kobo else ""},
    )
