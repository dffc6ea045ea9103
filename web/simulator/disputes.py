"""Disputes: a payer's bank asks for a payment back, and takes it if nobody answers in time."""

from __future__ import annotations

from web.simulator import clock, money, money_shapes, notices, payments, store
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

WAITING, RESOLVED = "awaiting-merchant-feedback", "resolved"
ACCEPTED, AUTO_ACCEPTED, DECLINED = "merchant-accepted", "auto-accepted", "declined"
_ANSWER_HOURS, _REMIND_HOURS = 16, 8


def open_for(payment: Document) -> Document:
    """Open a dispute about all that is left of a payment. Raises Declined if there is nothing left, or one is open."""
    left = payments.left(payment)
    if payment["status"] != "success" or not left:
        raise Declined("Nothing is left of this payment", code="invalid_transaction")
    if open_one(payment) is not None:
        raise Declined("This payment is disputed already", code="transaction_disputed")
    now = clock.now()
    dispute: Document = {
        "id": store.next_id(),
        "payment": payment["reference"],
        "amount": left,
        "currency": payment["currency"],
        "status": WAITING,
        "resolution": None,
        "created_at": now,
        "due_at": now + _ANSWER_HOURS * 3600,
        "resolved_at": None,
        "message": "",
        "uploaded_filename": "",
        "evidence": 0,
    }
    payments.save(payment | {"dispute": dispute["id"]})
    _save(dispute)
    store.plan("dispute-remind", str(dispute["id"]), now + _REMIND_HOURS * 3600)
    store.plan("dispute-due", str(dispute["id"]), dispute["due_at"])
    _tell("create", dispute)
    return dispute


def open_one(payment: Document) -> Document | None:
    """Return the open dispute of a payment."""
    dispute = find(payment.get("dispute") or 0)
    return dispute if dispute and dispute["status"] == WAITING else None


def find(dispute_id: int) -> Document | None:
    """Return a dispute."""
    return store.get("dispute", str(dispute_id))


def newest_first() -> list[Document]:
    """Return all disputes."""
    return sorted(store.documents("dispute"), key=lambda dispute: int(dispute["id"]), reverse=True)


def add_evidence(dispute: Document, details: Document) -> Document:
    """Store the evidence for a dispute, and return it. Raises Declined if the dispute is resolved already."""
    if dispute["status"] != WAITING:
        raise Declined("Dispute has been resolved already", code="dispute_resolved")
    evidence = {"id": store.next_id(), "dispute": dispute["id"], "created_at": clock.now(), **details}
    store.put("evidence", str(evidence["id"]), evidence)
    _save(dispute | {"evidence": evidence["id"]})
    return evidence


def resolve(dispute: Document, resolution: str, amount: int, **said: object) -> Document:
    """Accept a dispute, which takes `amount` kobo back, or decline it, which takes nothing.

    Raises Declined if the dispute is resolved already, or for more than is left of the payment.
    """
    payment = payments.known(dispute["payment"])
    if dispute["status"] != WAITING:
        raise Declined("Dispute has been resolved already", code="dispute_resolved")
    is_lost = resolution != DECLINED
    if is_lost and not 0 < amount <= payments.left(payment):
        raise Declined("Refund amount is more than what is left of the transaction", code="invalid_amount")
    resolved = dispute | said
    resolved |= {"status": RESOLVED, "resolution": resolution, "resolved_at": clock.now()}
    if is_lost:
        resolved["amount"] = amount
        money.deduct(amount, model="Dispute", row=dispute["id"], currency=dispute["currency"], may_owe=True)
        payments.save(payment | {"going_back": payment.get("going_back", 0) + amount})
        payments.give_back(payment["reference"], amount)
    _save(resolved)
    _tell("resolve", resolved)
    return resolved


def remind(dispute_id: str) -> None:
    """Tell that a dispute still waits for an answer."""
    dispute = store.get("dispute", dispute_id)
    if dispute and dispute["status"] == WAITING:
        _tell("remind", dispute)


def accept_unanswered(dispute_id: str) -> None:
    """Take the whole amount of a dispute that nobody has answered in time."""
    dispute = store.get("dispute", dispute_id)
    if dispute and dispute["status"] == WAITING:
        resolve(dispute, AUTO_ACCEPTED, dispute["amount"])


def _save(dispute: Document) -> None:
    store.put("dispute", str(dispute["id"]), dispute)


def _tell(what: str, dispute: Document) -> None:
    payment = payments.known(dispute["payment"])
    notices.send(f"charge.dispute.{what}", money_shapes.dispute(dispute, payment))
