"""Refunds: pending first, then processed with the money taken back, or failed."""

from __future__ import annotations

from web.simulator import clock, disputes, money, money_shapes, notices, payments, store, switches
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_REFUND_SECONDS = 8


def create(payment: Document, amount: int | None, *, customer_note: str, merchant_note: str) -> Document:
    """Begin to give kobo back, or all that is left. Raises Declined for more than is left, and during a dispute."""
    left = payments.left(payment)
    amount = left if amount is None else amount
    if payment["status"] != "success":
        raise Declined("Transaction has not been paid or is fully reversed", code="invalid_transaction")
    if disputes.open_one(payment) is not None:
        raise Declined("Transaction has an open dispute", code="transaction_disputed")
    if not 0 < amount <= left:
        raise Declined("Refund amount is more than what is left of the transaction", code="invalid_amount")
    refund: Document = {
        "id": store.next_id(),
        "payment": payment["reference"],
        "amount": amount,
        "currency": payment["currency"],
        "status": "pending",
        "customer_note": customer_note,
        "merchant_note": merchant_note,
        "created_at": clock.now(),
        "ended_at": None,
    }
    payments.save(payment | {"going_back": payment.get("going_back", 0) + amount})
    _save(refund)
    store.plan("refund", str(refund["id"]), clock.now() + _REFUND_SECONDS)
    _tell(refund)
    return refund


def find(refund_id: int) -> Document | None:
    """Return a refund."""
    return store.get("refund", str(refund_id))


def newest_first() -> list[Document]:
    """Return all refunds."""
    return sorted(store.documents("refund"), key=lambda refund: int(refund["id"]), reverse=True)


def end(refund_id: str) -> None:
    """Process a pending refund, or let it fail if the switch says so. Without enough money it waits."""
    refund = store.get("refund", refund_id)
    if refund is None or refund["status"] != "pending":
        return
    if switches.is_on("refunds_fail"):
        fail(refund_id)
        return
    is_taken = money.deduct(
        refund["amount"], model="Refund", row=refund["id"], currency=refund["currency"], may_owe=False
    )
    if not is_taken:
        _save(refund | {"waits": True})
        return
    _end(refund, "processed")
    payments.give_back(refund["payment"], refund["amount"])


def fail(refund_id: str) -> None:
    """Let a pending refund fail: nothing is taken, and its amount can be refunded again."""
    refund = store.get("refund", refund_id)
    if refund is None or refund["status"] != "pending":
        return
    payment = payments.known(refund["payment"])
    payments.save(payment | {"going_back": payment["going_back"] - refund["amount"]})
    _end(refund, "failed")


def process_waiting() -> None:
    """Try the refunds again for which there was no money, oldest first."""
    for refund in reversed(newest_first()):
        if refund["status"] == "pending" and refund.get("waits"):
            end(str(refund["id"]))


def _end(refund: Document, status: str) -> None:
    ended = refund | {"status": status, "ended_at": clock.now()}
    _save(ended)
    _tell(ended)


def _save(refund: Document) -> None:
    store.put("refund", str(refund["id"]), refund)


def _tell(refund: Document) -> None:
    payment = payments.known(refund["payment"])
    notices.send(f"refund.{refund['status']}", money_shapes.refund_event(refund, payment))
