"""Delivers the simulator's events to the site, and repeats them like the provider until answered with 200."""

from __future__ import annotations

import logging

import httpx
from django.conf import settings
from django.urls import reverse

from web.simulator import agenda, clock, store
from web.simulator.notices import signature

__all__ = ["deliver_due", "signature", "transport"]

logger = logging.getLogger(__name__)

# The provider retries four times every three minutes, then hourly, for 72 hours.
_QUICK_RETRIES, _QUICK_SECONDS, _SLOW_SECONDS, _MOST_RETRIES = 4, 180, 3600, 76
# Set by tests, which run the site in their own process.
transport: httpx.BaseTransport | None = None


def deliver_due(now: float | None = None) -> int:
    """Let happen what is due by `now`, send each due event, and return the number that arrived."""
    now = clock.now() if now is None else now
    agenda.catch_up(now)
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
