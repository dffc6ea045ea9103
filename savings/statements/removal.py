"""The removal of statements: revoke or delete one, and delete the files of those that are no longer available."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from savings.exceptions import Refused
from savings.models import Statement, User
from savings.statements import files, messages

logger = logging.getLogger(__name__)

State = Statement.State


def revoke(statement: Statement) -> bool:
    """Disable a statement's links and delete its file; an unfinished statement is cancelled.

    False if it had already failed, expired or been revoked.
    """
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        active = Statement.objects.filter(
            pk=statement.pk, state__in=[State.QUEUED, State.WRITING, State.READY]
        )
        # The expiry is set to now, so that the periodic clean-up deletes the file if it cannot be deleted here.
        if not active.update(state=State.REVOKED, expires_at=timezone.now(), sealed_password=""):
            return False
    statement.refresh_from_db()
    remove_file(statement)
    return True


def delete(statement: Statement) -> None:
    """Delete a statement and its file; the verification code stops working. A second call changes nothing.

    Raises Refused if the storage cannot delete the file now.
    """
    revoke(statement)
    current = Statement.objects.filter(pk=statement.pk).first()
    if current is None:
        return
    remove_file(current)
    if current.file_name:
        # Without the row, the name of the file would be lost.
        raise Refused(messages.FILE_NOT_REMOVED)
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        Statement.objects.filter(pk=statement.pk).delete()


def remove_file(statement: Statement) -> None:
    """Delete the file of a statement that is no longer available. On an error, the periodic clean-up tries again."""
    try:
        discard_file(statement)
    except Exception as error:
        logger.warning("cannot delete the file of statement %s yet: %s", statement.pk, error)


def discard_file(statement: Statement) -> None:
    """Delete the file of a statement that is no longer available. Raises OSError if the storage cannot delete it."""
    if not statement.file_name:
        return
    files.delete_file(statement.file_name)
    same_file = Statement.objects.filter(pk=statement.pk, file_name=statement.file_name)
    same_file.exclude(state=State.READY).update(file_name="")
    statement.file_name = ""
