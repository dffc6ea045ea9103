"""The first day on which the stash will be short for the auto-saves that come from it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple

from savings.calendar.events import Direction, Event, Kind


class Shortfall(NamedTuple):
    """A day on which the stash is short: what its auto-saves from the stash need, and what is missing, in kobo."""

    day: datetime.date
    needed_kobo: int
    missing_kobo: int


def shortfall(events: Iterable[Event], stash_kobo: int) -> Shortfall | None:
    """Return the first day on which the stash (kobo, today) is not enough for the coming auto-saves from it.

    Counts what surely arrives before: the balances of plans that mature and the amounts of notices, in the order of
    the day. Interest, and what a card may bring, is not counted. `events` are those from today on, in any order.
    """
    events, left_kobo = sorted(events, key=lambda event: event.place), stash_kobo
    short_on: datetime.date | None = None
    for event in events:
        if short_on is not None and event.day > short_on:
            break
        if event.kind == Kind.AUTOSAVE:
            if event.is_cancelled or event.direction != Direction.OUT_OF_STASH:
                continue
            left_kobo -= event.amount_kobo or 0
            if left_kobo < 0 and short_on is None:
                short_on = event.day
        elif short_on is None:
            left_kobo += event.certain_kobo
    if short_on is None:
        return None
    needed_kobo = sum(
        event.amount_kobo or 0
        for event in events
        if event.day == short_on and event.direction == Direction.OUT_OF_STASH and not event.is_cancelled
    )
    return Shortfall(short_on, needed_kobo, -left_kobo)
