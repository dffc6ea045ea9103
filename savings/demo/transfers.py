"""The transfers of the demo's provider: banks, the names of accounts, and what becomes of each transfer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from django.conf import settings
from django.utils import timezone

Document = dict[str, Any]

BANKS = {"058": "Guaranty Trust Bank", "057": "Zenith Bank", "50211": "Kuda Bank"}
# What the provider takes for a transfer up to an amount, and the stamp duty from an amount on.
_COSTS = ((5_000_00, 10_00), (50_000_00, 25_00), (2**63, 50_00))
_DUTY_KOBO, _DUTY_FROM_KOBO = 50_00, 10_000_00


class Transfers:
    """Answers the calls about banks and transfers."""

    def __init__(self) -> None:
        self.by_reference: dict[str, Document] = {}
        # The name of each account, by its number.
        self.names: dict[str, str] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request whose path begins with /bank, /transfer or /balance."""
        path = request.url.path
        answers: dict[str, Callable[[], object]] = {
            "/bank": lambda: [{"code": code, "name": name} for code, name in BANKS.items()],
            "/bank/resolve": lambda: {"account_name": self.names[request.url.params["account_number"]]},
            "/balance": lambda: [{"currency": settings.CURRENCY, "balance": 10**12}],
            "/transferrecipient": lambda: _recipient(json.loads(request.content)),
            "/transfer": lambda: self._send(json.loads(request.content)),
        }
        data = answers[path]() if path in answers else self.by_reference.get(_name(path))
        if data is None:
            return httpx.Response(404, json={"status": False, "message": "Transfer not found"})
        return httpx.Response(200, json={"status": True, "message": "As requested", "data": data})

    def end(self, reference: str, status: str, message: str = "") -> None:
        """End a transfer. One that fails costs nothing."""
        sent = self.by_reference[reference.lower()]
        sent.update(status=status, gateway_response=message)
        if status == "success":
            duty_kobo = _DUTY_KOBO if sent["amount"] >= _DUTY_FROM_KOBO else 0
            fee_kobo = next(fee for most, fee in _COSTS if sent["amount"] <= most)
            sent["fee_charged"] = fee_kobo + duty_kobo
            sent["fees_breakdown"] = [{"type": "stamp_duty", "amount": str(duty_kobo), "formula": None}]
            sent["transferred_at"] = timezone.now().isoformat()

    def _send(self, order: Document) -> Document:
        sent = {name: order[name] for name in ("reference", "amount", "currency", "recipient")}
        sent |= {"status": "pending", "transfer_code": f"TRF_{order['reference']}", "fee_charged": 0}
        self.by_reference[order["reference"]] = sent
        return sent


def _recipient(order: Document) -> Document:
    code = f"RCP_{order['bank_code']}{order['account_number']}"
    details = {"account_name": order["name"], "bank_name": BANKS[order["bank_code"]]}
    return {"recipient_code": code, "details": details}


def _name(path: str) -> str:
    """Return the reference in a path that ends with a transfer's reference or code."""
    return path.rpartition("/")[2].removeprefix("TRF_")
