"""Writes the events that the simulator sends, signed like the provider's."""

from __future__ import annotations

import hashlib
import hmac
import json

from django.conf import settings

from web.simulator import clock, store
from web.simulator.store import Document


def send(event: str, data: Document, *, at: float | None = None, key: str = "") -> None:
    """Schedule an event for now or later, signed with the secret key, or with another key so that it is refused."""
    body = json.dumps({"event": event, "data": data}).encode()
    store.add_delivery(body, signature(body, key or settings.PROVIDER_SECRET_KEY), at or clock.now())


def signature(body: bytes, key: str) -> str:
    """Return the value of the header `x-paystack-signature`."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
