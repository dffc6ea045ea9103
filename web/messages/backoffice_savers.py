"""The texts of staff's pages about a saver and of their search."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import backoffice, money
from savings.models import Plan, User

NOTE_WRITTEN = "The note is stored."
NO_END = "No end"
DEFAULT = "Default"
REMOVED = "Removed"
USABLE = "Usable"
CLOSED = "Closed"
OWNER = "Owner"
LEFT = "Left"
NOT_CONFIRMED = "Not confirmed"

# The subjects of the tables, by name.
GROUPS = {
    "money": "Money",
    "saving": "Saving rules and circles",
    "messages": "Messages and statements",
    "access": "Access",
}

_FREEZES = {
    User.Frozen.WITHDRAWALS: "Frozen: no withdrawals",
    User.Frozen.MOVEMENTS: "Frozen: no movements of money",
}


def rows(count: int) -> str:
    return f"more than {backoffice.MOST_ROWS}" if count > backoffice.MOST_ROWS else str(count)


def newest(at: datetime.date) -> str:
    return f"newest {date_format(at, 'j M Y')}"


def usable_from(at: datetime.datetime) -> str:
    return f"Usable from {date_format(timezone.localtime(at), 'j M, H:i')}"


def freeze(user: User) -> str:
    return _FREEZES[User.Frozen(user.frozen)]


def closed(user: User) -> str:
    if user.erased_at:
        return f"Closed, and the person’s data erased on {date_format(user.erased_at, 'j M Y')}"
    if user.closed_at:
        return f"Closed on {date_format(user.closed_at, 'j M Y')}"
    return "" if user.is_active else "Cannot sign in: the account is switched off"


def owed(owed_kobo: int) -> str:
    return f"Owes {money.naira(owed_kobo)}"


def disputed(disputed_kobo: int) -> str:
    return f"{money.naira(disputed_kobo)} is in open disputes and cannot leave"


def balance(plan: Plan) -> str:
    return CLOSED if plan.is_closed else money.naira(plan.account.balance_kobo or 0)


def found(count: int) -> str:
    return ngettext("%(count)d result", "%(count)d results", count) % {"count": count}
