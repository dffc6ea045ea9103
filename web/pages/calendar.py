"""Prepares the calendar: the days of a month or of the next weeks with their events, and the stash’s warning."""

from __future__ import annotations

import calendar as calendars
import datetime
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import calendar as coming
from savings import dashboard, money
from savings.calendar import Direction, Event, Kind
from savings.models import CalendarFeed, User
from web import date_formats
from web.messages import calendar as messages

# How far ahead the calendar goes, how many days the list has, and how far ahead the stash is watched.
MONTHS_AHEAD, LIST_DAYS = 12, 60
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = datetime.timedelta(days=1)
_ICONS = {
    Kind.AUTOSAVE: "repeat",
    Kind.MATURITY: "flag",
    Kind.INTEREST: "percent",
    Kind.NOTICE: "move",
    Kind.WITHDRAWAL: "out",
    Kind.CIRCLE_END: "circle",
}
_SUMS = {
    Direction.INTO_STASH: messages.TO_STASH,
    Direction.OUT_OF_STASH: messages.FROM_STASH,
    Direction.FROM_CARD: messages.FROM_CARDS,
}


class Row(NamedTuple):
    """An event as the page shows it."""

    title: str
    note: str
    time: str
    amount: str
    icon: str
    url: str
    is_cancelled: bool


class Day(NamedTuple):
    """A day of the calendar. `weekday` is 1 for Monday: the column of the grid."""

    day: datetime.date
    text: str
    weekday: int
    is_today: bool
    rows: list[Row]
    sums: list[tuple[str, str]]


def page(user: User, *, month: str, view: str) -> dict[str, Any]:
    """Return the context of the page. A month that is none, is over or is too far away becomes the nearest there is."""
    today = timezone.localdate()
    is_list = view == "list"
    first = _month(month, today)
    since, until = (today, today + LIST_DAYS * _DAY) if is_list else _weeks(first, today)
    events = coming.coming_events(user, today, max(until, today + LIST_DAYS * _DAY))
    by_day: dict[datetime.date, list[Event]] = defaultdict(list)
    for event in events:
        by_day[event.day].append(event)
    count = (until - since).days + 1
    days = [_day(since + number * _DAY, by_day[since + number * _DAY], today) for number in range(count)]
    nothing = messages.nothing_in_days(LIST_DAYS) if is_list else messages.nothing_in(first)
    return {
        "is_list": is_list,
        # A list has only days on which something happens.
        "days": [day for day in days if day.rows or not is_list],
        "nothing": "" if any(day.rows for day in days) else nothing,
        "title": messages.next_days(LIST_DAYS) if is_list else _title(first, since, until),
        "month": _name(first),
        "earlier": _name(_before(first)) if first > _first(today) else "",
        "later": _name(following(first)) if first < _last_month(today) else "",
        "weekdays": WEEKDAYS,
        "short": _short(events, dashboard.holdings(user).stash_kobo, today),
    }


def feed(found: CalendarFeed | None) -> dict[str, Any]:
    """Return the context of the page about the feed."""
    if found is None:
        return {"feed": None}
    token = coming.feed_token(found)
    url = settings.SITE_URL + reverse("calendar:read_feed", args=[token])
    return {"feed": found, "token": token, "feed_url": url}


def url_of(event: Event) -> str:
    """Return the path of the page that shows more about an event."""
    if event.reference:
        return reverse("transactions:receipt", args=[event.reference])
    if event.rule_id:
        return reverse("autosave:detail", args=[event.rule_id])
    if event.circle_slug:
        return reverse("circles:detail", args=[event.circle_slug])
    if event.plan_id:
        return reverse("plans:detail", args=[event.plan_id])
    # Interest of several plans.
    return reverse("plans:index")


def following(first: datetime.date) -> datetime.date:
    """Return the first day of the next month."""
    return first + calendars.monthrange(first.year, first.month)[1] * _DAY


def _month(text: str, today: datetime.date) -> datetime.date:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        return _first(today)
    # Compared as text: not every year that can be written is one of the calendar.
    nearest = min(max(text, _name(today)), _name(_last_month(today)))
    return datetime.date.fromisoformat(f"{nearest}-01")


def _weeks(first: datetime.date, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day that a month shows.

    The present month begins with this week, because nothing past is shown, and its last week is whole.
    """
    last = following(first) - _DAY
    if first != _first(today):
        return first, last
    return max(first, today - today.weekday() * _DAY), last + (6 - last.weekday()) * _DAY


def _title(first: datetime.date, since: datetime.date, until: datetime.date) -> str:
    """Return the name of a month that is shown from its first day to its last; else the days that are shown."""
    is_whole = since == first and until == following(first) - _DAY
    return messages.month(first) if is_whole else date_formats.days(since, until)


def _name(day: datetime.date) -> str:
    return f"{day.year:04}-{day.month:02}"


def _first(day: datetime.date) -> datetime.date:
    return day.replace(day=1)


def _before(first: datetime.date) -> datetime.date:
    return _first(first - _DAY)


def _last_month(today: datetime.date) -> datetime.date:
    years, months = divmod(today.month - 1 + MONTHS_AHEAD, 12)
    return datetime.date(today.year + years, months + 1, 1)


def _day(day: datetime.date, events: list[Event], today: datetime.date) -> Day:
    return Day(
        day=day,
        text=date_format(day, "l j F" if day.year == today.year else "l j F Y"),
        weekday=day.isoweekday(),
        is_today=day == today,
        rows=[_row(event) for event in events],
        sums=_sums(events),
    )


def _row(event: Event) -> Row:
    return Row(
        title=event.title,
        note=event.note,
        time=date_formats.time(timezone.localtime(event.at)) if event.at else "",
        amount=money.short(event.amount_kobo) if event.amount_kobo else "",
        icon=_ICONS[event.kind],
        url=url_of(event),
        is_cancelled=event.is_cancelled,
    )


def _sums(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Return what goes to and from the stash on a day, and from cards, where more than one event adds to it."""
    parts: dict[Direction, list[int]] = defaultdict(list)
    for event in events:
        if event.amount_kobo and not event.is_cancelled:
            parts[event.direction].append(event.amount_kobo)
    return [
        (name, money.short(sum(parts[direction])))
        for direction, name in _SUMS.items()
        if len(parts[direction]) > 1
    ]


def _short(events: list[Event], stash_kobo: int, today: datetime.date) -> dict[str, str] | None:
    """Return the warning that the stash will be short, and the amount to add: whole naira, and enough for a payment."""
    found = coming.shortfall(events, stash_kobo)
    if found is None:
        return None
    whole_kobo = money.round_up(found.missing_kobo, money.KOBO_PER_NAIRA)
    add_kobo = max(whole_kobo, settings.TOP_UP_MIN_KOBO)
    return {
        "text": messages.short_on(found.day, found.missing_kobo, today),
        "what_to_do": messages.what_to_do(found.day, found.needed_kobo, add_kobo, today),
        "action": messages.add(add_kobo),
        "amount": money.figures(add_kobo).removesuffix(".00"),
    }
