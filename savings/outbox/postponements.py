"""Batch work, row by row: a row that fails is postponed with its reason, and the run continues."""

from __future__ import annotations

import datetime
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from savings import tracing, typed_text
from savings.models import Postponement

logger = logging.getLogger(__name__)

_FIRST_WAIT = datetime.timedelta(minutes=5)
_LONGEST_WAIT = datetime.timedelta(hours=6)
_PART = 5_000


def for_each_row(
    task: str,
    due: QuerySet[Any, Any],
    do: Callable[[int], int],
    *,
    most: int | None = None,
    away: tuple[type[Exception], ...] = (),
) -> int:
    """Call `do` with the id of each row of `due` that is not postponed, and return the sum of what it returned.

    `due` is all work of the task, in order; this run does at most `most` rows. Each call must be a transaction of its
    own, so that its failure rolls back nothing else. A row whose call raises is postponed. Only an error of a type in
    `away`, or a database that does not answer, ends the run, because every further row would fail too. The function
    raises nothing.
    """
    total = 0
    try:
        failed = set(postponed_row_ids(task))
        if failed:
            clear_other_postponements(task, due)
        waiting = due.exclude(pk__in=waiting_row_ids(task)) if failed else due
        ids = list(waiting.values_list("pk", flat=True)[:most])
    except DatabaseError:
        logger.exception("%s did not start", task)
        return 0
    for row_id in ids:
        try:
            total += do(row_id)
            if row_id in failed:
                clear_postponement(task, row_id)
        except away as error:
            logger.warning("%s stops at row %s: %s", task, row_id, typed_text.describe_error(error))
            break
        except Exception as error:
            if not postpone(task, row_id, error):
                break
    return total


def for_each_row_in_parts(task: str, due: QuerySet[Any, Any], do: Callable[[int], int]) -> int:
    """Do what `for_each_row` does with any number of rows, of which only some thousands of ids are in memory at once.

    A row that is done must not be due any more. The run ends with a part in which nothing was done.
    """
    total = 0
    while done := for_each_row(task, due, do, most=_PART):
        total += done
    return total


def postpone(task: str, row_id: int, error: Exception) -> datetime.datetime | None:
    """Postpone a row of a task because of an error, log the error, and return the time of the next try.

    The wait is 5 minutes after the first failure and doubles with each further one, up to six hours. Returns None if
    the database does not answer; then the run should end.
    """
    tracing.follower.failed(error)
    if is_database_away(error):
        logger.error(
            "%s stops at row %s: the database is away: %s", task, row_id, typed_text.describe_error(error)
        )
        return None
    try:
        with transaction.atomic():
            postponed = _record(task, row_id, typed_text.describe_error(error))
    except DatabaseError:
        logger.exception(
            "%s could not postpone row %s after: %s", task, row_id, typed_text.describe_error(error)
        )
        return None
    # Only the first failure logs the traceback.
    logger.error(
        "%s failed for row %s, try %s, next try at %s: %s",
        task,
        row_id,
        postponed.failures,
        postponed.retry_at,
        postponed.reason,
        exc_info=error if postponed.failures == 1 else None,
    )
    return postponed.retry_at


def clear_postponement(task: str, row_id: int) -> None:
    """Delete the postponement of a row that is done."""
    Postponement.objects.filter(task=task, row_id=row_id).delete()


def clear_other_postponements(task: str, due: QuerySet[Any, Any]) -> None:
    """Delete a task's postponements of rows that are no longer due: other code has done their work."""
    postponed = Postponement.objects.filter(task=task)
    # Each task asks every minute, and mostly nothing is postponed. On SQLite a delete would wait for the write lock.
    if postponed.exists():
        postponed.exclude(row_id__in=due.order_by().values("pk")).delete()


def waiting_row_ids(task: str) -> QuerySet[Postponement, int]:
    """Return the ids of a task's rows whose next try is in the future: queries with a limit exclude them."""
    later = Postponement.objects.filter(task=task, retry_at__gt=timezone.now())
    return later.values_list("row_id", flat=True)


def postponed_row_ids(task: str) -> QuerySet[Postponement, int]:
    """Return the ids of all of a task's postponed rows."""
    return Postponement.objects.filter(task=task).values_list("row_id", flat=True)


def is_database_away(error: Exception) -> bool:
    """Return whether the database is down or read-only, and not that one statement failed (a deadlock, say)."""
    if _is_read_only(error.__cause__):
        return True
    if not isinstance(error, (InterfaceError, OperationalError)):
        return False
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return True
    return False


def _is_read_only(error: BaseException | None) -> bool:
    """Return whether the database's own error says that it takes no writes, as a standby or a demoted primary."""
    if isinstance(error, sqlite3.Error):
        # The low byte is the primary code; the rest is detail.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    return getattr(error, "sqlstate", None) == "25006"


def _record(task: str, row_id: int, why: str) -> Postponement:
    now = timezone.now()
    postponed, is_new = Postponement.objects.get_or_create(
        task=task,
        row_id=row_id,
        defaults={"reason": why, "first_failed_at": now, "retry_at": now + _FIRST_WAIT},
    )
    if is_new:
        return postponed
    # Without the limit, doubling would overflow in the end.
    wait = min(_FIRST_WAIT * 2 ** min(postponed.failures, 10), _LONGEST_WAIT)
    same_row = Postponement.objects.filter(pk=postponed.pk)
    same_row.update(failures=F("failures") + 1, reason=why, retry_at=now + wait)
    postponed.refresh_from_db()
    return postponed
