"""Counts tries in sliding windows of minutes or hours, in Redis, or in this process while Redis is down."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import cache_lock
from django.core.cache import cache
from django.http import HttpRequest

# web/caching/cache.py stores these keys in memory while Redis is down.
PREFIX = "tries:"
_IPV6_NETWORK_BITS = 64


class Limit(NamedTuple):
    """At most `tries` within `seconds`."""

    tries: int
    seconds: int


class LimitReached(Exception):
    """Raised instead of counting a try above the limit; the next is allowed after `wait_seconds`."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"wait {wait_seconds:.0f} seconds")
        self.wait_seconds = wait_seconds


class Count(NamedTuple):
    """A try that has been counted."""

    key: str
    at: float
    seconds: int

    def take_back(self) -> None:
        """Remove this try from the count."""
        with cache_lock(self.key):
            left = [moment for moment in cache.get(self.key, []) if moment != self.at]
            cache.set(self.key, left, self.seconds)


def count(scope: str, limits: Sequence[Limit]) -> Count:
    """Count a try in a scope. Raises LimitReached if one of the limits allows no more for now.

    The scope may contain email and IP addresses, so only its digest is stored. A refused try is not counted, so that
    retrying does not extend the wait.
    """
    key = PREFIX + hashlib.sha256(scope.encode()).hexdigest()
    longest = max(limit.seconds for limit in limits)
    with cache_lock(key) as is_locked:
        if not is_locked:
            raise LimitReached(1)
        now = time.time()
        moments = [moment for moment in cache.get(key, []) if moment > now - longest]
        wait_seconds = max(_wait_seconds(moments, limit, now) for limit in limits)
        if wait_seconds > 0:
            raise LimitReached(wait_seconds)
        cache.set(key, [*moments, now], longest)
    return Count(key, now, longest)


def count_all(scopes: Iterable[tuple[str, Sequence[Limit]]]) -> list[Count]:
    """Count a try in every scope, or in none if one of them refuses it. Raises LimitReached, as `count` does."""
    counted: list[Count] = []
    try:
        for scope, limits in scopes:
            counted.append(count(scope, limits))
    except LimitReached:
        for one in counted:
            one.take_back()
        raise
    return counted


def network_of(request: HttpRequest) -> str:
    """Return the client's IP address; for IPv6 its /64, because one subscriber controls all addresses in it."""
    address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), _IPV6_NETWORK_BITS), strict=False))
    return str(address)


def _wait_seconds(moments: Sequence[float], limit: Limit, now: float) -> float:
    recent = [moment for moment in moments if moment > now - limit.seconds]
    return recent[-limit.tries] + limit.seconds - now if len(recent) >= limit.tries else 0
