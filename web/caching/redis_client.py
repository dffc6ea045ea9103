"""Redis as the caches use it: values as JSON, no log line for a skipped call, and whether Redis evicts our keys."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from typing import Any

from django_redis import get_redis_connection
from django_redis.serializers.json import JSONSerializer
from redis.exceptions import OutOfMemoryError, ResponseError

_FULL_SECONDS = 60


class RepetitionFilter(logging.Filter):
    """Drops log lines that repeat what an earlier one said: of calls that were not made, and of a full Redis.

    The call that Redis did not answer has a line of its own, and a full Redis has one a minute. A page makes a dozen
    calls, and writing a traceback takes milliseconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._was_full_at = -math.inf

    def filter(self, record: logging.LogRecord) -> bool:
        # Imported here, because logging is configured before the models are loaded.
        from savings.leaderboards import CallSkipped  # noqa: PLC0415

        error = record.exc_info[1] if record.exc_info else None
        cause = error.__cause__ if error else None
        if not isinstance(cause, OutOfMemoryError):
            return not isinstance(cause, CallSkipped)
        now = time.monotonic()
        if now - self._was_full_at < _FULL_SECONDS:
            return False
        self._was_full_at = now
        return True


def memory() -> dict[str, Any]:
    """Return what Redis says of its memory, nothing if it does not allow the question. Raises RedisError while down."""
    with suppress(ResponseError):
        return dict(get_redis_connection("default").info("memory"))
    return {}


def evicting_policy() -> str:
    """Return the policy by which Redis may evict our keys when its memory is full; empty if it evicts none.

    Queued tasks and the counters of failed sign-ins have no other copy that is as good. The answer is also empty if
    Redis does not allow the question; INFO works where CONFIG is forbidden. Raises RedisError while Redis is down.
    """
    found = memory()
    policy = str(found.get("maxmemory_policy", ""))
    is_limited = found.get("maxmemory", "unknown") != 0
    return policy if is_limited and policy not in {"", "noeviction"} else ""


def is_full() -> bool:
    """Return whether Redis has used up its memory and refuses writes. Raises RedisError while Redis is down."""
    found = memory()
    return bool(0 < found.get("maxmemory", 0) <= found.get("used_memory", 0))


class Json(JSONSerializer):
    """Values as JSON; an unreadable value counts as a miss."""

    def loads(self, value: bytes) -> Any:
        with suppress(ValueError, RecursionError):
            return super().loads(value)
        return None
