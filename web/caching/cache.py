"""The site's cache in Redis: its calls are counted, and the attempt counters in it work while Redis is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.contrib.sessions.backends.cached_db import KEY_PREFIX
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted

from web.caching import reads
from web.counts import current_counts

# Key prefixes of the attempt counters: allauth's (counters, their locks, used codes) and those of web/auth/tries.py.
_COUNTERS = ("allauth", "tries:")
# Somebody who tries many email addresses soon fills Django's default of 300 entries, which evicts others' counters.
_MOST_IN_MEMORY = 100_000
_MISSING = object()


class Counted(BaseCache):
    """Counts the calls of a request, its hits and misses, and tells the page cache which values a page reads."""

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = _count(super().get, key, _MISSING, *args, **kwargs)
        if not _is_session(key):
            reads.note_cached(key)
            _note(hits=found is not _MISSING, asked=1)
        return default if found is _MISSING else found

    def get_many(self, keys: Iterable[str], *args: Any, **kwargs: Any) -> Any:
        keys = list(keys)
        found = _count(super().get_many, keys, *args, **kwargs)
        for key in keys:
            reads.note_cached(key)
        _note(hits=len(found), asked=len(keys))
        return found

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().add, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().set, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().set_many, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().delete, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().delete_many, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().has_key, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().incr, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return _count(super().touch, *args, **kwargs)


def _count(call: Callable[..., Any], key: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method of a cache, and add it to the counts of the current request."""
    current = current_counts.get()
    if current is None:
        return call(key, *args, **kwargs)
    begun = time.perf_counter()
    try:
        return call(key, *args, **kwargs)
    finally:
        current.cache_seconds += time.perf_counter() - begun
        if _is_session(key):
            current.session_calls += 1
        else:
            current.cache_calls += 1


def _note(*, hits: int, asked: int) -> None:
    current = current_counts.get()
    if current is not None:
        current.cache_hits += hits
        current.cache_misses += asked - hits


def _is_session(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(KEY_PREFIX)


class AttemptsSurviveRedis(RedisCache):
    """Stores attempt counters in memory while Redis takes none: an outage neither blocks sign-in nor lifts the limits.

    Each process counts for itself then. Without this, every sign-in fails while Redis is down: allauth takes the `None`
    of a failed `add` for a lock that another request holds. A full Redis still answers reads and deletes, so a counter
    in memory comes before the older one in Redis, until Redis takes a newer one.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._memory = LocMemCache("attempts", {"OPTIONS": {"MAX_ENTRIES": _MOST_IN_MEMORY}})

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return super().get(key, default, *args, **kwargs)  # type: ignore[no-untyped-call]  # django-redis
        found = self._memory.get(key, None, *args, **kwargs)
        if found is None:
            with suppress(ConnectionInterrupted):
                found = self.client.get(key, default, *args, **kwargs)
        # allauth reads a list of timestamps here and does not check the type.
        return found if _are_moments(found) else default

    def add(self, key: str, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return super().add(key, *args, **kwargs)
        return self._in_redis_or_memory("add", key, *args, **kwargs)

    def set(self, key: str, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return super().set(key, *args, **kwargs)
        return self._in_redis_or_memory("set", key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> Any:
        if not key.startswith(_COUNTERS):
            return super().delete(key, *args, **kwargs)
        was_in_memory = self._memory.delete(key, *args, **kwargs)
        with suppress(ConnectionInterrupted):
            return self.client.delete(key, *args, **kwargs) or was_in_memory
        return was_in_memory

    def _in_redis_or_memory(self, verb: str, key: str, *args: Any, **kwargs: Any) -> Any:
        # Not the method of the parent class, which swallows the error.
        try:
            stored = getattr(self.client, verb)(key, *args, **kwargs)
        except ConnectionInterrupted:
            return getattr(self._memory, verb)(key, *args, **kwargs)
        self._memory.delete(key)
        return stored


def _are_moments(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(moment, float | int) for moment in found)


class Cache(Counted, AttemptsSurviveRedis, RedisCache):
    """The `default` cache: sessions, attempt counters, and values that pages cache for themselves."""
