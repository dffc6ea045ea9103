"""The auto-saves of the calendar that repeat: one row a month for each rule, so that rare dates stand out."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import NamedTuple

from savings import money
from savings.calendar import Direction, Event, Kind
from web.messages import calendar as messages

# From how many times in a month a rule's dates become one row, and how many of its dates that row names.
_FROM, _MOST_NAMED = 3, 6
# A month leads to its days with more events than this.
_BUSY = 3


class Repeat(NamedTuple):
    """The dates of one rule in a month, on days on which nothing else happens."""

    # The first of them.
    day: datetime.date
    times: int
    title: str
    note: str
    amount: str
    is_in: bool
    rule_id: int | None


def fold(by_day: dict[datetime.date, list[Event]]) -> dict[datetime.date, list[Repeat]]:
    """Take the repeats out of the events of each day, and return them by the first day of their month.

    A day keeps its events if anything else happens on it.
    """
    found: dict[tuple[datetime.date, int | None], list[Event]] = defaultdict(list)
    for day, events in by_day.items():
        if len(events) <= _BUSY and all(_is_plain(event) for event in events):
            for event in events:
                found[day.replace(day=1), event.rule_id].append(event)
    kept = {event.day for events in found.values() if not _is_one(events) for event in events}
    repeats: dict[datetime.date, list[Repeat]] = defaultdict(list)
    for (month, _), events in found.items():
        alone = [event for event in events if event.day not in kept]
        if _is_one(alone):
            repeats[month].append(_repeat(alone))
            for event in alone:
                by_day[event.day].remove(event)
    return repeats


def _is_plain(event: Event) -> bool:
    return event.kind == Kind.AUTOSAVE and not event.is_cancelled and event.at is None


def _is_one(events: list[Event]) -> bool:
    return len(events) >= _FROM


def _repeat(events: list[Event]) -> Repeat:
    first, days = events[0], [event.day for event in events]
    kobo = sum(event.amount_kobo or 0 for event in events)
    is_in = first.direction == Direction.FROM_CARD
    dates = messages.first_to_last(days) if len(days) > _MOST_NAMED else messages.dates(days)
    return Repeat(
        day=first.day,
        times=len(events),
        title=first.title,
        note=f"{dates} · {first.note}",
        amount=(money.signed(kobo) if is_in else money.naira(kobo)).removesuffix(".00"),
        is_in=is_in,
        rule_id=first.rule_id,
    )
