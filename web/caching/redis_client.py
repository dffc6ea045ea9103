"""Redis as the caches use it: values as JSON, no log line for a skipped call, and whether Redis evicts our keys."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django_redis import get_redis_connection
from django_redis.serializers.json import JSONSerializer
from redis.exceptions import ResponseError


class SkippedCallFilter(logging.Filter):
    """Drops log lines about calls that were not made; the call that Redis did not answer has its own line.

    A page makes a dozen calls, and writing a traceback takes milliseconds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        # Imported here, because logging is configured before the models are loaded.
        from savings.leaderboards import CallSkipped  # noqa: PLC0415

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
