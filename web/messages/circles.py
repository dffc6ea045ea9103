"""The sentences about circles: notices, and the texts of cards and of the activity."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from django.utils.translation import ngettext

from savings import money
from savings.leaderboards import Progress
from savings.models import CircleEvent
from web import date_formats

# In the activity, the reader and the events whose words differ from those about another member.
YOU = "You"
THE_CIRCLE = "The circle"
DONE_BY_YOU = {
    CircleEvent.Kind.HANDED_OVER: "now run the circle",
    CircleEvent.Kind.REACHED_GOAL: "reached your own goal",
    # The head of the page says that the reader came first.
    CircleEvent.Kind.WON: "ended",
}

# The order of the members, where a page does not show all.
YOU_FIRST = "You first, then the newest."
SAVED = "Saved."
NEW_INVITE_LINK = "New link ready. The old one no longer works."


def you(kind: CircleEvent.Kind) -> str:
    """Return who an event of the reader is about."""
    return THE_CIRCLE if kind == CircleEvent.Kind.WON else YOU


def started(circle: str) -> str:
    return f"{circle} is open. Share its link with the people you save with."


def joined(circle: str) -> str:
    return f"You’ve joined {circle}. Make your first payment."


def left(circle: str) -> str:
    return f"You’ve left {circle}."


def removed(nickname: str) -> str:
    return f"{nickname} is no longer in the circle."


def handed_over(nickname: str, circle: str) -> str:
    return f"{nickname} now runs {circle}."


def ends_on(day: str, *, has_ended: bool) -> str:
    return f"Ended {day}" if has_ended else f"Ends {day}"


def member_count(count: int) -> str:
    return ngettext("%(count)s member", "%(count)s members", count) % {"count": f"{count:,}"}


def with_members(count: int) -> str:
    return ngettext("With %(count)d member", "With %(count)d members", count) % {"count": count}


def each_saves(kobo: int, payments: int) -> str:
    return f"{money.short(kobo)} a month" if payments > 1 else money.short(kobo)


def in_payments(days: Sequence[datetime.date]) -> str:
    """Return in how many payments a goal is reached, and when: `In 11 payments, 30 Dec to 30 Oct`."""
    first, last = (date_formats.day(day, with_year=False) for day in (days[0], days[-1]))
    return f"In {len(days)} payments, {first} to {last}" if len(days) > 1 else f"In one payment, {first}"


def members_and_total(progress: Progress) -> str:
    """Return how many members a list shows, and what they have saved together, as exactly as others may know."""
    return f"{member_count(progress.members)}, {_total(progress)} saved"


def ended_with(day: str, progress: Progress | None, members: int) -> str:
    """Return when a circle ended, and what its members saved together; how many they are where that is not known."""
    return f"Ended {day} · {f'{_total(progress)} together' if progress else member_count(members)}"


def _total(progress: Progress) -> str:
    about = "about " if progress.is_rounded else "at least " if progress.leaves_one_out else ""
    return about + money.short(money.round_down(progress.saved_kobo, money.KOBO_PER_NAIRA))


def winners(nicknames: Sequence[str], *, has_more: bool) -> str:
    """Return names as a list: `Ada, Bola and Chi`, or `Ada, Bola and others`; empty for no name."""
    if has_more:
        return f"{', '.join(nicknames)} and others"
    *most, last = nicknames or [""]
    return f"{', '.join(most)} and {last}" if most else last
