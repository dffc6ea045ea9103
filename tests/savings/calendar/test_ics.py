"""The feed, read back by another library: escaping, folding, time zones, cancelled dates."""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from savings import calendar
from savings.calendar import Event, Kind
from savings.calendar.events import of_autosaves
from savings.calendar.ics import MOST_EVENTS
from tests.autosaves import coming
from tests.ics import read_calendar

NOW = datetime.datetime(2026, 12, 20, 9, 0, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 12, 31)


def event(title: str = "Rent matures", **fields: Any) -> Event:
    values: dict[str, Any] = {"uid": "maturity-7-2026-12-31", "day": DAY, "kind": Kind.MATURITY}
    return Event(title=title, **values | fields)


def write(*events: Event, shows_amounts: bool = False) -> bytes:
    return calendar.write_feed(
        events, now=NOW, shows_amounts=shows_amounts, url_of=lambda _: "https://example.com/plans/7/"
    )


def read(*events: Event, **options: Any) -> Any:
    return read_calendar(write(*events, **options))


def test_an_event_of_a_day(settings: Settings) -> None:
    settings.SITE_URL = "https://savings.example.com:8443"
    feed = read(event(note="The money moves to your stash."))
    assert feed.version.value == "2.0"
    assert feed.method.value == "PUBLISH"
    assert feed.prodid.value
    entry = feed.vevent
    assert entry.uid.value == "maturity-7-2026-12-31@savings.example.com"
    assert entry.summary.value == "Rent matures"
    assert entry.description.value == "The money moves to your stash."
    assert entry.dtstart.value == DAY
    assert entry.dtstart.params == {"VALUE": ["DATE"]}
    assert entry.dtstamp.value == NOW
    assert (entry.status.value, entry.sequence.value) == ("CONFIRMED", "0")
    assert entry.url.value == "https://example.com/plans/7/"
    assert not hasattr(feed, "vtimezone")


def test_the_head_names_the_feed_and_how_often_to_read_it() -> None:
    lines = write(event()).decode().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert {
        "X-WR-CALNAME:Asusu savings",
        "X-WR-TIMEZONE:Africa/Lagos",
        "REFRESH-INTERVAL;VALUE=DURATION:PT6H",
        "X-PUBLISHED-TTL:PT6H",
    } <= set(lines)


def test_a_skipped_date_is_cancelled_under_the_same_uid() -> None:
    date = coming(DAY, 500)
    before = read(*of_autosaves([date])).vevent
    after = read(*of_autosaves([date._replace(is_skipped=True)])).vevent
    assert after.uid.value == before.uid.value
    assert after.status.value == "CANCELLED"
    assert int(after.sequence.value) > int(before.sequence.value)


@pytest.mark.parametrize(
    "title",
    [
        "Rent, food; and more",
        'A back\\slash, and “quotes” "as well"',
        "Two\nlines",
        "Owó ilé 🏠💰",
        "Ọ̀rọ̀ " * 40,
        "BEGIN:VEVENT\r\nSUMMARY:other",
    ],
)
def test_names_are_escaped_and_long_lines_folded(title: str) -> None:
    written = write(event(title))
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert b"\n" not in written.replace(b"\r\n", b"")
    feed = read_calendar(written)
    assert len(feed.vevent_list) == 1
    assert feed.vevent.summary.value == title.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        ("Africa/Lagos", ["2026-12-31T23:30", "2027-06-01T08:00"]),
        # Winter and summer, and the hours around both changes of the clocks.
        ("Europe/London", ["2026-12-31T12:00", "2027-03-28T00:30", "2027-03-28T02:30", "2027-10-31T03:00"]),
        (
            "America/New_York",
            ["2027-01-01T00:00", "2027-03-14T03:30", "2027-07-01T12:00", "2027-11-07T04:00"],
        ),
    ],
)
def test_moments_keep_their_time_in_any_zone(settings: Settings, zone: str, moments: list[str]) -> None:
    settings.TIME_ZONE = zone
    local = [
        datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)) for text in moments
    ]
    made = [event(uid=f"x-{n}", day=at.date(), at=at.astimezone(datetime.UTC)) for n, at in enumerate(local)]
    written = write(*made)
    assert f"DTSTART;TZID={zone}:{local[0]:%Y%m%dT%H%M%S}\r\n" in written.decode()
    assert written.count(b"BEGIN:VTIMEZONE") == 1
    feed = read_calendar(written)
    assert [entry.dtstart.value.astimezone(datetime.UTC) for entry in feed.vevent_list] == [
        at.astimezone(datetime.UTC) for at in local
    ]


def test_amounts_are_in_titles_only_if_wanted() -> None:
    one = event(amount_kobo=1_250_50)
    assert b"1,250" not in write(one).replace(b"\\", b"")
    assert read(one, shows_amounts=True).vevent.summary.value == "Rent matures: ₦1,250.50"
    assert read(event(), shows_amounts=True).vevent.summary.value == "Rent matures"


def test_a_feed_without_dates_is_still_a_calendar() -> None:
    assert read().prodid.value
    assert b"VEVENT" not in write()


def test_a_feed_has_an_end() -> None:
    many = [dataclasses.replace(event(), uid=f"x-{n}") for n in range(MOST_EVENTS + 5)]
    assert write(*many).count(b"BEGIN:VEVENT") == MOST_EVENTS


def test_every_line_is_a_property_of_the_standard() -> None:
    """RFC 5545: each component has its required properties once, and lines end in CRLF."""
    written = write(event(), event(uid="y", at=NOW, note="x")).decode()
    assert written.endswith("END:VCALENDAR\r\n")
    for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", written, re.DOTALL):
        names = [re.split("[;:]", line)[0] for line in block.split("\r\n") if line and line[0] != " "]
        assert len(names) == len(set(names))
        assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "STATUS", "SEQUENCE"} <= set(names)
