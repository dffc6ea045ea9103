"""Settlements: what the provider pays out to us, on working days, to the bank account or to the balance."""

from __future__ import annotations

import json

from web.simulator import clock, money, refunds, store, switches
from web.simulator.store import Document


def run(*, everything: bool = False) -> None:
    """Pay out what is due by now, or everything that is pending. Refunds that wait for money come first."""
    with store.atomic():
        refunds.process_waiting()
        for currency in money.currencies():
            _settle(currency, everything=everything)


def find(settlement_id: int) -> Document | None:
    """Return a settlement."""
    return store.get("settlement", str(settlement_id))


def newest_first() -> list[Document]:
    """Return all settlements."""
    return sorted(store.documents("settlement"), key=_id, reverse=True)


def payments_of(settlement: Document) -> list[Document]:
    """Return the payments that a settlement has paid out."""
    found = store.rows(
        "SELECT payment.body FROM movement"
        " JOIN document AS by_id ON by_id.kind = 'payment-id' AND by_id.key = CAST(movement.row AS TEXT)"
        " JOIN document AS payment ON payment.kind = 'payment'"
        " AND payment.key = json_extract(by_id.body, '$.reference')"
        " WHERE movement.settlement = ? AND movement.reason = 'Charge' ORDER BY movement.id",
        (settlement["id"],),
    )
    return [json.loads(body) for (body,) in found]


def _settle(currency: str, *, everything: bool) -> None:
    """Pay out one currency. While more is to be taken back than is due, all of it waits for the next day."""
    due = store.rows(
        "SELECT id, reason, amount, row FROM movement WHERE place = 'pending' AND settlement IS NULL"
        " AND currency = ? AND (settles_at IS NULL OR settles_at <= ? OR ?)",
        (currency, clock.now(), everything),
    )
    net = sum(amount for _, _, amount, _ in due)
    if net < 0:
        again_at = clock.next_settlement(clock.now())
        store.plan("settlement", str(again_at), again_at)
    if net < 0 or not due:
        return
    settlement: Document = {
        "id": store.next_id(),
        "currency": currency,
        "gross": sum(amount for _, reason, amount, _ in due if reason == "Charge"),
        "fees": -sum(amount for _, reason, amount, _ in due if reason == "Fee"),
        "deductions": [
            {"type": reason.lower(), "id": row, "amount": -amount}
            for _, reason, amount, row in due
            if reason not in {"Charge", "Fee"}
        ],
        "net": net,
        "to": money.BALANCE if switches.is_on("settles_to_balance") else money.BANK,
        "settled_at": clock.now(),
    }
    store.add("settlement", str(settlement["id"]), settlement)
    _pay_out(settlement)
    for movement_id, *_ in due:
        store.run("UPDATE movement SET settlement = ? WHERE id = ?", (settlement["id"], movement_id))


def _pay_out(settlement: Document) -> None:
    for place, amount in ((money.PENDING, -settlement["net"]), (settlement["to"], settlement["net"])):
        if amount:
            money.post(
                place,
                amount,
                reason="Settlement",
                model="Settlement",
                row=settlement["id"],
                currency=settlement["currency"],
            )
    # The row that takes the money out of what is pending belongs to this settlement, not to the next one.
    store.run(
        "UPDATE movement SET settlement = ? WHERE place = 'pending' AND model = 'Settlement' AND row = ?",
        (settlement["id"], settlement["id"]),
    )


def _id(document: Document) -> int:
    return int(document["id"])
