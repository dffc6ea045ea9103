"""The cost of the current request or task so far: its queries, cache calls and Redis commands, and the time of each.

The counts are in a context variable, so threads, coroutines and nested requests do not mix. Outside of `counting()`
nothing is counted; a query or call then costs one lookup of that variable.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


@dataclasses.dataclass(slots=True)
class Counts:
    """The cost so far. Session calls are counted apart, because a page makes one whether or not it is cached."""

    begun: float = dataclasses.field(default_factory=time.perf_counter)
    sql_count: int = 0
    sql_seconds: float = 0.0
    cache_calls: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    cache_seconds: float = 0.0
    session_calls: int = 0
    redis_calls: int = 0
    redis_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    def labels(self) -> dict[str, int | float]:
        """Return the figures under the names used in logs and Elastic APM; durations are in milliseconds."""
        return {
            "sql_count": self.sql_count,
            "sql_ms": round(self.sql_seconds * 1000, 2),
            "cache_hits": self.cache_hits,
            "cache_misses": self.cache_misses,
            "cache_ms": round(self.cache_seconds * 1000, 2),
            "redis_calls": self.redis_calls,
        }

    def server_timing(self) -> str:
        """Return the figures so far as a Server-Timing header, which browsers show in their network panel."""
        cache = f"{self.cache_hits} hits, {self.cache_misses} misses, {self.session_calls} for the session"
        return ", ".join(
            f'{name};dur={seconds * 1000:.1f};desc="{what}"'
            for name, seconds, what in (
                ("db", self.sql_seconds, f"{self.sql_count} queries"),
                ("cache", self.cache_seconds, f"{self.cache_calls + self.session_calls} calls: {cache}"),
                ("redis", self.redis_seconds, f"{self.redis_calls} commands for boards"),
                ("total", self.seconds, "all of it"),
            )
        )


# The counts of the current request or task; None outside of one.
current_counts: ContextVar[Counts | None] = ContextVar("counts", default=None)


@contextmanager
def counting() -> Iterator[Counts]:
    """Count the cost of the block."""
    counts = Counts()
    token = current_counts.set(counts)
    try:
        yield counts
    finally:
        current_counts.reset(token)
