"""How the caches speak to Redis: one timeout now and then where it does not answer, nothing where it holds nonsense."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import redis
from django_redis.serializers.json import JSONSerializer
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004 - Redis' own

PAUSE_SECONDS = 1


class Breaker:
    """Says whether Redis is to be left alone for now, after a call that it did not answer."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._until

    def trip(self) -> None:
        self._until = time.monotonic() + PAUSE_SECONDS

    def reset(self) -> None:
        self._until = 0.0


# One for all caches of a process: they are databases of one server.
breaker = Breaker()


class Client(redis.Redis):
    """What the caches speak through. The boards have a gate of their own, since they must also catch up."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if breaker.is_open:
            raise ConnectionError("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (ConnectionError, TimeoutError):
            breaker.trip()
            raise


class Json(JSONSerializer):
    """Values as JSON; what cannot be read counts as nothing."""

    def loads(self, value: bytes) -> Any:
        with suppress(ValueError, RecursionError):
            return super().loads(value)
        return None
