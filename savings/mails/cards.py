"""Emails about saved cards: a charge that its owner has to approve, and a card that expires soon."""

from __future__ import annotations

from django.utils.formats import date_format

from savings import outbox
from savings.models import OutboxRow, SavedCard, Transaction


def card_needs_approval(movement: Transaction, url: str) -> OutboxRow | None:
    """Send a user to the provider's page on which their bank wants a charge approved; once per transaction."""
    card = movement.payment.saved_card
    if movement.user is None or card is None:
        return None
    return outbox.add(
        "card_needs_approval",
        dedupe_key=f"card_needs_approval:{movement.reference}",
        user=movement.user,
        movement=movement,
        payload={"card": str(card), "url": url},
    )


def card_expires(card: SavedCard) -> OutboxRow | None:
    """Tell a user that a saved card expires soon; once per card and expiry."""
    if card.expires_on is None:
        return None
    return outbox.add(
        "card_expires",
        dedupe_key=card_expires_key(card),
        user=card.user,
        payload={"card": str(card), "until": date_format(card.expires_on, "j F Y")},
    )


def card_expires_key(card: SavedCard) -> str:
    """Return the key by which the mail about the expiry of a card is added once."""
    return f"card_expires:{card.pk}:{card.expires_on}"
