"""The caches' Redis client: pauses calls for a second after a timeout and treats unreadable values as a miss."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

import redis
from django_redis import get_redis_connection
from django_redis.serializers.json import JSONSerializer
from redis.exceptions import ConnectionError, ResponseError, TimeoutError  # noqa: A004 - Redis' own

PAUSE_SECONDS = 1


class Breaker:
    """Pauses calls to Redis for a moment after one that got no answer."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._until

    def trip(self) -> None:
        self._until = time.monotonic() + PAUSE_SECONDS

    def reset(self) -> None:
        self._until = 0.0


# One for all caches of a process, which are databases of the same server.
breaker = Breaker()


class CallSkipped(ConnectionError):
    """The call was not made, because Redis did not answer an earlier one a moment ago."""


class Client(redis.Redis):
    """The caches' client. Leaderboards have a breaker of their own, because they must also catch up afterwards."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if breaker.is_open:
            raise CallSkipped("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (ConnectionError, TimeoutError):
            breaker.trip()
            raise


class SkippedCallFilter(logging.Filter):
    """Drops log lines about calls that were not made; the call that Redis did not answer has its own line.

    A page makes a dozen calls, and writing a traceback takes milliseconds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error.__cause__ if error else None, CallSkipped)


def evicting_policy() -> str:
    """Return the policy by which Redis may evict our keys when its memory is full; empty if it evicts none.

    Queued tasks and the counters of failed sign-ins have no other copy that is as good. The answer is also empty if
    Redis does not allow the question; INFO works where CONFIG is forbidden. Raises RedisError while Redis is down.
    """
    try:
        memory = get_redis_connection("default").info("memory")
    except ResponseError:
        return ""
    policy = str(memory.get("maxmemory_policy", ""))
    is_limited = memory.get("maxmemory", "unknown") != 0
    return policy if is_limited and policy not in {"", "noeviction"} else ""


class Json(JSONSerializer):
    """Values as JSON; an unreadable value counts as a miss."""

    def loads(self, value: bytes) -> Any:
        with suppress(ValueError, RecursionError):
            return super().loads(value)
        return None
