"""Prepares saved cards for a page, and the page that opens after one was charged."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone

from savings import payments
from savings.models import SavedCard, Transaction
from web.messages import cards as messages


class ShownCard(NamedTuple):
    """A card as the pages show it: its name, what follows under it, and why it cannot be charged."""

    id: int
    name: str
    details: str
    is_default: bool
    # A card that expires today cannot pay tomorrow.
    can_be_default: bool
    why_not: str
    # That it expires this month, in words; empty if it does not, or if it cannot be charged anyway.
    expires_soon: str


def shown(card: SavedCard) -> ShownCard:
    """Return a card as the list shows it: with the number of its auto-saves, if the caller has counted them."""
    why_not = payments.why_not_chargeable(card)
    soon = "" if why_not else expires_soon(card)
    can_be_default = not (card.is_default or why_not or expires_today(card))
    said = messages.joined(details(card), messages.autosaves(getattr(card, "autosaves", 0)))
    return ShownCard(card.pk, str(card), said, card.is_default, can_be_default, why_not, soon)


def expires_today(card: SavedCard) -> bool:
    """Return whether today is the last day of a card."""
    return card.expires_on == timezone.localdate()


def expires_soon(card: SavedCard) -> str:
    """Return in words that a card expires this month; empty if it does not."""
    today, expires_on = timezone.localdate(), card.expires_on
    if (
        expires_on is None
        or expires_on < today
        or (expires_on.year, expires_on.month) != (today.year, today.month)
    ):
        return ""
    return messages.expires_soon(today=expires_on == today)


def details(card: SavedCard) -> str:
    """Return what follows under the name of a card: its digits, unless they are the name, and its expiry."""
    expiry = f"{card.expires_on:%m/%y}" if card.expires_on else ""
    return messages.card_details(card.digits if card.name else "", expiry)


def after_charge(movement: Transaction) -> str:
    """Return the URL that opens after a saved card was charged: the receipt, or the page that waits for the answer."""
    page = "payments:return_from_provider" if is_waiting(movement) else "transactions:receipt"
    return reverse(page, args=[movement.reference])


def is_waiting(movement: Transaction) -> bool:
    """Return whether a charge has no result yet."""
    return movement.status == Transaction.Status.PENDING
