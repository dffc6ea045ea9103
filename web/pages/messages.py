"""Prepares the pages of messages: each mail with its state, ready to print."""

from __future__ import annotations

import dataclasses
import datetime

from django.db.models import QuerySet
from django.utils import timezone

from savings import mails
from savings.models import OutboxRow, Statement, User
from web.date_formats import moment
from web.messages import mails as messages


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A mail, ready to print."""

    id: int
    subject: str
    why: str
    reference: str
    to: str
    text: str
    at: datetime.datetime
    at_text: str
    state: str
    badge: str | None
    icon: str


def message(row: OutboxRow, *, text: str = "") -> Message:
    """Return a mail ready to print. Load it with its transaction and user (`select_related`)."""
    title, why = mails.KINDS[row.kind]
    at = timezone.localtime(row.created_at)
    state, badge, icon = _state(row)
    return Message(
        id=row.pk,
        subject=row.subject or title,
        why=why,
        reference=row.transaction.reference if row.transaction else "",
        to=row.to or (row.user.email if row.user else ""),
        text=text,
        at=at,
        at_text=moment(at),
        state=state,
        badge=badge,
        icon=icon,
    )


def newest_about(statement: Statement) -> Message | None:
    """Return the newest mail about a statement, if there is one."""
    row = mails_of(statement=statement).order_by("-id").first()
    return message(row) if row else None


def mails_of(**of: User | Statement) -> QuerySet[OutboxRow]:
    """Return the outbox rows that are mails, with the related rows that the pages show."""
    return OutboxRow.objects.filter(kind__in=mails.KINDS, **of).select_related("transaction", "user")


def _state(row: OutboxRow) -> tuple[str, str | None, str]:
    """Return the state of a mail as text, its badge and icon."""
    if row.done_at:
        return messages.sent_at(moment(row.done_at)), None, "check"
    if row.dead_at:
        return messages.NOT_SENT, "bad", "cross"
    if row.error and row.due_at:
        return messages.next_try_at(moment(row.due_at)), "", "clock"
    return messages.ON_ITS_WAY, "", "clock"
