"""Prepares the calendar: the days of a month or of the next weeks with their events, and the stash’s warning."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import calendar as coming
from savings import dashboard, dates, money
from savings.calendar import Direction, Event, Kind
from savings.models import CalendarFeed, User
from web import date_formats
from web.messages import calendar as messages
from web.pages import calendar_months as months
from web.pages import calendar_repeats
from web.pages.calendar_repeats import Repeat

# How many days the list has, and how far ahead the stash is watched.
LIST_DAYS = 60
# A day of a month shows so many events, and so many where days are a grid. The list shows all.
MOST_IN_MONTH, MOST_IN_GRID = 4, 3
# So many dates show how a calendar program will look.
MOST_PREVIEWED = 3
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = datetime.timedelta(days=1)
ICONS = {
    Kind.AUTOSAVE: "repeat",
    Kind.MATURITY: "flag",
    Kind.INTEREST: "percent",
    Kind.NOTICE: "move",
    Kind.WITHDRAWAL: "out",
    Kind.CIRCLE_END: "circle",
}
# What the events of a day come to, where there are several of one way.
_SUMS: dict[str, Callable[[Event], bool]] = {
    messages.TO_STASH: lambda event: event.direction == Direction.INTO_STASH or _is_card_to_stash(event),
    messages.FROM_STASH: lambda event: event.direction == Direction.OUT_OF_STASH,
    messages.FROM_CARDS: lambda event: event.direction == Direction.FROM_CARD,
}


class Row(NamedTuple):
    """An event as the page shows it. Without a `url`, it stands for the rest of a busy day."""

    title: str
    note: str
    time: str
    amount: str
    is_in: bool
    icon: str
    url: str
    is_cancelled: bool
    is_interest: bool

    @property
    def look(self) -> str:
        """The class of the row in the style sheet."""
        return "over" if self.is_cancelled else "grows" if self.is_interest else ""


class Day(NamedTuple):
    """A day of the calendar. `is_outside` tells the days of the next month, or the one before, in a month's weeks.

    `sums` name what its events come to. `more` says how many of them a grid hides, and `more_url` leads to them all.
    """

    day: datetime.date
    text: str
    weekday: str
    month: str
    is_today: bool
    is_past: bool
    is_outside: bool
    rows: list[Row]
    sums: list[tuple[str, str]]
    more: str
    more_url: str
    # Only a `Repeat` has some.
    times: int = 0

    @property
    def dot(self) -> str:
        """The classes of its dot: interest stands out, and what only moves does not."""
        return f"{self.look} gain".strip() if any(row.is_interest for row in self.rows) else self.look

    @property
    def look(self) -> str:
        """The classes of the day in the style sheet."""
        looks = {
            "now": self.is_today,
            "past": self.is_past,
            "out": self.is_outside,
        }
        return " ".join(name for name, applies in looks.items() if applies)


class NextStep(NamedTuple):
    """What brings dates into an empty calendar: why, the words of a link, and its URL."""

    why: str
    words: str
    url: str


def page(user: User, *, month: str, view: str) -> dict[str, Any]:
    """Return the context of the page. A month that is none, is over or is too far away becomes the nearest there is."""
    today = timezone.localdate()
    is_list = view == "list"
    first = months.nearest_month(month, today)
    since, until = (today, today + LIST_DAYS * _DAY) if is_list else months.weeks(first)
    events = coming.coming_events(user, today, max(until, today + LIST_DAYS * _DAY))
    by_day: dict[datetime.date, list[Event]] = defaultdict(list)
    for event in events:
        by_day[event.day].append(event)
    count = (until - since).days + 1
    shown = (since + number * _DAY for number in range(count))
    totals = _totals(events) if is_list else []
    repeats = calendar_repeats.fold(by_day) if is_list else {}
    days = [_day(day, by_day[day], today, month=None if is_list else first) for day in shown]
    holdings = dashboard.holdings(user)
    is_empty = not repeats and not any(day.rows for day in days)
    nothing = messages.nothing_in_days(LIST_DAYS) if is_list else messages.nothing_in(first)
    # A list has only days on which something happens, below the name of their month.
    groups = _by_month(days, repeats) if is_list else [("", days)]
    return {
        "is_list": is_list,
        "groups": [] if is_empty else groups,
        "days": days,
        "totals": totals,
        "nothing": nothing if is_empty else "",
        "next_step": _next_step(has_plans=bool(holdings.plans)) if is_empty else None,
        "title": messages.next_days(LIST_DAYS) if is_list else messages.month(first),
        "short_title": "" if is_list else messages.short_month(first),
        "month": months.name(first),
        "earlier": months.name(months.month_before(first)) if first > months.first_month(today) else "",
        "later": months.name(dates.next_first(first)) if first < months.last_month(today) else "",
        "weekdays": WEEKDAYS,
        "short": _short(events, holdings.stash_kobo, today),
    }


def _next_step(*, has_plans: bool) -> NextStep:
    if has_plans:
        return NextStep(messages.AUTOSAVES_HAVE_DATES, messages.SET_UP_AUTOSAVE, reverse("autosave:choose"))
    return NextStep(messages.PLANS_HAVE_DATES, messages.START_PLAN, reverse("plans:start"))


def feed(user: User, found: CalendarFeed | None) -> dict[str, Any]:
    """Return the context of the page about the feed, with the dates that come first in it."""
    today = timezone.localdate()
    shows_amounts = found is not None and found.shows_amounts
    ahead = [
        (
            ICONS[event.kind],
            coming.title_in_feed(event, shows_amounts=shows_amounts),
            date_format(event.day, "D j M"),
        )
        for event in coming.coming_events(user, today, today + LIST_DAYS * _DAY)[:MOST_PREVIEWED]
    ]
    if found is None:
        return {"feed": None, "ahead": ahead}
    token = coming.feed_token(found)
    url = settings.SITE_URL + reverse("calendar:read_feed", args=[token])
    return {"feed": found, "token": token, "feed_url": url, "ahead": ahead}


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


def _by_month(
    days: Iterable[Day], repeats: dict[datetime.date, list[Repeat]]
) -> list[tuple[str, list[Day | Repeat]]]:
    """Return the months with their days on which something happens, and what repeats, at the first of its dates."""
    found = []
    for first, group in groupby(days, lambda day: months.first_of(day.day)):
        listed: list[Day | Repeat] = [day for day in group if day.rows]
        listed += repeats.get(first, [])
        if listed:
            found.append((messages.month(first), sorted(listed, key=lambda one: one.day)))
    return found


def _day(
    day: datetime.date, events: list[Event], today: datetime.date, *, month: datetime.date | None
) -> Day:
    in_grid = [] if month is None else coming.with_one_interest(events)
    hidden = max(0, len(in_grid) - MOST_IN_GRID)
    return Day(
        day=day,
        text=date_format(day, "l j F" if day.year == today.year else "l j F Y"),
        weekday=WEEKDAYS[day.weekday()],
        month=date_format(day, "M"),
        is_today=day == today,
        is_past=day < today,
        is_outside=month is not None and months.first_of(day) != month,
        rows=_rows(events) if month is None else _shortened(_rows(in_grid), day, today),
        sums=_sums(events),
        more=messages.more(hidden) if hidden else "",
        # Beyond the list, the link opens the day where it is.
        more_url=_in_list(day, today) or f"#d{day.isoformat()}",
    )


def _in_list(day: datetime.date, today: datetime.date) -> str:
    """Return the URL of a day in the list; empty for a day beyond it."""
    is_listed = (day - today).days <= LIST_DAYS
    return f"{reverse('calendar:home')}?view=list#d{day.isoformat()}" if is_listed else ""


def _shortened(rows: list[Row], day: datetime.date, today: datetime.date) -> list[Row]:
    """Return the events of a day of a month, those that are too many as one row that leads to the list of all."""
    if len(rows) <= MOST_IN_MONTH + 1:
        return rows
    rest = rows[MOST_IN_MONTH:]
    more = rest[0]._replace(
        title=messages.more(len(rest)),
        note="",
        time="",
        amount="",
        icon="more",
        url=_in_list(day, today),
        is_cancelled=False,
        is_interest=False,
    )
    return [*rows[:MOST_IN_MONTH], more]


def _sums(events: list[Event]) -> list[tuple[str, str]]:
    """Return what the events of a day that go one way come to, where there are several.

    A month shows the interest of a day as one sum, also what goes into plans. So the sum of the stash names its part.
    """
    adding = [event for event in events if event.amount_kobo and not event.is_cancelled]
    interest = [event for event in adding if event.kind == Kind.INTEREST]
    to_stash = [event for event in interest if event.direction == Direction.INTO_STASH]
    names_part = bool(to_stash) and to_stash != interest
    part_kobo = sum(event.amount_kobo or 0 for event in to_stash)
    into_stash = messages.to_stash_with(part_kobo) if names_part else messages.TO_STASH
    sums = []
    for name, counts in _SUMS.items():
        same = [event.amount_kobo or 0 for event in adding if counts(event)]
        if len(same) > 1:
            shown = into_stash if name == messages.TO_STASH else name
            sums.append((shown, money.short(sum(same))))
    return sums


def _totals(events: Iterable[Event]) -> list[tuple[str, str, str]]:
    """Return the saver's interest, their card payments and what leaves, without what is zero: name, amount, class."""
    named = (
        (messages.INTEREST, Kind.INTEREST, "up"),
        (messages.FROM_YOUR_CARDS, Kind.AUTOSAVE, ""),
        (messages.OUT, Kind.WITHDRAWAL, ""),
    )
    kobo_by_kind: dict[str, int] = defaultdict(int)
    for event in events:
        if not event.is_cancelled:
            kobo_by_kind[event.kind] += _way(event) * (event.amount_kobo or 0)
    return [
        (name, money.signed(kobo_by_kind[kind]), look) for name, kind, look in named if kobo_by_kind[kind]
    ]


def _is_card_to_stash(event: Event) -> bool:
    return event.direction == Direction.FROM_CARD and event.plan_id is None


def _rows(events: list[Event]) -> list[Row]:
    return [_row(event) for event in events]


def _row(event: Event) -> Row:
    way = _way(event)
    kobo = event.amount_kobo or 0
    amount = money.signed(way * kobo) if way else money.naira(kobo)
    return Row(
        title=event.title,
        note=event.note,
        time=date_formats.time(timezone.localtime(event.at)) if event.at else "",
        amount=amount.removesuffix(".00") if kobo else "",
        is_in=way > 0 and not event.is_cancelled,
        icon=ICONS[event.kind],
        url=url_of(event),
        is_cancelled=event.is_cancelled,
        is_interest=event.kind == Kind.INTEREST,
    )


def _way(event: Event) -> int:
    """Return 1 for money that comes to the saver, -1 for money that leaves, 0 for a move: as in the activity."""
    if event.kind == Kind.AUTOSAVE:
        return int(event.direction == Direction.FROM_CARD)
    return {Kind.INTEREST: 1, Kind.WITHDRAWAL: -1}.get(event.kind, 0)


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
