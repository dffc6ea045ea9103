"""Prepares the pages of messages: each mail with its state, ready to print."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from savings import mails
from savings.models import OutboxRow, Plan, Statement, User
from web.date_formats import moment, time
from web.messages import mails as messages
from web.pages.transactions import day_heading

# The icon of each kind of mail that has one of its own.
_ICONS = {
    "autosave_failed": "repeat",
    "autosave_late": "repeat",
    "autosave_stopped": "repeat",
    "autosave_tomorrow": "repeat",
    "card_expires": "card",
    "card_needs_approval": "card",
    "circle_ended": "circle",
    "circle_joined": "circle",
    "goal_reached": "target",
    "interest_caught_up": "percent",
    "notice_carried_out": "move",
    "notice_refused": "move",
    "payment_in_review": "clock",
    "payout_asked": "out",
    "payout_came_back": "return",
    "payout_returned": "return",
    "payout_sent": "out",
    "plan_matured": "flag",
    "plan_renewed": "repeat",
    "rank_changed": "circle",
    "statement_failed": "document",
    "statement_ready": "document",
    "top_up_received": "in",
    "weekly_digest": "circle",
}


# They are about who can get at the money.
_SIGN_IN = "new_device"
_SECURITY = {"account", _SIGN_IN, "recipient_added"}
_CIRCLES = {"circle_ended", "circle_joined", "rank_changed", "weekly_digest"}
_STATEMENTS = {"statement_failed", "statement_ready"}
# The filters of the list: the value in the query string, the word on the page, and the kinds of mail.
FILTERS: tuple[tuple[str, str, set[str]], ...] = (
    ("", messages.ALL, set(mails.KINDS)),
    ("money", messages.MONEY, set(mails.KINDS) - _SECURITY - _CIRCLES - _STATEMENTS - {"welcome"}),
    ("security", messages.SECURITY, _SECURITY),
    ("circles", messages.CIRCLES, _CIRCLES),
    ("statements", messages.STATEMENTS, _STATEMENTS),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A mail, ready to print."""

    id: int
    kind: str
    subject: str
    why: str
    reference: str
    # The plan that it is about, if the subject does not name it.
    place: str
    to: str
    text: str
    at: datetime.datetime
    at_text: str
    time_text: str
    state: str
    badge: str | None
    # Of its state.
    icon: str
    kind_icon: str
    is_security: bool
    # Written after the newest one that this browser has shown.
    is_new: bool


class Seen(NamedTuple):
    """What a browser has shown: messages up to an id, or without one those that were written before a moment."""

    newest_id: int | None
    before: datetime.datetime | None

    def includes(self, row: OutboxRow) -> bool:
        if self.newest_id is not None:
            return row.pk <= self.newest_id
        return self.before is None or row.created_at < self.before


_ALL_SEEN = Seen(None, None)


def message(row: OutboxRow, *, text: str = "", seen: Seen = _ALL_SEEN) -> Message:
    """Return a mail ready to print. Load it with its transaction and user (`select_related`)."""
    title, why = mails.KINDS[row.kind]
    at = timezone.localtime(row.created_at)
    state, badge, icon = _state(row)
    subject = row.subject or title
    plan = row.transaction.plan if row.transaction else None
    return Message(
        id=row.pk,
        kind=row.kind,
        subject=subject,
        why=why,
        reference=row.transaction.reference if row.transaction else "",
        place=_place(plan, subject) if row.transaction else "",
        to=row.to or (row.user.email if row.user else ""),
        text=text,
        at=at,
        at_text=moment(at),
        time_text=time(at),
        state=state,
        badge=badge,
        icon=icon,
        kind_icon="shield" if row.kind in _SECURITY else _ICONS.get(row.kind, "mail"),
        is_security=row.kind in _SECURITY,
        is_new=not seen.includes(row),
    )


def _place(plan: Plan | None, subject: str) -> str:
    """Return the plan or the stash that a mail about a transaction is about, unless its subject names it."""
    if plan is None:
        return "" if "stash" in subject else messages.STASH
    return plan.name if plan.name not in subject else ""


def of_kind(rows: QuerySet[OutboxRow], chosen: str) -> tuple[QuerySet[OutboxRow], str]:
    """Return the mails of a filter of the list, and the filter; all for one that is none."""
    for key, _, kinds in FILTERS[1:]:
        if key == chosen:
            return rows.filter(kind__in=kinds), key
    return rows, ""


def by_day(
    rows: Iterable[OutboxRow], seen: Seen = _ALL_SEEN
) -> list[tuple[str, datetime.date, list[tuple[Message, list[Message]]]]]:
    """Return the messages grouped by day: a heading such as `Today, Tue 24 Nov`, the day, the messages."""
    days = itertools.groupby(groups(rows, seen), key=lambda group: group[0].at.date())
    return [(day_heading(day), day, list(found)) for day, found in days]


def groups(rows: Iterable[OutboxRow], seen: Seen = _ALL_SEEN) -> list[tuple[Message, list[Message]]]:
    """Return each message with those that follow it and repeat it: sent on the same day with the same subject.

    The sign-ins of a day are one group wherever they stand, with all of them as its repeats. A message that has not
    been sent is never folded into another one's group.
    """

    def same(found: Message) -> tuple[object, ...]:
        return found.at.date(), found.subject, found.id if found.badge is not None else None

    found = (message(row, seen=seen) for row in rows)
    runs: dict[object, list[Message]] = {}
    for number, (about, run) in enumerate(itertools.groupby(found, key=same)):
        repeats = list(run)
        runs.setdefault(about if repeats[0].kind == _SIGN_IN else number, []).extend(repeats)
    return [_group(run) for run in runs.values()]


def _group(run: list[Message]) -> tuple[Message, list[Message]]:
    if run[0].kind != _SIGN_IN or len(run) == 1:
        return run[0], run[1:]
    is_new = any(found.is_new for found in run)
    return dataclasses.replace(run[0], subject=messages.sign_ins(len(run)), is_new=is_new), run


def newest_about(statement: Statement) -> Message | None:
    """Return the newest mail about a statement, if there is one."""
    row = mails_of(statement=statement).order_by("-id").first()
    return message(row) if row else None


def mails_of(**of: User | Statement) -> QuerySet[OutboxRow]:
    """Return the outbox rows that are mails, with the related rows that the pages show."""
    return OutboxRow.objects.filter(kind__in=mails.KINDS, **of).select_related("transaction__plan", "user")


def _state(row: OutboxRow) -> tuple[str, str | None, str]:
    """Return the state of a mail as text, its badge and icon."""
    if row.done_at:
        return messages.sent_at(moment(row.done_at)), None, "check"
    if row.dead_at:
        return messages.NOT_SENT, "bad", "cross"
    if row.error and row.due_at:
        return messages.next_try_at(moment(row.due_at)), "", "clock"
    return messages.ON_ITS_WAY, "", "clock"
