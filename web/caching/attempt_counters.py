"""The cache in Redis, with the counting of sign-in attempts going on in this process while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted

# What allauth counts attempts under, locks the counters with, and remembers used codes by; and web/auth/tries.py.
_COUNTERS = ("allauth", "tries:")
_PAUSE_SECONDS = 10
# Django's 300 are soon filled by whoever tries many addresses, and then others' counters would go.
_MOST_IN_MEMORY = 100_000


class Cache(RedisCache):
    """Redis; but a counter that is lost must neither shut everybody out nor let everybody try for ever.

    Without this, a Redis that is away refuses each sign-in: allauth takes the `None` of a failed `add` for a lock that
    somebody else holds.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._memory = LocMemCache("attempts", {"OPTIONS": {"MAX_ENTRIES": _MOST_IN_MEMORY}})
        self._paused_until = 0.0

    def add(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("add", super().add, key, *args, **kwargs)

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = self._either("get", super().get, key, default, *args, **kwargs)
        # What allauth reads under a counter are the moments of the attempts, and it trusts that they are.
        return default if key.startswith(_COUNTERS) and not _are_moments(found) else found

    def set(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("set", super().set, key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete", super().delete, key, *args, **kwargs)

    def _either(self, verb: str, as_ever: Callable[..., Any], key: str, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return as_ever(key, *args, **kwargs)
        # One attempt is a dozen calls: after a failure the rest must not wait for Redis again, each in turn.
        if time.monotonic() >= self._paused_until:
            try:
                return getattr(self.client, verb)(key, *args, **kwargs)
            except ConnectionInterrupted:
                self._paused_until = time.monotonic() + _PAUSE_SECONDS
        return getattr(self._memory, verb)(key, *args, **kwargs)


def _are_moments(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(moment, float | int) for moment in found)
