"""The Redis cache. While Redis is down, each process counts sign-in attempts in its own memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted

# Key prefixes of the attempt counters: allauth's (counters, their locks, used codes) and those of web/auth/tries.py.
_COUNTERS = ("allauth", "tries:")
# Somebody who tries many email addresses soon fills Django's default of 300 entries, which evicts others' counters.
_MOST_IN_MEMORY = 100_000


class Cache(RedisCache):
    """A Redis cache whose attempt counters fall back to memory: an outage neither blocks sign-in nor lifts the limits.

    Without this, every sign-in fails while Redis is down: allauth takes the `None` of a failed `add` for a lock that
    another request holds.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._memory = LocMemCache("attempts", {"OPTIONS": {"MAX_ENTRIES": _MOST_IN_MEMORY}})

    def add(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("add", super().add, key, *args, **kwargs)

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = self._either("get", super().get, key, default, *args, **kwargs)
        # allauth reads a list of timestamps here and does not check the type.
        return default if key.startswith(_COUNTERS) and not _are_moments(found) else found

    def set(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("set", super().set, key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> Any:
        return self._either("delete", super().delete, key, *args, **kwargs)

    def _either(self, verb: str, as_ever: Callable[..., Any], key: str, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return as_ever(key, *args, **kwargs)
        try:
            return getattr(self.client, verb)(key, *args, **kwargs)
        except ConnectionInterrupted:
            return getattr(self._memory, verb)(key, *args, **kwargs)


def _are_moments(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(moment, float | int) for moment in found)
