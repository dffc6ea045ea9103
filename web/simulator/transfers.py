"""Transfers to bank accounts: taken from the balance with their fee at once, and given back if they fail."""

from __future__ import annotations

from web.simulator import clock, money, notices, store, transfer_shapes
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

# Transfers to this account number fail, so that failures can be tested.
FAILING_ACCOUNT = "0000000000"
_SECONDS = 4
# The provider's fee by the largest amount of each band, and the state's stamp duty on the sender.
_FEES = ((5_000_00, 10_00), (50_000_00, 25_00), (2**63, 50_00))
_DUTY, _DUTY_FROM = 50_00, 10_000_00


def send(*, reference: str, amount: int, currency: str, reason: str, recipient: Document) -> Document:
    """Begin a transfer of kobo. Raises Declined for a reference that exists, and if the balance is not enough."""
    sent: Document = {
        "id": store.next_id(),
        "reference": reference,
        "transfer_code": f"TRF_{reference}",
        "amount": amount,
        "currency": currency,
        "reason": reason,
        "recipient": recipient,
        "status": "pending",
        "fee": next(fee for most, fee in _FEES if amount <= most),
        "duty": _DUTY if amount >= _DUTY_FROM else 0,
        "created_at": clock.now(),
        "sent_at": None,
    }
    if not store.add("transfer", reference, sent):
        raise Declined("Transfer reference already exists", code="duplicate_reference")
    if money.balance(money.BALANCE, currency) < amount + sent["fee"] + sent["duty"]:
        raise Declined("Your balance is not enough to fulfil this request", code="insufficient_balance")
    _move(sent, -1, "")
    store.plan("transfer", reference, clock.now() + _SECONDS)
    return sent


def find(reference: str) -> Document | None:
    """Return a transfer."""
    return store.get("transfer", reference)


def end(reference: str) -> None:
    """End a pending transfer: its recipient's bank takes the money or not."""
    sent = find(reference)
    if sent is None or sent["status"] != "pending":
        return
    is_failed = sent["recipient"]["account_number"] == FAILING_ACCOUNT
    sent |= {"status": "failed" if is_failed else "success", "sent_at": clock.now()}
    if is_failed:
        _move(sent, 1, " returned")
    store.put("transfer", reference, sent)
    notices.send(f"transfer.{sent['status']}", transfer_shapes.event(sent))


def _move(sent: Document, sign: int, suffix: str) -> None:
    parts = {
        "Transfer": sent["amount"],
        "Transfer fee": sent.get("fee", 0),
        "Stamp duty": sent.get("duty", 0),
    }
    for reason, amount in parts.items():
        if amount:
            money.post(
                money.BALANCE,
                sign * amount,
                reason=reason + suffix,
                model="Transfer",
                row=sent["id"],
                currency=sent["currency"],
            )
