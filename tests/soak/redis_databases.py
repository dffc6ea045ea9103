"""The databases of Redis that the site uses in a simulated year."""

from __future__ import annotations

import redis

from web.settings import redis_database


def empty_redis() -> None:
    """Empty the cache, the leaderboards and the queue."""
    for number in range(3):
        with redis.Redis.from_url(redis_database(number)) as client:
            client.flushdb()
