"""The provider's JSON, as in its OpenAPI description and its webhooks."""

from __future__ import annotations

import datetime
import json

from web.simulator.store import Document

_INTEGRATION = 100_001


def fee(amount: int) -> int:
    """Return the provider's fee in kobo for a Nigerian card: 1.5 %, plus NGN 100 from NGN 2,500, at most NGN 2,000."""
    return min(amount * 15 // 1000 + (100_00 if amount >= 2_500_00 else 0), 2_000_00)


def checkout(payment: Document, origin: str) -> Document:
    """Return the response to an initialized payment."""
    return {
        "authorization_url": f"{origin}/pay/{payment['access_code']}",
        "access_code": payment["access_code"],
        "reference": payment["reference"],
    }


def payment(payment: Document) -> Document:
    """Return a payment as in `verify` and `charge.success`."""
    created, paid = _moment(payment["created_at"]), _moment(payment["paid_at"])
    return {
        **charged(payment),
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


def charged(payment: Document) -> Document:
    """Return a payment as in the response to a repeated charge."""
    is_paid = payment["status"] == "success"
    return {
        "id": payment["id"],
        "domain": "test",
        "status": payment["status"],
        "reference": payment["reference"],
        "amount": payment["amount"],
        "requested_amount": payment["requested_amount"],
        "currency": payment["currency"],
        "fees": fee(payment["amount"]) if is_paid else None,
        "message": None,
        "gateway_response": payment["gateway_response"],
        "channel": "card",
        "ip_address": None,
        "metadata": _as_text(payment["metadata"]),
        "log": None,
        "plan": None,
        "transaction_date": _moment(payment["paid_at"] or payment["created_at"]),
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
        "country_code": "NG",
        "brand": card["brand"],
        "reusable": True,
        "signature": f"SIG_{card['code'][5:]}",
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


def recipient(recipient: Document) -> Document:
    """Return a transfer recipient."""
    created = _moment(recipient["created_at"])
    return {
        "id": recipient["id"],
        "integration": _INTEGRATION,
        "domain": "test",
        "active": True,
        "type": recipient.get("type", "nuban"),
        "name": recipient["name"],
        "description": "",
        "email": "",
        "currency": recipient["currency"],
        "metadata": None,
        "recipient_code": recipient["recipient_code"],
        "is_deleted": False,
        "isDeleted": False,
        "createdAt": created,
        "updatedAt": created,
        "details": {
            "authorization_code": None,
            "account_number": recipient["account_number"],
            "account_name": recipient["name"].upper(),
            "bank_code": recipient["bank_code"],
            "bank_name": "Test Bank",
        },
    }


def transfer(transfer: Document) -> Document:
    """Return a transfer as in the response to its creation."""
    return {
        **_sent(transfer),
        "transfersessionid": [],
        "transfertrials": [],
        "request": transfer["id"],
        "recipient": transfer["recipient"]["id"],
    }


def verified_transfer(transfer: Document) -> Document:
    """Return a transfer as in `verify` and `transfer.success`."""
    return {
        **_sent(transfer),
        "gateway_response": None,
        "recipient": recipient(transfer["recipient"]),
        "session": {"provider": None, "id": None},
    }


def _sent(transfer: Document) -> Document:
    created = _moment(transfer["created_at"])
    return {
        "id": transfer["id"],
        "integration": _INTEGRATION,
        "domain": "test",
        "amount": transfer["amount"],
        "currency": transfer["currency"],
        "reference": transfer["reference"],
        "reason": transfer["reason"],
        "status": transfer["status"],
        "transfer_code": transfer["transfer_code"],
        "source": "balance",
        "source_details": None,
        "failures": None,
        "titan_code": None,
        "transferred_at": _moment(transfer["sent_at"]),
        "createdAt": created,
        "updatedAt": created,
    }


def _as_text(metadata: Document | str) -> str:
    """Return metadata as in the response to a repeated charge, which is always text."""
    return metadata if isinstance(metadata, str) else json.dumps(metadata) if metadata else ""


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
