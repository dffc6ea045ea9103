"""The provider's JSON about money: balance, settlements, refunds and disputes."""

from __future__ import annotations

from web.simulator import shapes, switches
from web.simulator.money import Movement
from web.simulator.shapes import INTEGRATION, moment
from web.simulator.store import Document

_BIN = "408408"


def ledger_row(movement: Movement) -> Document:
    """Return a row of `GET /balance/ledger`."""
    moved = moment(movement.moved_at)
    return {
        "integration": INTEGRATION,
        "domain": "test",
        "balance": movement.balance,
        "currency": movement.currency,
        "difference": movement.amount,
        "reason": movement.reason,
        "model_responsible": movement.model,
        "model_row": movement.row,
        "id": movement.id,
        "createdAt": moved,
        "updatedAt": moved,
    }


def settlement(settlement: Document) -> Document:
    """Return a settlement. Its `effective_amount` = processed - fees - deductions, in kobo."""
    settled = moment(settlement["settled_at"])
    return {
        "id": settlement["id"],
        "integration": INTEGRATION,
        "domain": "test",
        "status": "success",
        "currency": settlement["currency"],
        "total_processed": settlement["gross"],
        "total_fees": settlement["fees"],
        "total_amount": settlement["gross"] - settlement["fees"],
        "effective_amount": settlement["net"],
        "deductions": settlement["deductions"] or None,
        "settlement_date": settled,
        "settled_by": None,
        "createdAt": settled,
        "updatedAt": settled,
    }


def created_refund(refund: Document, payment: Document) -> Document:
    """Return a refund as in the answer to its creation."""
    paid = shapes.payment(payment)
    return {
        "transaction": {
            "id": paid["id"],
            "domain": "test",
            "reference": paid["reference"],
            "amount": paid["amount"],
            "paid_at": paid["paid_at"],
            "channel": paid["channel"],
            "currency": paid["currency"],
            "authorization": {"exp_month": None, "exp_year": None, "account_name": None},
            "customer": {"international_format_phone": None},
            "plan": {},
            "subaccount": {"currency": None},
            "split": {},
            "order_id": None,
            "paidAt": paid["paid_at"],
            "pos_transaction_data": None,
            "source": None,
            "fees_breakdown": None,
        },
        **_refund(refund),
        "channel": None,
        "expected_at": moment(refund["created_at"]),
        "fully_deducted": False,
        "updatedAt": moment(refund["created_at"]),
    }


def refund(refund: Document, payment: Document) -> Document:
    """Return a refund as in fetching and listing."""
    return {
        **_refund(refund),
        "transaction": payment["id"],
        "dispute": None,
        "settlement": None,
        "refunded_at": moment(refund["ended_at"]) if refund["status"] == "processed" else None,
        "fully_deducted": int(refund["status"] == "processed"),
        "bank_reference": None,
        "transaction_reference": payment["reference"],
        "reason": refund["merchant_note"],
        "customer": _customer(payment, metadata=""),
        "refund_type": "full" if refund["amount"] == payment["amount"] else "partial",
        "transaction_amount": payment["amount"],
        "initiated_by": "simulator@example.com",
        "refund_channel": "card",
        "session_id": None,
        "collect_account_number": False,
    }


def refund_event(refund: Document, payment: Document) -> Document:
    """Return a refund as in its events, where the amount is text. Some of them do not tell the refund's number."""
    told = {
        "status": refund["status"],
        "transaction_reference": payment["reference"],
        "refund_reference": f"RFD_{refund['id']}",
        "amount": str(refund["amount"]),
        "currency": refund["currency"],
        "processor": "simulator",
        "customer": {"first_name": None, "last_name": None, "email": payment["email"]},
        "integration": INTEGRATION,
        "domain": "test",
    }
    return told if switches.is_on("leaves_out") else told | {"id": refund["id"]}


def dispute(dispute: Document, payment: Document) -> Document:
    """Return a dispute as in fetching and in its events."""
    return {
        **_dispute(dispute),
        "transaction": _disputed(payment),
        "customer": _customer(payment, metadata={}),
        "history": [{"status": dispute["status"], "by": payment["email"], "createdAt": _last(dispute)}],
        "messages": [
            {
                "sender": payment["email"],
                "body": "I did not pay this.",
                "createdAt": moment(dispute["created_at"]),
            }
        ],
    }


def listed_dispute(found: Document, payment: Document) -> Document:
    """Return a dispute as in a list, where the customer's metadata is text."""
    return dispute(found, payment) | {"customer": _customer(payment, metadata="")}


def resolved_dispute(dispute: Document, payment: Document) -> Document:
    """Return a dispute as in the answer to its resolution."""
    said = moment(dispute["resolved_at"])
    return {
        **_dispute(dispute),
        "merchant_transaction_reference": payment["reference"],
        "attachments": dispute["uploaded_filename"],
        "integration": INTEGRATION,
        "transaction": payment["id"],
        "created_by": INTEGRATION,
        "evidence": dispute["evidence"],
        "message": {
            "dispute": dispute["id"],
            "sender": "simulator@example.com",
            "body": dispute["message"],
            "id": dispute["id"],
            "createdAt": said,
            "updatedAt": said,
        },
    }


def evidence(evidence: Document) -> Document:
    """Return evidence as in the answer to its creation."""
    fields = ("customer_email", "customer_name", "customer_phone", "service_details")
    sent = moment(evidence["created_at"])
    return {
        **{name: evidence[name] for name in fields},
        "delivery_address": evidence.get("delivery_address", ""),
        "delivery_date": evidence.get("delivery_date", ""),
        "dispute": evidence["dispute"],
        "id": evidence["id"],
        "createdAt": sent,
        "updatedAt": sent,
    }


def _refund(refund: Document) -> Document:
    return {
        "integration": INTEGRATION,
        "id": refund["id"],
        "domain": "test",
        "currency": refund["currency"],
        "amount": refund["amount"],
        "status": refund["status"],
        "refunded_by": "simulator@example.com",
        "customer_note": refund["customer_note"],
        "merchant_note": refund["merchant_note"],
        "deducted_amount": refund["amount"] if refund["status"] == "processed" else 0,
        "createdAt": moment(refund["created_at"]),
    }


def _dispute(dispute: Document) -> Document:
    return {
        "id": dispute["id"],
        "refund_amount": dispute["amount"],
        "currency": dispute["currency"],
        "status": dispute["status"],
        "resolution": dispute["resolution"],
        "domain": "test",
        "transaction_reference": None,
        "category": "chargeback",
        "bin": _BIN,
        "last4": "4081",
        "dueAt": moment(dispute["due_at"]),
        "resolvedAt": moment(dispute["resolved_at"]),
        "evidence": dispute["evidence"] or None,
        "attachments": None,
        "note": None,
        "createdAt": moment(dispute["created_at"]),
        "updatedAt": _last(dispute),
    }


def _disputed(payment: Document) -> Document:
    """Return the payment in a dispute, whose metadata is always an object with `custom_fields`."""
    metadata = payment["metadata"] if isinstance(payment["metadata"], dict) else {}
    paid = shapes.payment(payment) | {
        "metadata": {**metadata, "custom_fields": []},
        "plan": {},
        "authorization": {"receiver_bank_account_number": None, "receiver_bank": None},
        "customer": {"international_format_phone": None},
    }
    if switches.is_on("leaves_out"):
        del paid["receipt_number"]
    return paid


def _customer(payment: Document, *, metadata: object) -> Document:
    words = {"first_name": "", "last_name": "", "phone": "", "international_format_phone": ""}
    return {**shapes.customer(payment["email"]), **words, "metadata": metadata}


def _last(dispute: Document) -> str | None:
    return moment(dispute["resolved_at"] or dispute["created_at"])
