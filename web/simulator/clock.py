"""The simulator's time in seconds since 1970. A caller that replays the past sets it for a block."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterator
from contextvars import ContextVar

from django.utils import timezone

# The hour of the site's day at which a settlement is paid out.
_SETTLEMENT_HOUR = 6
_SATURDAY = 5

_set: ContextVar[float | None] = ContextVar("simulator_time", default=None)


def now() -> float:
    """Return the time of the block, or the real one."""
    moment = _set.get()
    return time.time() if moment is None else moment


@contextlib.contextmanager
def at(moment: float) -> Iterator[None]:
    """Let the block happen at `moment`."""
    token = _set.set(moment)
    try:
        yield
    finally:
        _set.reset(token)


def next_settlement(moment: float) -> float:
    """Return when money collected at `moment` is settled: in the morning of the next working day, Monday to Friday."""
    zone = timezone.get_default_timezone()
    day = datetime.datetime.fromtimestamp(moment, tz=zone).date() + datetime.timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += datetime.timedelta(days=1)
    return datetime.datetime.combine(day, datetime.time(_SETTLEMENT_HOUR), tzinfo=zone).timestamp()
