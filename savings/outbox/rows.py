"""The outbox: work to do after a commit, stored in the same database transaction and retried until done.

A row is done at least once. If a worker dies after the mail server accepted a mail and before the row is updated, the
mail is sent again after the lease: the window is one UPDATE, and both copies have the same Message-ID.
"""

from __future__ import annotations

import datetime
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Min, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from savings import tracing, typed_text
from savings.models import OutboxRow, Statement, Transaction, User
from savings.outbox import postponements

logger = logging.getLogger(__name__)

# Does the work of a row, and returns the columns to change when the row is marked done.
Handler = Callable[[OutboxRow], Mapping[str, object]]

# Sent with a `row_id` after that row is committed. `savings.tasks` queues the row; the sweep finds missed ones.
row_committed = Signal()

MOST_TRIES = 8
_LONGEST_WAIT_SECONDS = 24 * 60 * 60
# A sweep ends before the next one starts, so a slow mail server occupies one worker and not all of them.
_SWEEP_SECONDS = 45
_FIELDS = [field for field in OutboxRow._meta.concrete_fields if not field.primary_key]
_INSERT = f"""
INSERT INTO savings_outboxrow ({", ".join(f'"{field.column}"' for field in _FIELDS)})
VALUES ({", ".join(["%s"] * len(_FIELDS))}) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id
"""  # noqa: S608 - names of ours


class RetryLater(Exception):
    """Raised by a handler whose row has to wait: the row is due again later, and the try does not count."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"not before {seconds} seconds")
        self.seconds = seconds


class LeaseLost(Exception):
    """Raised to a handler whose lease has ended and whose row another worker has claimed: the handler must stop."""


def add(
    kind: str,
    *,
    dedupe_key: str,
    user: User | None = None,
    movement: Transaction | None = None,
    statement: Statement | None = None,
    to: str = "",
    payload: Mapping[str, Any] | None = None,
    nudge: bool = True,
    **written: str,
) -> OutboxRow | None:
    """Write a row in the transaction of its cause, and return it; None if the same cause has written it before.

    `written` is the subject, text and html of a mail that is ready. With `nudge=False` the caller does the work after
    the commit and calls `finish`, or sends `row_committed`; the sweep finds the row in any case.

    Raises RuntimeError outside an atomic block: a row that is not committed with its cause could be lost, or announce
    something that never happened.
    """
    _check_in_atomic_block()
    row = OutboxRow(
        kind=kind,
        dedupe_key=dedupe_key,
        user=user,
        transaction=movement,
        statement=statement,
        to=to,
        payload=dict(payload or {}),
        traceparent=tracing.follower.traceparent(),
        **written,
    )
    if not _insert(row):
        return None
    _touch(row)
    if nudge:
        transaction.on_commit(partial(row_committed.send_robust, OutboxRow, row_id=row.pk), robust=True)
    return row


def add_for_many(kind: str, payloads: Mapping[int, Mapping[str, Any]], *, cause: str) -> None:
    """Write one row per user (by id), in a few statements. Users who already have a row for this cause are skipped.

    The sweep finds the rows. Raises RuntimeError outside an atomic block, as `add` does.
    """
    _check_in_atomic_block()
    # Locked in one order everywhere, so two writers to the same users do not deadlock.
    people = User.objects.filter(pk__in=payloads).order_by("pk").select_for_update()
    ids = list(people.values_list("pk", flat=True))
    # Checked under the locks, because `ignore_conflicts` on SQLite also hides other constraint errors, and would lose
    # mails silently.
    keys = {user_id: f"{kind}:{user_id}:{cause}" for user_id in ids}
    known = set(OutboxRow.objects.filter(dedupe_key__in=keys.values()).values_list("dedupe_key", flat=True))
    OutboxRow.objects.bulk_create(
        OutboxRow(kind=kind, dedupe_key=key, user_id=user_id, payload=payloads[user_id])
        for user_id, key in keys.items()
        if key not in known
    )
    User.objects.filter(pk__in=ids).update(version=F("version") + 1)


def is_any_waiting(kind: str) -> bool:
    """Return whether rows of a kind wait for their first try."""
    return OutboxRow.objects.filter(due_at__isnull=False, kind=kind, tries=0).exists()


def cancel(user: User, kind: str) -> None:
    """Delete the waiting rows of a kind that a user no longer wants."""
    user.outbox_rows.filter(kind=kind, due_at__isnull=False).delete()


def finish(row_ids: Iterable[int]) -> None:
    """Mark rows done whose work the caller has done after the commit. Doing that work twice is harmless."""
    waiting_rows = OutboxRow.objects.filter(pk__in=row_ids, due_at__isnull=False)
    waiting_rows.update(done_at=timezone.now(), due_at=None, error="")


def convert_to(row_ids: Iterable[int], kind: str, *, after: datetime.timedelta) -> None:
    """Turn rows whose work is done, as for `finish`, into rows of another kind that are due after a while."""
    waiting_rows = OutboxRow.objects.filter(pk__in=row_ids, due_at__isnull=False)
    waiting_rows.update(kind=kind, due_at=timezone.now() + after, tries=0, error="")


def claim(row_id: int, now: datetime.datetime) -> OutboxRow | None:
    """Claim a due row for the length of the lease and return it; None if it is done, not due or claimed."""
    lease_ends_at = now + datetime.timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    due_row = OutboxRow.objects.filter(pk=row_id, due_at__lte=now, tries__lt=MOST_TRIES)
    if not due_row.update(due_at=lease_ends_at, tries=F("tries") + 1, error=""):
        return None
    return OutboxRow.objects.select_related("user", "transaction").get(pk=row_id)


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


def deliver(row_id: int, handlers: Mapping[str, Handler]) -> bool:
    """Do the work of a row if it is due and not claimed, and return whether this call finished it.

    An error is stored on the row, which is due again after a growing wait. After eight tries the row is dead.
    """
    row = claim(row_id, timezone.now())
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


def waiting_seconds(now: datetime.datetime) -> tuple[int, int] | None:
    """Return for how many seconds the oldest row has waited, and for how many one has been due; None if none waits."""
    waiting = OutboxRow.objects.filter(due_at__isnull=False)
    ages = waiting.aggregate(oldest=Min("created_at"), first_due=Min("due_at"))
    if ages["oldest"] is None:
        return None
    return int((now - ages["oldest"]).total_seconds()), int((now - ages["first_due"]).total_seconds())


def retry_dead_row(row: OutboxRow) -> bool:
    """Make a dead row due again, with all its tries; return False when it is not dead."""
    with transaction.atomic():
        _touch(row)
        dead = OutboxRow.objects.filter(pk=row.pk, dead_at__isnull=False)
        if not dead.update(dead_at=None, due_at=timezone.now(), tries=0):
            return False
        transaction.on_commit(partial(row_committed.send_robust, OutboxRow, row_id=row.pk), robust=True)
        return True


def _check_in_atomic_block() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An outbox row belongs in the transaction of its cause.")


def _insert(row: OutboxRow) -> bool:
    """Insert a row, and return False if the same cause has inserted it before.

    Raw SQL, because most form submissions insert one: a single statement, where the ORM would need a savepoint to
    survive a duplicate and take twice the time.
    """
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    (row.pk,) = inserted
    row._state.adding, row._state.db = False, connection.alias
    return True


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
        _touch(row)
        return bool(OutboxRow.objects.filter(pk=row.pk, due_at=row.due_at).update(**changes))


def _touch(row: OutboxRow) -> None:
    if row.user_id is not None:
        User.objects.touch(row.user_id)
