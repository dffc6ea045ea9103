"""The outbox: what has to happen after a commit is a row of that commit, worked on until it is done.

A row is done at least once. A worker that dies after the mail server took a mail, and before the row says so, sends
that mail again when its lease has ended: the window is one UPDATE wide, and both copies carry the same Message-ID.
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
from savings.models import OutboxRow, Transaction, User
from savings.outbox import postponements

logger = logging.getLogger(__name__)

# Does what a row asks for, and returns what to change on the row as it is marked done.
Handler = Callable[[OutboxRow], Mapping[str, object]]

# Sent with a `row_id` once that row is committed: whoever runs the tasks listens, and the sweep finds what was missed.
row_committed = Signal()

MOST_TRIES = 8
_LONGEST_WAIT_SECONDS = 24 * 60 * 60
# A sweep ends before the next one begins, so that a slow mail server holds up one worker and not all of them.
_SWEEP_SECONDS = 45
_FIELDS = [field for field in OutboxRow._meta.concrete_fields if not field.primary_key]
_INSERT = f"""
INSERT INTO savings_outboxrow ({", ".join(f'"{field.column}"' for field in _FIELDS)})
VALUES ({", ".join(["%s"] * len(_FIELDS))}) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id
"""  # noqa: S608 - names of ours


class RetryLater(Exception):
    """Raised by a handler whose row has to wait for its turn: it is due again later, and no try is spent."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"not before {seconds} seconds")
        self.seconds = seconds


class LeaseLost(Exception):
    """Raised to a handler whose lease has ended, and whose row somebody else has taken since: it must stop."""


def add(
    kind: str,
    *,
    dedupe_key: str,
    user: User | None = None,
    movement: Transaction | None = None,
    to: str = "",
    payload: Mapping[str, Any] | None = None,
    nudge: bool = True,
    **written: str,
) -> OutboxRow | None:
    """Write a row beside its cause, and return it; None where the same cause has written it before.

    `written` is the subject, text and html of a mail that is ready. Without `nudge` the caller does the work right
    after the commit and says so with `finish`, or sends `waiting` itself; the sweep finds it in any case.

    Raises RuntimeError outside of an atomic block:
    a row that is not part of its cause's commit could be lost, or tell of something that never happened.
    """
    _check_in_atomic_block()
    row = OutboxRow(
        kind=kind,
        dedupe_key=dedupe_key,
        user=user,
        transaction=movement,
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
    """Write a row of a kind for each person (by id), in a few statements; who has one of the same cause gets no other.

    They are found by the sweep. Raises RuntimeError outside of an atomic block, as `add` does.
    """
    _check_in_atomic_block()
    # In one order everywhere: two who write to the same people at once would wait for each other.
    people = User.objects.filter(pk__in=payloads).order_by("pk").select_for_update()
    ids = list(people.values_list("pk", flat=True))
    # Looked up under these locks, and not left to the database: what ignores a second row there also ignores, on
    # SQLite, whatever else is wrong with one, and the mail would be lost in silence.
    keys = {user_id: f"{kind}:{user_id}:{cause}" for user_id in ids}
    known = set(OutboxRow.objects.filter(dedupe_key__in=keys.values()).values_list("dedupe_key", flat=True))
    OutboxRow.objects.bulk_create(
        OutboxRow(kind=kind, dedupe_key=key, user_id=user_id, payload=payloads[user_id])
        for user_id, key in keys.items()
        if key not in known
    )
    User.objects.filter(pk__in=ids).update(version=F("version") + 1)


def is_any_waiting(kind: str) -> bool:
    """Say whether there are rows of a kind that nobody has tried yet."""
    return OutboxRow.objects.filter(due_at__isnull=False, kind=kind, tries=0).exists()


def cancel(user: User, kind: str) -> None:
    """Forget what waits for a person who does not want that kind any more."""
    user.outbox_rows.filter(kind=kind, due_at__isnull=False).delete()


def finish(row_ids: Iterable[int]) -> None:
    """Mark rows done whose work their own cause has carried out, and which are harmless to do twice."""
    waiting_rows = OutboxRow.objects.filter(pk__in=row_ids, due_at__isnull=False)
    waiting_rows.update(done_at=timezone.now(), due_at=None, error="")


def convert_to(row_ids: Iterable[int], kind: str, *, after: datetime.timedelta) -> None:
    """Let rows whose work is done, as for `finish`, ask for the next work of the same cause, after a while."""
    waiting_rows = OutboxRow.objects.filter(pk__in=row_ids, due_at__isnull=False)
    waiting_rows.update(kind=kind, due_at=timezone.now() + after, tries=0, error="")


def claim(row_id: int, now: datetime.datetime) -> OutboxRow | None:
    """Take a row that is due until the lease ends, and return it; None where it is done, not due or taken."""
    lease_ends_at = now + datetime.timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
    due_row = OutboxRow.objects.filter(pk=row_id, due_at__lte=now, tries__lt=MOST_TRIES)
    if not due_row.update(due_at=lease_ends_at, tries=F("tries") + 1, error=""):
        return None
    return OutboxRow.objects.select_related("user", "transaction").get(pk=row_id)


def renew(row: OutboxRow, seconds: int, *, is_further: bool = False) -> None:
    """Keep a claimed row for so many seconds from now, longer or shorter than it was claimed for.

    `is_further` says that something was reached that no try had reached: those before do not count any more, so that
    long work may be interrupted as often as it gets on. Raises Overtaken when somebody else has the row.
    """
    tries = 1 if is_further else row.tries
    due_at = timezone.now() + datetime.timedelta(seconds=seconds)
    if not OutboxRow.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=due_at, tries=tries):
        raise LeaseLost
    row.due_at, row.tries = due_at, tries


def deliver(row_id: int, handlers: Mapping[str, Handler]) -> bool:
    """Do what a row asks for, if it is due and nobody else is at it; return whether this call finished it.

    What goes wrong is kept on the row, which is due again after a growing wait; after eight tries it is dead.
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

    Two sweeps at once are harmless: each row is claimed. No row stops the others; only a database that is away does.
    """
    ends_at = time.monotonic() + _SWEEP_SECONDS
    # Whoever claimed these for the last time died at it: one more try could kill one more worker.
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
            # Not even its failure could be stored. The lease puts it off, and each try counts: it ends as dead.
            logger.exception("outbox row %s could not be put off", row_id)
            if postponements.is_database_away(error):
                break
    return finished


def due_rows(now: datetime.datetime) -> QuerySet[OutboxRow, int]:
    """Return the ids of the rows that may be claimed, longest due first."""
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
    """Write a new row, and return whether the same cause had not written it before.

    Written out, since it is part of most of what people send: one statement, where Django would need a savepoint around
    it to survive a duplicate, and twice the time.
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
    said = typed_text.describe_error(error)
    if row.tries >= MOST_TRIES:
        _finish(row, dead_at=now, due_at=None, error=said)
        return
    _finish(row, due_at=now + datetime.timedelta(seconds=_wait_seconds(row.tries)), error=said)


def _wait_seconds(tries: int) -> float:
    """Return 30 seconds after the first try, then four times as long each, at most a day; up to a fifth more."""
    wait: int = min(settings.OUTBOX_FIRST_WAIT_SECONDS * 4 ** (tries - 1), _LONGEST_WAIT_SECONDS)
    # Rows that failed together must not come back together.
    return wait * random.uniform(1, 1.2)  # noqa: S311 - chance, not secrecy


def _finish(row: OutboxRow, **changes: object) -> bool:
    """Write down how a try ended, unless its lease was over and somebody else has taken the row since."""
    with transaction.atomic():
        _touch(row)
        return bool(OutboxRow.objects.filter(pk=row.pk, due_at=row.due_at).update(**changes))


def _touch(row: OutboxRow) -> None:
    if row.user_id is not None:
        User.objects.touch(row.user_id)
