"""The start and the end of a local day as moments."""

from __future__ import annotations

import datetime

from django.utils import timezone

# On the first and the last date some time zones have no valid datetime.
_FIRST_DAY = datetime.date.min + datetime.timedelta(days=1)
_LAST_DAY = datetime.date.max - datetime.timedelta(days=1)


def start_of(day: datetime.date) -> datetime.datetime:
    """Return the start of a local day. At both ends of the calendar, the nearest datetime that is valid."""
    day = min(max(day, _FIRST_DAY), _LAST_DAY)
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def end_of(day: datetime.date) -> datetime.datetime:
    """Return the end of a local day, which is the start of the next one."""
    return start_of(min(day, _LAST_DAY) + datetime.timedelta(days=1))
