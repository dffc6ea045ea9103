"""The simulator's webhooks, signed and retried like the provider's until answered with 200."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time

import httpx
from django.conf import settings
from django.urls import reverse

from web.simulator import store
from web.simulator.store import Document

logger = logging.getLogger(__name__)

# The provider retries four times every three minutes, then hourly, for 72 hours.
_QUICK_RETRIES, _QUICK_SECONDS, _SLOW_SECONDS, _MOST_RETRIES = 4, 180, 3600, 76
# Set by tests, which run the site in their own process.
transport: httpx.BaseTransport | None = None


def send(event: str, data: Document, *, at: float | None = None, key: str = "") -> None:
    """Schedule an event for now or later, signed with the secret key, or with another key so that it is refused."""
    body = json.dumps({"event": event, "data": data}).encode()
    store.add_delivery(body, signature(body, key or settings.PROVIDER_SECRET_KEY), at or time.time())


def signature(body: bytes, key: str) -> str:
    """Return the value of the header `x-paystack-signature`."""
    return hmac.new(key.encode(), body, hashlib.sha512).hexdigest()


def deliver_due(now: float | None = None) -> int:
    """Send each due event, and return the number that arrived."""
    now = time.time() if now is None else now
    arrived = 0
    for delivery in store.due_deliveries(now):
        if _deliver(delivery):
            store.drop_delivery(delivery.id)
            arrived += 1
        elif delivery.tries >= _MOST_RETRIES:
            store.drop_delivery(delivery.id)
        else:
            wait = _QUICK_SECONDS if delivery.tries < _QUICK_RETRIES else _SLOW_SECONDS
            store.put_off_delivery(delivery.id, now + wait)
    return arrived


def _deliver(delivery: store.Delivery) -> bool:
    headers = {"Content-Type": "application/json", "x-paystack-signature": delivery.signature}
    try:
        with httpx.Client(transport=transport, timeout=10, trust_env=False) as client:
            url = settings.SITE_URL + reverse("payments:webhook")
            answer = client.post(url, content=delivery.body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        logger.info("the site did not take an event: %s", type(error).__name__)
        return False
    if answer.status_code != 200:
        logger.info("the site answered an event with %s", answer.status_code)
    return answer.status_code == 200
