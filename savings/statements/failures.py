"""Statements that cannot be written: what the saver reads about the reason, and whether another try follows."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction

from savings import mails, outbox
from savings.exceptions import Refused
from savings.models import OutboxRow, Statement, User
from savings.statements import messages

logger = logging.getLogger(__name__)

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
State = Statement.State


class StatementCancelled(Exception):
    """The statement was revoked or deleted while it was being written."""


@contextlib.contextmanager
def recording_failure(row: OutboxRow, statement: Statement) -> Iterator[None]:
    """Store the reason of a failure on the statement, and whether another try follows.

    The error is raised again, so that the outbox tries again. A Refused and a cancelled statement need no other try.
    """
    try:
        yield
    except (StatementCancelled, outbox.LeaseLost) as end:
        logger.info("statement %s: %s", statement.pk, type(end).__name__)
        if isinstance(end, outbox.LeaseLost):
            raise
    except Refused as refused:
        _fail(row, statement, str(refused), is_last=True)
    except Exception as error:
        is_last = row.tries >= outbox.MOST_TRIES
        _fail(
            row,
            statement,
            _reason(error, is_last=is_last),
            is_last=is_last,
            keeps_checkpoint=isinstance(error, OSError),
        )
        raise


def _fail(
    row: OutboxRow, statement: Statement, reason: str, *, is_last: bool, keeps_checkpoint: bool = False
) -> None:
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        outbox.renew(row, settings.STATEMENT_LEASE_SECONDS)
        # The checkpoint itself may be the cause, except after an OSError: a full disk does not damage it.
        checkpoint = (
            statement.checkpoint if keeps_checkpoint else {"most": statement.checkpoint.get("most", 0)}
        )
        writing = Statement.objects.filter(pk=statement.pk, state=State.WRITING)
        if writing.update(state=State.FAILED, reason=reason, checkpoint=checkpoint) and is_last:
            fail_statement(statement, reason)


def fail_statement(statement: Statement, reason: str) -> None:
    """Mark a statement as failed for good and mail the saver, in the caller's transaction."""
    changes = {"state": State.FAILED, "reason": reason, "sealed_password": ""}
    unfinished = Statement.objects.filter(
        pk=statement.pk, state__in=[State.QUEUED, State.WRITING, State.FAILED]
    )
    if unfinished.update(**changes):
        statement.reason = reason
        mails.statement_failed(statement)


def _reason(error: Exception, *, is_last: bool) -> str:
    reason = messages.NOT_WRITTEN
    if isinstance(error, OSError):
        reason = messages.NO_ROOM if error.errno in _DISK_FULL else messages.NOT_STORED
    return messages.failure(reason, is_last=is_last)
