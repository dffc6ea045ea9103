"""Test cards, and what becomes of one that is charged again: its number decides, as at the provider."""

from __future__ import annotations

import re
from collections.abc import Callable

from web.simulator import clock, notices, payments, shapes, store
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

# How long the owner of a card can approve a charge.
CHALLENGE_SECONDS = 60 * 60


_DEMO = re.compile(r"AUTH_demo_(?P<brand>[a-z]+)_(?P<last4>[0-9]{4})")


class Paused(Exception):
    """Raised for a charge that the card's owner has to approve on the checkout page."""


class Repeated(Exception):
    """Raised for a charge that was made and is answered as a repeat of itself."""


class NoAnswer(Exception):
    """Raised for a charge whose answer gets lost, although the provider has taken the charge."""


def find(code: str, email: str) -> Document:
    """Return the card that was used before by this email address. Raises Declined."""
    card = _known(code)
    if card is None or card.get("email", email) != email or card.get("is_deactivated"):
        raise Declined("Authorization code not found for this customer", code="invalid_authorization")
    return card


def deactivate(code: str) -> None:
    """Delete a card, so that it cannot be charged again. Raises Declined."""
    card = _known(code)
    if card is None or card.get("is_deactivated"):
        raise Declined("Authorization code not found", status=404, code="authorization_not_found")
    store.put("authorization", code, card | {"is_deactivated": True})


def _known(code: str) -> Document | None:
    """Return the card with this code. The cards of the demo are known by their code, since it used no simulator."""
    if card := store.get("authorization", code):
        return card
    of_demo = _DEMO.fullmatch(code)
    return {"code": code, "bank": "Demo Bank", "country": "NG", **of_demo.groupdict()} if of_demo else None


def check_reusable(card: Document) -> None:
    """Raise Declined for a card whose bank does not let it be charged again."""
    if card["last4"] == _ENDINGS["not-reusable"]:
        raise Declined("This authorization code is not reusable", code="invalid_authorization")


def charge(payment: Document, card: Document) -> None:
    """Charge a card again, with the outcome of its number. Raises Paused, Repeated and NoAnswer after it."""
    payment["authorization"] = card
    name = next((name for name, ending in _ENDINGS.items() if ending == card["last4"]), "")
    _RECHARGES.get(name, payments.succeed)(payment)


def _fail(words: str) -> Callable[[Document], None]:
    def fail(payment: Document) -> None:
        payment.update(status="failed", gateway_response=words)

    return fail


def _challenge(payment: Document) -> None:
    payment.update(
        status="ongoing",
        gateway_response="Waiting for the card's owner",
        challenge_ends_at=clock.now() + CHALLENGE_SECONDS,
    )
    raise Paused


def _time_out(payment: Document) -> None:
    """Paid a little later. The answer to the charge gets lost, and the event tells of it."""
    paid_at = clock.now() + payments.LATE_SECONDS
    payment.update(status="pending", gateway_response="Waiting for the bank", succeeds_at=paid_at)
    told = payment | {"status": "success", "gateway_response": "Successful", "paid_at": paid_at}
    notices.send("charge.success", shapes.payment(told), at=paid_at)
    store.plan("payment", payment["reference"], paid_at)
    raise NoAnswer


def _charge_twice(payment: Document) -> None:
    """The network delivers the request twice: the first one has paid, and the second one is answered."""
    payments.succeed_twice(payment)
    raise Repeated


# The last digits of the cards, by their outcome.
_ENDINGS = {name: card["last4"] for name, card in payments.TEST_CARDS.items()}
_RECHARGES: dict[str, Callable[[Document], None]] = {
    "no-funds": _fail("Insufficient Funds"),
    "expired": _fail("Expired Card"),
    "challenge": _challenge,
    "timeout": _time_out,
    "duplicate": _charge_twice,
}
