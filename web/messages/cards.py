"""The sentences about saved cards: the choices of a form, and the notices after a change or a charge."""

from __future__ import annotations

from django.utils.translation import ngettext

from savings import money

ANOTHER_CARD = "Another card"
WAITING = "We’re waiting for your bank."
APPROVE = "Your bank wants you to approve this payment."
EXPIRES_BEFORE_FIRST = "Expires today, before the first date."
NO_MORE_CHARGES = "We won’t charge it any more."


def card_details(digits: str, expiry: str) -> str:
    """Return the digits and the expiry of a card, either of which may be empty."""
    if not expiry:
        return digits
    return f"{digits}, expires {expiry}" if digits else f"Expires {expiry}"


def autosaves(count: int) -> str:
    """Return how many auto-saves a card pays; empty for none."""
    return ngettext("%(count)d auto-save", "%(count)d auto-saves", count) % {"count": count} if count else ""


def joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def expires_soon(*, today: bool) -> str:
    return "Expires today" if today else "Expires this month"


def renamed(card: str) -> str:
    return f"The card is now called {card}."


def is_default(card: str) -> str:
    return f"{card} is your default card."


def removed(card: str) -> str:
    return f"{card} is removed."


def failed(amount_kobo: int) -> str:
    return f"The payment of {money.short(amount_kobo)} failed."
