"""The turns of statements: how many are written at a time, in this process and for one user, and which are next."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import outbox
from savings.models import OutboxRow, Statement, User
from savings.statements import requests, spans

# The most statements of one user that are written at a time. The third waits, and delays no other user.
MOST_AT_ONCE = 2
# How long a row waits if all writers are busy. Most start sooner, because a finished writer makes them due.
_WAIT_SECONDS = 60
State = Statement.State
# The writers of this process. The other threads of the consumer stay free for mails.
_writer_slots = threading.BoundedSemaphore(settings.STATEMENT_WRITERS)


@contextlib.contextmanager
def writer_slot() -> Iterator[None]:
    """Hold one of this process's writers. Raises outbox.RetryLater while all are busy."""
    if not _writer_slots.acquire(blocking=False):
        raise outbox.RetryLater(_WAIT_SECONDS)
    try:
        yield
    finally:
        _writer_slots.release()


def claim(row: OutboxRow) -> Statement | None:
    """Mark a statement as being written and return it; None if it is ready, revoked, expired or deleted.

    The cut-off is set under the user's row lock, for which all their postings wait: every later entry is above it.
    Raises outbox.RetryLater while two other statements of that user are being written.
    """
    with transaction.atomic():
        User.objects.touch(row.user_id or 0)
        statements = Statement.objects.select_related("user", "plan", "circle")
        requested = statements.filter(pk=row.payload["statement"])
        statement = requested.exclude(state__in=[State.READY, State.REVOKED, State.EXPIRED]).first()
        if statement is None:
            return None
        others = Statement.objects.filter(user=statement.user, state=State.WRITING).exclude(pk=statement.pk)
        if others[:MOST_AT_ONCE].count() >= MOST_AT_ONCE:
            raise outbox.RetryLater(_WAIT_SECONDS)
        outbox.renew(row, settings.STATEMENT_LEASE_SECONDS)
        statement.state, statement.reason = State.WRITING, ""
        if statement.cutoff_entry_id is None:
            statement.cutoff_entry_id = spans.newest_entry()
        statement.save(update_fields=["state", "reason", "cutoff_entry_id"])
    return statement


def wake_waiting() -> None:
    """Make the outbox rows of the oldest queued statements due now."""
    queued = Statement.objects.filter(state=State.QUEUED).order_by("id").values_list("id", flat=True)
    oldest = list(queued[: 2 * settings.STATEMENT_WRITERS])
    now = timezone.now()
    # A claimed row has at least one try; a row that was sent back to wait has none.
    waiting = OutboxRow.objects.filter(
        kind=requests.OUTBOX_KIND, statement__in=oldest, tries=0, due_at__gt=now
    )
    for row_id in waiting.order_by("id").values_list("id", flat=True):
        if OutboxRow.objects.filter(pk=row_id, tries=0, due_at__gt=now).update(due_at=now):
            outbox.row_committed.send_robust(OutboxRow, row_id=row_id)
