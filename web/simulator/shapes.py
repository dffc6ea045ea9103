"""The provider's JSON, as in its OpenAPI description and its webhooks."""

from __future__ import annotations

import datetime
import json

from web.simulator import money, switches
from web.simulator.store import Document

INTEGRATION = 100_001
_HOME = "NG"
# Without these an answer is still as described.
_OPTIONAL_OF_CARD = ("bank", "bin", "brand", "country_code", "reusable")
_NO_CARD = {
    **dict.fromkeys(("authorization_code", "bin", "last4", "exp_month", "exp_year", "channel", "card_type")),
    **dict.fromkeys(("bank", "country_code", "brand", "signature", "account_name")),
    "reusable": False,
}


def fees(payment: Document) -> int:
    """Return the provider's fee for a payment in kobo."""
    card = payment["authorization"] or {}
    return money.fee(payment["amount"], is_foreign=card.get("country", _HOME) != _HOME)


def checkout(payment: Document, origin: str) -> Document:
    """Return the response to an initialized payment."""
    return {
        "authorization_url": f"{origin}/pay/{payment['access_code']}",
        "access_code": payment["access_code"],
        "reference": payment["reference"],
    }


def challenge(payment: Document, origin: str) -> Document:
    """Return the response to a charge that the card's owner has to approve; the description leaves it out."""
    return checkout(payment, origin) | {"paused": True}


def payment(payment: Document) -> Document:
    """Return a payment as in `verify` and `charge.success`."""
    created, paid = moment(payment["created_at"]), moment(payment["paid_at"])
    charge = charged(payment)
    if switches.is_on("leaves_out"):
        charge["authorization"] = _left_out(payment, charge["authorization"])
    return {
        **charge,
        "metadata": payment["metadata"],
        "ip_address": "127.0.0.1",
        "receipt_number": None,
        "fees_split": None,
        "split": {},
        "order_id": None,
        "pos_transaction_data": None,
        "source": None,
        "fees_breakdown": None,
        "connect": None,
        "plan_object": {},
        "subaccount": {},
        "paid_at": paid,
        "paidAt": paid,
        "created_at": created,
        "createdAt": created,
    }


def listed(announced: Document) -> Document:
    """Return a payment as in the list. The description has other types there than in `verify`."""
    card = announced["authorization"]
    is_object = isinstance(announced["metadata"], dict)
    return {
        **payment(announced),
        "authorization": authorization(card) if card else _NO_CARD,
        "metadata": announced["metadata"] if is_object else None,
        "paidAt": moment(announced["paid_at"]) or "",
        "plan": {},
    }


def charged(payment: Document) -> Document:
    """Return a payment as in the response to a repeated charge."""
    is_paid = payment["status"] in {"success", "reversed"}
    return {
        "id": payment["id"],
        "domain": "test",
        "status": payment["status"],
        "reference": payment["reference"],
        "amount": payment["amount"],
        "requested_amount": payment["requested_amount"],
        "currency": payment["currency"],
        "fees": payment.get("fees", fees(payment)) if is_paid else None,
        "message": None,
        "gateway_response": payment["gateway_response"],
        "channel": "card",
        "ip_address": None,
        "metadata": _as_text(payment["metadata"]),
        "log": None,
        "plan": None,
        "transaction_date": moment(payment["paid_at"] or payment["created_at"]),
        "authorization": authorization(payment["authorization"]) if payment["authorization"] else {},
        "customer": customer(payment["email"]),
    }


def authorization(card: Document) -> Document:
    """Return the card of a payment."""
    return {
        "authorization_code": card["code"],
        "bin": "408408",
        "last4": card["last4"],
        "exp_month": "12",
        "exp_year": "2030",
        "channel": "card",
        "card_type": card["brand"],
        "bank": card["bank"],
        "country_code": card.get("country", _HOME),
        "brand": card["brand"],
        "reusable": True,
        # The same for the same number, whoever pays with it.
        "signature": f"SIG_{card['brand']}{card['last4']}",
        "account_name": None,
    }


def customer(email: str) -> Document:
    """Return the paying customer."""
    return {
        "id": 1,
        "first_name": None,
        "last_name": None,
        "email": email,
        "customer_code": "CUS_simulator",
        "phone": None,
        "metadata": None,
        "risk_action": "default",
        "international_format_phone": None,
    }


def _as_text(metadata: object) -> str:
    """Return metadata as in the response to a repeated charge, which is always text."""
    return metadata if isinstance(metadata, str) else json.dumps(metadata) if metadata else ""


def _left_out(payment: Document, card: Document) -> Document:
    """Return a card without its optional fields: without any for every second payment."""
    if payment["id"] % 2:
        return {}
    return {name: value for name, value in card.items() if name not in _OPTIONAL_OF_CARD}


def moment(seconds: float | None) -> str | None:
    """Return a time in seconds since 1970 as the provider writes it, in UTC."""
    if seconds is None:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
