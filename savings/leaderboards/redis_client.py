"""The Redis client of the caches and the leaderboards: it does not call a Redis that has just not answered.

After a command without an answer, all callers of this process skip Redis for a second: caches miss, leaderboards come
from SQL, tasks wait for the sweep. Then one caller at a time checks with a PING whether Redis is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pybreaker
import redis
from django.conf import settings
from django.dispatch import Signal
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError  # noqa: A004 - Redis' own

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1
# Sent after each command, successful or not, with the `seconds` it took. The sender is the class of the client.
command_sent = Signal(use_caching=True)

# One for the process, because all databases are on one server. An error reply is an answer, so it closes the breaker.
breaker = pybreaker.CircuitBreaker(
    fail_max=1, reset_timeout=PAUSE_SECONDS, exclude=[ResponseError], throw_new_error_on_trip=False
)
_probing = threading.Lock()


class CallSkipped(ConnectionError):
    """The call was not made, because Redis did not answer an earlier one a moment ago."""


class Client(redis.Redis):
    """A client that skips commands while Redis is away, and sends the duration of those it makes."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return call_redis(self._execute_timed, *args, **options)

    def _execute_timed(self, *args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            command_sent.send(type(self), seconds=time.perf_counter() - begun)


def call_redis[**P, R](send: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return the result of a function that calls Redis. Raises CallSkipped while Redis is away."""
    # `breaker.call` holds a lock during the call, so each thread would wait for the commands of all others.
    if breaker.current_state != pybreaker.STATE_CLOSED:
        _probe()
    try:
        return send(*args, **kwargs)
    except (ConnectionError, TimeoutError):
        breaker.open()
        raise


def _probe() -> None:
    """Check whether Redis is back, once a second. Raises CallSkipped if not, and for callers who come meanwhile."""
    if not _probing.acquire(blocking=False):
        raise CallSkipped("Another thread is checking whether Redis is back.")
    try:
        breaker.call(_ping)
    except pybreaker.CircuitBreakerError:
        raise CallSkipped("Redis did not answer a moment ago.") from None
    except ResponseError:
        pass
    except RedisError as error:
        logger.warning("Redis does not answer yet: %s", error)
        raise CallSkipped("Redis does not answer yet.") from error
    finally:
        _probing.release()


def _ping() -> None:
    # The URL with the shortest timeout, a fraction of a second: the caller's own may be ten seconds.
    with redis.Redis.from_url(settings.LEADERBOARD_REDIS_URL) as client:
        client.ping()
