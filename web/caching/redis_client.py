"""How the caches speak to Redis: one timeout now and then where it does not answer, nothing where it holds nonsense."""

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


class LeftAlone(ConnectionError):
    """A call was not made, since Redis did not answer another one a moment ago."""


class Client(redis.Redis):
    """What the caches speak through. The boards have a gate of their own, since they must also catch up."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if breaker.is_open:
            raise LeftAlone("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (ConnectionError, TimeoutError):
            breaker.trip()
            raise


class LeftAloneFilter(logging.Filter):
    """Drops the lines about calls that were not made: the one that Redis did not answer has its own.

    A page makes a dozen calls, and a traceback takes milliseconds to write.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error.__cause__ if error else None, LeftAlone)


def evicting_policy() -> str:
    """Return the policy by which Redis may remove keys of ours when its memory is full; empty where it removes none.

    Queued tasks and the counters of failed sign-ins have no copy that is as good. Empty, too, where Redis does not say:
    INFO tells it also where CONFIG is not allowed. Raises RedisError while Redis is away.
    """
    try:
        memory = get_redis_connection("default").info("memory")
    except ResponseError:
        return ""
    policy = str(memory.get("maxmemory_policy", ""))
    is_limited = memory.get("maxmemory", "unknown") != 0
    return policy if is_limited and policy not in {"", "noeviction"} else ""


class Json(JSONSerializer):
    """Values as JSON; what cannot be read counts as nothing."""

    def loads(self, value: bytes) -> Any:
        with suppress(ValueError, RecursionError):
            return super().loads(value)
        return None
