"""The contents of a webhook event's body: its name, its data, the key of its repeats, and the payment's reference."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from savings import references, typed_text
from savings.exceptions import MalformedEvent


def parse(body: bytes) -> tuple[str, dict[str, Any], str]:
    """Return an event's name and data, and its body as text."""
    try:
        text = body.decode()
        message = json.loads(text)
        event, data = message["event"], message.get("data")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedEvent("not an event") from error
    if not isinstance(event, str) or not event:
        raise MalformedEvent("not an event")
    return typed_text.storable(event), data if isinstance(data, dict) else {}, text


def key_of(event: str, data: dict[str, Any], body: bytes) -> str:
    """Return the key that identifies repeats: a digest of the event's name, ids, status, amount and currency.

    The provider sends no event id, and the bytes of a repeat may differ. For an event without any ids, the body
    itself counts.
    """
    names = ("id", "reference", "transaction_reference", "refund_reference", "transfer_code")
    ids = [data.get(name) for name in names]
    if not any(ids):
        ids = [hashlib.sha256(body).hexdigest()]
    says = [event, *ids, data.get("status"), data.get("amount"), data.get("currency")]
    return hashlib.sha256(json.dumps(says).encode()).hexdigest()


def reference_of(data: dict[str, Any]) -> str:
    """Return the reference of the payment or transfer of an event; refunds and disputes have other fields for it.

    If there are several, one in our form comes first: a refund also has a reference of its own.
    """
    paid = data.get("transaction")
    places = [data.get("reference"), data.get("transaction_reference")]
    places += [paid.get("reference")] if isinstance(paid, dict) else []
    found = [typed_text.storable(place) for place in places if isinstance(place, str) and place]
    return next(
        (reference for reference in found if references.is_ours(reference)), found[0] if found else ""
    )
