"""The states of a transfer: the steps that are still to come, the events, and the money that comes back."""

from __future__ import annotations

from web.simulator import clock, money, notices, store, transfer_shapes
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

# The next statuses that the buttons of the simulator's page offer.
NEXT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("pending", "otp", "received"), ("success", "failed", "reversed")),
    "success": ("reversed",),
}
# The provider sends no event of another status.
_EVENTS = {"success", "failed", "reversed"}
# After these the money comes back.
_REASONS = {
    "failed": "The beneficiary's bank declined the transfer",
    "reversed": "The beneficiary's bank returned the transfer",
    "rejected": "The transfer was rejected",
    "blocked": "The transfer was blocked",
    "abandoned": "The transfer was not authorized in time",
}


def find(reference: str) -> Document | None:
    """Return a transfer."""
    return store.get("transfer", reference)


def newest_first() -> list[Document]:
    """Return all transfers."""
    return sorted(store.documents("transfer"), key=lambda sent: int(sent["id"]), reverse=True)


def save(sent: Document) -> None:
    """Store a transfer, replacing the previous state."""
    store.put("transfer", sent["reference"], sent)


def pay(sent: Document) -> None:
    """Take the amount, the fee and the duty of a transfer from the balance."""
    _move(sent, -1, "")


def schedule(sent: Document, *steps: tuple[int, str, int]) -> None:
    """Set the steps to come, which replace those before: seconds from the step before, status, and number of events."""
    sent["steps"] = steps
    if steps:
        store.plan("transfer", sent["reference"], clock.now() + steps[0][0])


def proceed(reference: str) -> None:
    """Take the next step of a transfer, which is due."""
    sent = find(reference)
    if sent is None or not sent["steps"]:
        return
    (_, status, events), *rest = sent["steps"]
    schedule(sent, *rest)
    set_status(sent, status, events=events)


def click(reference: str, status: str) -> None:
    """Give a transfer another status at once, instead of the steps to come. Raises Declined if it cannot have it."""
    sent = find(reference)
    if sent is None or status not in NEXT.get(sent["status"], ()):
        raise Declined("That transfer has ended already.")
    schedule(sent)
    set_status(sent, status)


def set_status(sent: Document, status: str, *, events: int = 1) -> None:
    """Store the new status, give the money back unless the transfer succeeded, and send events about it."""
    sent |= {"status": status, "gateway_response": _REASONS.get(status)}
    if status == "success":
        sent["sent_at"] = clock.now()
    else:
        sent["is_returned"] = True
        _move(sent, 1, " returned")
    save(sent)
    if status in _EVENTS:
        for _ in range(events):
            notices.send(f"transfer.{status}", transfer_shapes.event(sent))


def _move(sent: Document, sign: int, suffix: str) -> None:
    parts = {"Transfer": sent["amount"], "Transfer fee": sent["fee"], "Stamp duty": sent["duty"]}
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
