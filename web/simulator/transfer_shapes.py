"""The provider's JSON about transfers: recipients, transfers, and events."""

from __future__ import annotations

from web.simulator.shapes import INTEGRATION, moment
from web.simulator.store import Document


def recipient(recipient: Document) -> Document:
    """Return a recipient."""
    created = moment(recipient["created_at"])
    shared = _recipient(recipient)
    return {
        **shared,
        "details": {"authorization_code": None, **shared["details"]},
        "email": "",
        "integration": INTEGRATION,
        "isDeleted": False,
        "createdAt": created,
        "updatedAt": created,
    }


def created(transfer: Document) -> Document:
    """Return a transfer as in the answer to its creation."""
    return {
        **_with_times(transfer),
        "transfersessionid": [],
        "transfertrials": [],
        "request": transfer["id"],
        "recipient": transfer["recipient"]["id"],
    }


def verified(transfer: Document) -> Document:
    """Return a transfer as in `verify`."""
    return {
        **_with_times(transfer),
        "gateway_response": transfer["gateway_response"],
        "recipient": recipient(transfer["recipient"]),
        "session": {"provider": None, "id": None},
    }


def fetched(transfer: Document) -> Document:
    """Return a transfer as in the answer to `GET /transfer/{code}`, which says what stays charged.

    That is nothing after the money came back, since fee and duty come back with it.
    """
    cost = {"transfer": transfer["fee"], "stamp_duty": transfer["duty"]}
    if transfer.get("is_returned"):
        cost = {}
    parts = [
        {"type": name, "amount": str(amount), "formula": None} for name, amount in cost.items() if amount
    ]
    return {
        **verified(transfer),
        "request": transfer["id"],
        "fee_charged": sum(cost.values()),
        "fees_breakdown": parts or None,
    }


def listed(transfer: Document) -> Document:
    """Return a transfer as in the list. The description has no type for the parts of the cost there."""
    row = fetched(transfer) | {"fees_breakdown": None}
    del row["gateway_response"]
    return row


def event(transfer: Document) -> Document:
    """Return a transfer as in the events about it."""
    registered = moment(transfer["recipient"]["created_at"])
    created = moment(transfer["created_at"])
    return {
        **_sent(transfer),
        "integration": {
            "id": INTEGRATION,
            "is_live": False,
            "business_name": "Asusu",
            "logo_path": "https://example.com/logo.png",
        },
        "recipient": {
            **_recipient(transfer["recipient"]),
            "email": None,
            "created_at": registered,
            "updated_at": registered,
        },
        "session": {"provider": None, "id": None},
        "created_at": created,
        "updated_at": created,
    }


def _with_times(transfer: Document) -> Document:
    created = moment(transfer["created_at"])
    return {**_sent(transfer), "integration": INTEGRATION, "createdAt": created, "updatedAt": created}


def _sent(transfer: Document) -> Document:
    return {
        "id": transfer["id"],
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
        "transferred_at": moment(transfer["sent_at"]),
    }


def _recipient(recipient: Document) -> Document:
    return {
        "id": recipient["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "active": True,
        "type": recipient["type"],
        "name": recipient["name"],
        "description": "",
        "currency": recipient["currency"],
        "metadata": None,
        "recipient_code": recipient["recipient_code"],
        "is_deleted": False,
        "details": {
            "account_number": recipient["account_number"],
            "account_name": recipient["account_name"],
            "bank_code": recipient["bank_code"],
            "bank_name": recipient["bank_name"],
        },
    }
