"""The Redis client of the caches and the leaderboards: it does not call a Redis that has just not answered.

After the first command without an answer, all callers of this process skip Redis: caches miss, leaderboards come from
SQL, tasks wait for the sweep. No caller waits to find out whether Redis is back: a thread asks it once a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.dispatch import Signal
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError  # noqa: A004 - Redis' own

logger = logging.getLogger(__name__)

# The shortest time for which Redis is skipped, and the time between two questions whether it is back.
PAUSE_SECONDS = 1
# Sent after each command, successful or not, with the `seconds` it took. The sender is the class of the client.
command_sent = Signal(use_caching=True)


class CallSkipped(ConnectionError):
    """The call was not made, because Redis did not answer an earlier one and is not back yet."""


class Breaker:
    """Whether to skip Redis: open from a command without an answer until a background thread gets one.

    Not pybreaker's: its first call after a pause is the question, so one page a second would wait for a frozen Redis.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Set by `close`, which also ends the thread; None while closed.
        self._closing: threading.Event | None = None

    @property
    def is_open(self) -> bool:
        return self._closing is not None

    def open(self) -> None:
        """Skip Redis until it answers, and start asking. Does nothing while open."""
        with self._lock:
            if self._closing is not None:
                return
            self._closing = closing = threading.Event()
        threading.Thread(target=self._watch, args=[closing], name="redis-watch", daemon=True).start()

    def close(self) -> None:
        """Use Redis again."""
        with self._lock:
            if self._closing is not None:
                self._closing.set()
                self._closing = None

    def _watch(self, closing: threading.Event) -> None:
        began = time.monotonic()
        while not closing.wait(PAUSE_SECONDS):
            if _is_answering():
                logger.warning("Redis answers again after %.0f seconds", time.monotonic() - began)
                self.close()


# One for the process, because all databases are on one server.
breaker = Breaker()


class Client(redis.Redis):
    """A client that skips commands while Redis is away, and sends the duration of those it makes."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return call_redis(self._execute_timed, *args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001 - redis-py's
        """Return a pipeline that is skipped like a command. Writing several values to a cache uses one."""
        return Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    def _execute_timed(self, *args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            command_sent.send(type(self), seconds=time.perf_counter() - begun)


class Pipeline(redis.client.Pipeline):
    """A pipeline that is not sent while Redis is away: it does not call `execute_command`."""

    def execute(self, *args: Any, **options: Any) -> Any:
        return call_redis(super().execute, *args, **options)


def call_redis[**P, R](send: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return the result of a function that calls Redis. Raises CallSkipped while Redis is away."""
    if breaker.is_open:
        raise CallSkipped("Redis does not answer.")
    try:
        return send(*args, **kwargs)
    except (ConnectionError, TimeoutError):
        breaker.open()
        raise


def _is_answering() -> bool:
    # The URL with the shortest timeout, so that Redis is used again soon after it is back.
    try:
        with redis.Redis.from_url(settings.LEADERBOARD_REDIS_URL) as client:
            client.ping()
    except ResponseError:
        # An error reply is an answer.
        return True
    except RedisError as error:
        logger.warning("Redis does not answer yet: %s", error)
        return False
    return True
