"""The rows of the outbox: work to do after a commit, stored in the same database transaction as its cause."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Min
from django.dispatch import Signal
from django.utils import timezone

from savings import tracing
from savings.models import OutboxRow, Statement, Transaction, User

# Sent with a `row_id` after that row is committed. `savings.tasks` queues the row; the sweep finds missed ones.
row_committed = Signal()

_FIELDS = [field for field in OutboxRow._meta.concrete_fields if not field.primary_key]
_INSERT = f"""
INSERT INTO savings_outboxrow ({", ".join(f'"{field.column}"' for field in _FIELDS)})
VALUES ({", ".join(["%s"] * len(_FIELDS))}) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id
"""  # noqa: S608 - names of ours


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
    touch_user(row)
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


def waiting_seconds(now: datetime.datetime) -> tuple[int, int] | None:
    """Return for how many seconds the oldest row has waited, and for how many one has been due; None if none waits."""
    waiting = OutboxRow.objects.filter(due_at__isnull=False)
    ages = waiting.aggregate(oldest=Min("created_at"), first_due=Min("due_at"))
    if ages["oldest"] is None:
        return None
    return int((now - ages["oldest"]).total_seconds()), int((now - ages["first_due"]).total_seconds())


def touch_user(row: OutboxRow) -> None:
    """Increment the version of the row's user, if it has one: their pages show the row's state."""
    if row.user_id is not None:
        User.objects.touch(row.user_id)


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
