"""The outcomes of a payment: the functions behind the buttons of the checkout page."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from math import inf

from web.simulator import clock, money, notices, shapes, store
from web.simulator.store import Document

LATE_SECONDS = 8
CARD = {"brand": "visa", "last4": "4081", "bank": "Test Bank", "country": "NG"}
FOREIGN_CARD = {"brand": "mastercard", "last4": "9903", "bank": "Bank of Elsewhere", "country": "US"}
OTHER_CARD = {"brand": "mastercard", "last4": "5100", "bank": "Other Test Bank", "country": "NG"}
# Cards that pay now, and whose next charge has the outcome of their name; see `cards`.
TEST_CARDS = {
    name: {"brand": "verve", "last4": str(5101 + index), "bank": "Test Bank", "country": "NG"}
    for index, name in enumerate(["no-funds", "expired", "not-reusable", "challenge", "timeout", "duplicate"])
}


def announce(
    *, reference: str, amount: int, currency: str, email: str, metadata: object, callback: str
) -> Document | None:
    """Store a new payment, which like the provider's is `abandoned` until somebody pays it. Amounts are in kobo.

    Returns None if the reference already exists.
    """
    payment: Document = {
        "id": store.next_id(),
        "reference": reference,
        "access_code": secrets.token_hex(8),
        "amount": amount,
        "requested_amount": amount,
        "currency": currency,
        "email": email,
        "metadata": metadata,
        "callback_url": callback,
        "status": "abandoned",
        "gateway_response": "The transaction was not completed",
        "created_at": clock.now(),
        "paid_at": None,
        "succeeds_at": None,
        "authorization": None,
    }
    if not store.add("payment", reference, payment):
        return None
    store.put("access", payment["access_code"], {"reference": reference})
    store.put("payment-id", str(payment["id"]), {"reference": reference})
    return payment


def find(reference: str) -> Document | None:
    """Return the current state of a payment; a delayed success may have happened meanwhile."""
    payment = store.get("payment", reference)
    if payment and payment["succeeds_at"] and payment["succeeds_at"] <= clock.now():
        _pay(payment)
        save(payment)
    if payment and payment["status"] == "ongoing" and payment.get("challenge_ends_at", inf) <= clock.now():
        abandon(payment)
        save(payment)
    return payment


def find_by_access_code(access_code: str) -> Document | None:
    """Return the payment of a checkout page."""
    access = store.get("access", access_code)
    return find(access["reference"]) if access else None


def known(reference: str) -> Document:
    """Return a payment that is there, since a refund or a dispute names it."""
    payment = find(reference)
    if payment is None:
        raise LookupError(f"the payment {reference} is gone")
    return payment


def find_by_id_or_reference(name: str) -> Document | None:
    """Return the payment with a reference, or with the provider's number of it."""
    by_id = store.get("payment-id", name)
    return find(by_id["reference"] if by_id else name)


def paid() -> list[Document]:
    """Return the payments that have been paid, given back or not."""
    return [payment for payment in store.documents("payment") if payment["paid_at"]]


def newest_first() -> list[Document]:
    """Return all payments in their current state."""
    every = [known(payment["reference"]) for payment in store.documents("payment")]
    return sorted(every, key=lambda payment: int(payment["id"]), reverse=True)


def left(payment: Document) -> int:
    """Return the kobo of a payment that can still be given back; those that are on their way back count as gone."""
    return int(payment["amount"]) - int(payment.get("going_back", 0))


def give_back(reference: str, amount: int) -> None:
    """Note kobo that were given back. With the last one, the payment is `reversed`."""
    payment = known(reference)
    given = payment.get("given_back", 0) + amount
    status = "reversed" if given == payment["amount"] else payment["status"]
    save(payment | {"given_back": given, "status": status})


def save(payment: Document) -> None:
    """Store a payment, replacing the previous state."""
    store.put("payment", payment["reference"], payment)


def succeed(payment: Document) -> None:
    """Pay, and send the event at once."""
    _pay(payment)
    notices.send("charge.success", shapes.payment(payment))


def succeed_abroad(payment: Document) -> None:
    """Pay with a foreign card, whose fee is higher."""
    payment["authorization"] = _new_card(payment, FOREIGN_CARD)
    succeed(payment)


def _succeed_with(card: Document) -> Callable[[Document], None]:
    def succeed_with(payment: Document) -> None:
        payment["authorization"] = _new_card(payment, card)
        succeed(payment)

    return succeed_with


def decline(payment: Document) -> None:
    """The bank declines. The provider sends no event for that."""
    payment.update(status="failed", gateway_response="Declined")


def abandon(payment: Document) -> None:
    """The user leaves the page. The provider sends no event for that either."""
    payment.update(status="abandoned", gateway_response="The transaction was not completed")


def succeed_late(payment: Document) -> None:
    """Pending at first, then paid with an event."""
    paid_at = clock.now() + LATE_SECONDS
    payment.update(
        status="pending",
        gateway_response="Waiting for the bank",
        succeeds_at=paid_at,
        authorization=_new_card(payment),
    )
    told = dict(payment)
    _mark_paid(told)
    notices.send("charge.success", shapes.payment(told), at=paid_at)
    store.plan("payment", payment["reference"], paid_at)


def succeed_twice(payment: Document) -> None:
    """Pay, and send the event twice."""
    succeed(payment)
    notices.send("charge.success", shapes.payment(payment))


def pay_less(payment: Document) -> None:
    """Only half of the amount is paid."""
    payment["amount"] = payment["requested_amount"] // 2
    succeed(payment)


def forge(payment: Document) -> None:
    """Send a forged event of success with a wrong signature. Nothing is paid."""
    claimed = {**payment, "status": "success", "gateway_response": "Successful", "paid_at": clock.now()}
    notices.send("charge.success", shapes.payment(claimed), key="not-the-secret-key")


def succeed_silently(payment: Document) -> None:
    """Pay, and send no event."""
    _pay(payment)


OUTCOMES: dict[str, Callable[[Document], None]] = {
    "success": succeed,
    "foreign": succeed_abroad,
    "declined": decline,
    "abandon": abandon,
    "late": succeed_late,
    "twice": succeed_twice,
    "wrong-amount": pay_less,
    "forged": forge,
    "silent": succeed_silently,
    "other-card": _succeed_with(OTHER_CARD),
    **{f"card-{name}": _succeed_with(card) for name, card in TEST_CARDS.items()},
}


def _pay(payment: Document) -> None:
    _mark_paid(payment)
    store.put("authorization", payment["authorization"]["code"], payment["authorization"])
    with clock.at(payment["paid_at"]):
        money.collect(payment, shapes.fees(payment))


def _mark_paid(payment: Document) -> None:
    payment.update(
        status="success",
        gateway_response="Successful",
        paid_at=payment["succeeds_at"] or clock.now(),
        succeeds_at=None,
        authorization=payment["authorization"] or _new_card(payment),
    )


def _new_card(payment: Document, card: Document = CARD) -> Document:
    return {**card, "code": f"AUTH_{secrets.token_hex(5)}", "email": payment["email"]}
