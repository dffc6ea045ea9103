"""The delivery of outbox rows: a worker claims a row by a lease, does its work, and stores the result.

A row is done at least once. If a worker dies after the mail server accepted a mail and before the row is updated, the
mail is sent again after the lease: the window is one UPDATE, and both copies have the same Message-ID.
"""

from __future__ import annotations

import datetime
import logging
import random
import time
from collections.abc import Callable, Mapping
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from savings import tracing, typed_text
from savings.models import OutboxRow, User
from savings.outbox import postponements
from savings.outbox.rows import row_committed, touch_user

logger = logging.getLogger(__name__)

# Does the work of a row, and returns the columns to change when the row is marked done.
Handler = Callable[[OutboxRow], Mapping[str, object]]

MOST_TRIES = 8
_LONGEST_WAIT_SECONDS = 24 * 60 * 60
# A sweep ends before the next one starts, so a slow mail server occupies one worker and not all of them.
_SWEEP_SECONDS = 45


class RetryLater(Exception):
    """Raised by a handler whose row has to wait: the row is due again later, and the try does not count."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"not before {seconds} seconds")
        self.seconds = seconds


class LeaseLost(Exception):
    """Raised to a handler whose lease has ended and whose row another worker has claimed: the handler must stop."""


def deliver(row_id: int, handlers: Mapping[str, Handler]) -> bool:
    """Do the work of a row if it is due and not claimed, and return whether this call finished it.

    An error is stored on the row, which is due again after a growing wait. After eight tries the row is dead.
    """
    row = _claim(row_id, timezone.now())
    if row is None:
        return False
    with tracing.follower.following("deliver_outbox_row", row.traceparent):
        try:
            changes = handlers[row.kind](row)
            return _finish(row, **changes, done_at=timezone.now(), due_at=None, error="")
        except RetryLater as wait:
            due_at = timezone.now() + datetime.timedelta(seconds=wait.seconds)
            _finish(row, due_at=due_at, tries=row.tries - 1)
            return False
        except LeaseLost:
            return False
        except Exception as error:
            logger.warning(
                "outbox row %s (%s), try %s: %s",
                row.pk,
                row.kind,
                row.tries,
                typed_text.describe_error(error),
            )
            tracing.follower.failed(error)
            _postpone(row, error)
            return False


def sweep(now: datetime.datetime, handlers: Mapping[str, Handler]) -> int:
    """Deliver what is due, oldest first, for at most 45 seconds; return how many rows were finished.

    Two sweeps at once are harmless: each row is claimed. Only a database that is down stops a sweep.
    """
    ends_at = time.monotonic() + _SWEEP_SECONDS
    # The worker died during the last try of these rows. Another try could kill another worker.
    with transaction.atomic():
        spent = OutboxRow.objects.filter(due_at__lte=now, tries__gte=MOST_TRIES)
        if spent.exists():
            User.objects.touch_all(User.objects.filter(pk__in=spent.values("user_id")))
            spent.update(dead_at=now, due_at=None)
    finished = 0
    for row_id in list(due_rows(now)[:1000]):
        if time.monotonic() >= ends_at:
            break
        try:
            finished += deliver(row_id, handlers)
        except Exception as error:
            # The error could not be stored either. The lease delays the next try, and each try counts.
            logger.exception("outbox row %s could not be put off", row_id)
            if postponements.is_database_away(error):
                break
    return finished


def due_rows(now: datetime.datetime) -> QuerySet[OutboxRow, int]:
    """Return the ids of the rows that may be claimed, the longest due first."""
    return OutboxRow.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)


def renew(row: OutboxRow, seconds: int, *, is_further: bool = False) -> None:
    """Set the lease of a claimed row to so many seconds from now.

    `is_further` says that this try got beyond all earlier ones: the count of tries restarts, so long work may be
    interrupted any number of times. Raises LeaseLost if another worker has the row.
    """
    tries = 1 if is_further else row.tries
    due_at = timezone.now() + datetime.timedelta(seconds=seconds)
    if not OutboxRow.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=due_at, tries=tries):
        raise LeaseLost
    row.due_at, row.tries = due_at, tries


def retry_dead_row(row: OutboxRow) -> bool:
    """Make a dead row due again, with all its tries; return False when it is not dead."""
    with transaction.atomic():
        touch_user(row)
        dead = OutboxRow.objects.filter(pk=row.pk, dead_at__isnull=False)
        if not dead.update(dead_at=None, due_at=timezone.now(), tries=0):
            return False
        transaction.on_commit(partial(row_committed.send_robust, OutboxRow, row_id=row.pk), robust=True)
        return True


def _claim(row_id: int, now: datetime.datetime) -> OutboxRow | None:
    """Claim a due row for the length of the lease and return it; None if it is done, not due or claimed."""
    lease_ends_at = now + datetime.timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    due_row = OutboxRow.objects.filter(pk=row_id, due_at__lte=now, tries__lt=MOST_TRIES)
    if not due_row.update(due_at=lease_ends_at, tries=F("tries") + 1, error=""):
        return None
    return OutboxRow.objects.select_related("user", "transaction").get(pk=row_id)


def _postpone(row: OutboxRow, error: Exception) -> None:
    now = timezone.now()
    reason = typed_text.describe_error(error)
    if row.tries >= MOST_TRIES:
        _finish(row, dead_at=now, due_at=None, error=reason)
        return
    _finish(row, due_at=now + datetime.timedelta(seconds=_wait_seconds(row.tries)), error=reason)


def _wait_seconds(tries: int) -> float:
    """Return 30 seconds after the first try, then four times as long each, at most a day; plus up to a fifth."""
    wait: int = min(settings.OUTBOX_FIRST_WAIT_SECONDS * 4 ** (tries - 1), _LONGEST_WAIT_SECONDS)
    # Rows that failed together must not all be due together.
    return wait * random.uniform(1, 1.2)  # noqa: S311 - chance, not secrecy


def _finish(row: OutboxRow, **changes: object) -> bool:
    """Store the result of a try, unless the lease has ended and another worker has claimed the row."""
    with transaction.atomic():
        touch_user(row)
        return bool(OutboxRow.objects.filter(pk=row.pk, due_at=row.due_at).update(**changes))
