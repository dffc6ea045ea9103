"""Prepares the pages of statements: periods, states, sizes and links ready to print."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify

from savings import statements
from savings.models import Statement, StatementSubscription, User
from savings.models.statements import Format, Scope
from web import date_formats
from web.date_formats import moment
from web.messages import statements as messages
from web.pages.polling import next_look

State = Statement.State

# A page about a statement that is being written polls each second for a minute, then more slowly; see `polling`.
POLL_STEPS = ((60, 1), (180, 3), (600, 10))
_CONTENT_TYPES = {
    Format.PDF: "application/pdf",
    Format.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
}
_SAYS = {
    State.QUEUED: messages.QUEUED,
    State.FAILED: messages.FAILED,
    State.REVOKED: messages.FILE_DELETED,
    State.EXPIRED: messages.EXPIRED,
}
_LONGEST_NAME = 40


@dataclasses.dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement in the list, ready to print."""

    id: int
    title: str
    subject: str
    format: str
    state: str
    state_text: str
    # One line about its state, and whether that is bad news.
    says: str
    is_bad: bool
    # Progress in percent; None if nothing is being written.
    percent: int | None
    download_url: str
    asked_text: str
    # The form to request it again with a password; empty if a button is enough.
    again_url: str

    @property
    def is_unfinished(self) -> bool:
        return self.state in {State.QUEUED, State.WRITING}


def row(statement: Statement) -> StatementRow:
    """Return a statement as a line. Load it with its plan and circle (`select_related`)."""
    state = state_now(statement)
    return StatementRow(
        id=statement.pk,
        title=_title(statement),
        subject=subject(statement),
        format=statement.format.upper(),
        state=state,
        state_text=State(state).label,
        says=_says(statement, state),
        is_bad=state == State.FAILED,
        percent=_percent(statement) if state in {State.QUEUED, State.WRITING} else None,
        download_url=_download_url(statement) if state == State.READY else "",
        asked_text=moment(statement.requested_at),
        again_url=_again_url(statement) if statement.has_password else "",
    )


def _title(statement: Statement) -> str:
    """Return the period as a short title. What begins before its user joined has no transactions of those days."""
    since, until = statement.since, statement.until
    if date_formats.is_whole_months(since, until):
        return date_formats.period(since, until)
    joined_on = timezone.localdate(statement.user.date_joined)
    return (
        messages.all_up_to(until)
        if since <= joined_on < until
        else date_formats.days(since, until, with_year=True)
    )


def detail(statement: Statement, row: StatementRow, polls: int) -> dict[str, Any]:
    """Return the context of one statement's page."""
    return {
        "statement": statement,
        "row": row,
        "code": code(statement),
        "period": date_formats.days(statement.since, statement.until),
        "closing_name": messages.INTEREST_AFTER_TAX if statement.is_certificate else messages.CLOSING_BALANCE,
        "size": size(statement.size_bytes),
        "downloads": messages.times(statement.downloads),
        "ready_text": moment(statement.ready_at) if statement.ready_at else "",
        "expires_text": moment(statement.expires_at) if statement.expires_at else "",
        **next_look(polls, POLL_STEPS, is_open=row.is_unfinished),
    }


def subscriptions(user: User) -> list[tuple[int, str, str]]:
    """Return each of a user's monthly statements: its id, its subject, and the next one."""
    found = user.statement_subscriptions.select_related("plan", "circle").order_by("id")
    return [
        (one.pk, subject(one), messages.monthly(Format(one.format).label, date_format(one.next_month, "F Y")))
        for one in found
    ]


def state_now(statement: Statement) -> str:
    """Return the state. An expired file counts as expired even before the sweep has deleted it."""
    is_over = statement.expires_at is not None and statement.expires_at <= timezone.now()
    return State.EXPIRED if statement.state == State.READY and is_over else statement.state


def subject(of: Statement | StatementSubscription) -> str:
    """Return the subject of a statement: the name of the plan or circle, else the scope. A certificate is its own."""
    if isinstance(of, Statement) and of.is_certificate:
        return messages.CERTIFICATE
    if of.plan is not None:
        return of.plan.name
    if of.circle is not None:
        return of.circle.name
    return Scope(of.scope).label


def size(size_bytes: int | None) -> str:
    """Return a file's size: `142 kB`, `1.2 MB`; empty if there is no file."""
    return "" if size_bytes is None else messages.size(size_bytes)


def code(statement: Statement) -> str:
    """Return a verification code in groups of four, as printed in the file."""
    return "-".join(statement.code[at : at + 4] for at in range(0, len(statement.code), 4))


def file_name(statement: Statement) -> str:
    """Return a file name for the download, in ASCII letters whatever the plan's name is."""
    about = slugify(subject(statement))[:_LONGEST_NAME].strip("-") or statement.scope
    return f"asusu-{about}-{statement.since}-to-{statement.until}.{statement.format}"


def content_type(statement: Statement) -> str:
    return _CONTENT_TYPES[Format(statement.format)]


def _download_url(statement: Statement) -> str:
    # The colons of the token stay as they are, which `reverse` would quote.
    query = urlencode({"token": statements.link_token(statement)}, safe=":")
    return f"{reverse('statements:download', args=[statement.pk])}?{query}"


def _again_url(statement: Statement) -> str:
    about = {Scope.PLAN: f"plan-{statement.plan_id}", Scope.CIRCLE: f"circle-{statement.circle_id}"}
    query = {
        "about": about.get(Scope(statement.scope), statement.scope),
        "period": "days",
        "since": statement.since,
        "until": statement.until,
        "format": statement.format,
    }
    return reverse("statements:start", query=query)


def _percent(statement: Statement) -> int:
    if not statement.rows_expected:
        return 0
    return min(100, statement.rows_written * 100 // statement.rows_expected)


def _says(statement: Statement, state: str) -> str:
    if state == State.READY:
        return " · ".join(_facts(statement))
    if state == State.FAILED and statement.reason:
        return statement.reason
    if state == State.WRITING:
        return messages.writing(statement.rows_written, statement.rows_expected)
    return _SAYS[State(state)]


def _facts(statement: Statement) -> list[str]:
    facts = []
    if not statement.is_certificate:
        facts.append(messages.transaction_count(statement.rows_written))
    if statement.has_password:
        facts.append(messages.HAS_PASSWORD)
    if statement.downloads:
        facts.append(messages.downloaded(statement.downloads))
    if statement.expires_at is not None:
        facts.append(messages.available_until(timezone.localdate(statement.expires_at)))
    return facts
