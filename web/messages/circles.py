"""The sentences about circles: notices, and the texts of cards and of the activity."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import ngettext

from savings import money
from savings.models import CircleEvent

# In the activity, the reader and the events whose words differ from those about another member.
YOU = "You"
THE_CIRCLE = "The circle"
DONE_BY_YOU = {
    CircleEvent.Kind.HANDED_OVER: "now run the circle",
    CircleEvent.Kind.REACHED_GOAL: "reached your own goal",
    # The head of the page says that the reader came first.
    CircleEvent.Kind.WON: "ended",
}

# The order of the members.
OWNER_FIRST = "You and the owner first, then the newest"
YOU_FIRST = "You first, then the newest"
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


def a_month_each(kobo: int) -> str:
    return f"{money.short(kobo)} a month each"


def members_in_order(count: int, *, is_owner: bool) -> str:
    """Return how many members a list shows, and in which order."""
    order = YOU_FIRST if is_owner else OWNER_FIRST
    return f"{member_count(count)}. {order}." if count > 2 else member_count(count)


def winners(nicknames: Sequence[str], *, has_more: bool) -> str:
    """Return names as a list: `Ada, Bola and Chi`, or `Ada, Bola and others`; empty for no name."""
    if has_more:
        return f"{', '.join(nicknames)} and others"
    *most, last = nicknames or [""]
    return f"{', '.join(most)} and {last}" if most else last
