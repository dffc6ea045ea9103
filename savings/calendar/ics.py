"""Writes coming dates as an iCalendar feed (RFC 5545), which calendar programs subscribe to."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import icalendar
from django.conf import settings
from django.utils import timezone

from savings.calendar import messages
from savings.calendar.events import Event

# How far ahead a feed reaches, and how many dates it has at most: the earliest.
FEED_DAYS = 180
MOST_EVENTS = 1_000
# How often calendar programs are asked to read the feed again.
_REFRESH = datetime.timedelta(hours=6)
_PRODUCT = "-//Asusu//Savings calendar//EN"


def write_feed(
    events: Iterable[Event],
    *,
    now: datetime.datetime,
    shows_amounts: bool,
    url_of: Callable[[Event], str],
) -> bytes:
    """Return the feed of some events. `url_of` returns the URL of the page that shows more about an event."""
    feed = icalendar.Calendar()
    feed.add("PRODID", _PRODUCT)
    feed.add("VERSION", "2.0")
    feed.add("METHOD", "PUBLISH")
    feed.add("X-WR-CALNAME", messages.FEED_NAME)
    feed.add("X-WR-TIMEZONE", settings.TIME_ZONE)
    feed.add("REFRESH-INTERVAL", icalendar.vDuration(_REFRESH), parameters={"VALUE": "DURATION"})
    feed.add("X-PUBLISHED-TTL", icalendar.vDuration(_REFRESH))
    shown = list(events)[:MOST_EVENTS]
    if any(event.at for event in shown):
        feed.add_component(_time_zone(timezone.localdate(now), max(event.day for event in shown)))
    host = urlsplit(settings.SITE_URL).hostname or "asusu"
    for event in shown:
        feed.add_component(_entry(event, host, now, shows_amounts=shows_amounts, url=url_of(event)))
    return bytes(feed.to_ical())


def title_in_feed(event: Event, *, shows_amounts: bool) -> str:
    """Return the title that a calendar program shows."""
    is_told = shows_amounts and event.amount_kobo
    return messages.with_amount(event.title, event.amount_kobo or 0) if is_told else event.title


def _entry(
    event: Event, host: str, now: datetime.datetime, *, shows_amounts: bool, url: str
) -> icalendar.Event:
    entry = icalendar.Event()
    entry.add("UID", f"{event.uid}@{host}")
    entry.add("DTSTAMP", now.astimezone(datetime.UTC))
    entry.add("DTSTART", event.at.astimezone(_zone()) if event.at else event.day)
    entry.add("SUMMARY", title_in_feed(event, shows_amounts=shows_amounts))
    if event.note:
        entry.add("DESCRIPTION", event.note)
    if url:
        entry.add("URL", url)
    entry.add("STATUS", "CANCELLED" if event.is_cancelled else "CONFIRMED")
    # A program accepts a cancellation only as a later revision.
    entry.add("SEQUENCE", int(event.is_cancelled))
    # Nobody is busy because money moves.
    entry.add("TRANSP", "TRANSPARENT")
    return entry


def _time_zone(since: datetime.date, until: datetime.date) -> icalendar.Timezone:
    """Return the rules of the site's time zone around some days."""
    margin = datetime.timedelta(days=366)
    return icalendar.Timezone.from_tzinfo(
        _zone(), settings.TIME_ZONE, first_date=since - margin, last_date=until + margin
    )


def _zone() -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(settings.TIME_ZONE)
