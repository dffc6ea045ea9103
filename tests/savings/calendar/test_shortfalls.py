"""The first day on which the stash is short: in the order of a day, and counting only what surely arrives."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from savings import calendar
from savings.calendar import Direction, Event, Kind, Shortfall
from savings.calendar.events import of_autosaves
from tests.autosaves import coming

DAY = datetime.timedelta(days=1)
TODAY = datetime.date(2026, 12, 30)


def save(days: int, amount_kobo: int, **fields: Any) -> Event:
    (event,) = of_autosaves([coming(TODAY + days * DAY, amount_kobo, **fields)])
    return dataclasses.replace(event, uid=f"{event.uid}-{amount_kobo}")


def arrive(days: int, certain_kobo: int, *, at: int | None = None, kind: Kind = Kind.MATURITY) -> Event:
    day = TODAY + days * DAY
    moment = None if at is None else datetime.datetime(day.year, day.month, day.day, at, tzinfo=datetime.UTC)
    return Event(
        uid=f"x-{days}-{at}",
        day=day,
        kind=kind,
        title="x",
        at=moment,
        amount_kobo=certain_kobo,
        certain_kobo=certain_kobo,
        direction=Direction.INTO_STASH,
    )


@pytest.mark.parametrize(
    ("events", "stash_kobo", "short"),
    [
        ([], 0, None),
        ([save(1, 500)], 500, None),
        ([save(1, 500)], 499, (1, 500, 1)),
        # All of the day's auto-saves count, and none of a later day.
        ([save(1, 500), save(1, 300), save(2, 900)], 600, (1, 800, 200)),
        ([save(1, 500), save(3, 300), save(3, 100)], 600, (3, 400, 300)),
        # Over the end of the year.
        ([save(1, 500), save(4, 300)], 500, (4, 300, 300)),
        # A maturity is processed before the auto-saves of its day, a notice of the afternoon after them.
        ([save(2, 500), arrive(2, 500)], 0, None),
        ([save(2, 500), arrive(2, 500, at=14, kind=Kind.NOTICE)], 0, (2, 500, 500)),
        ([save(2, 500), arrive(1, 500, at=14, kind=Kind.NOTICE)], 0, None),
        # What comes later does not help, and neither does interest.
        ([save(2, 500), arrive(3, 500)], 0, (2, 500, 500)),
        (
            [save(2, 500), dataclasses.replace(arrive(1, 0, kind=Kind.INTEREST), amount_kobo=500)],
            0,
            (2, 500, 500),
        ),
        # A skipped date takes nothing, and a card pays for itself.
        ([save(2, 500, is_skipped=True)], 0, None),
        ([save(2, 500, source="card")], 0, None),
        ([save(1, 500, source="card", plan_id=None, plan_name=""), save(2, 500)], 0, (2, 500, 500)),
    ],
)
def test_the_first_short_day(
    events: list[Event], stash_kobo: int, short: tuple[int, int, int] | None
) -> None:
    expected = short and Shortfall(TODAY + short[0] * DAY, *short[1:])
    assert calendar.shortfall(events, stash_kobo) == expected
    assert calendar.shortfall(reversed(events), stash_kobo) == expected
