"""The upkeep of statements: files whose time is over go, and what nobody will write any more says so."""

from __future__ import annotations

import datetime

from django.db import transaction

from savings import statement_files, statement_writing, statements
from savings.models import OutboxRow, Statement, User

State = Statement.State
_AT_A_TIME = 500


def expire(now: datetime.datetime) -> int:
    """Remove the files whose time is over, and drafts of writers that died; return how many statements expired.

    A file that the storage does not let go is tried again at the next run.
    """
    over = Statement.objects.filter(expires_at__lte=now).exclude(file_name="")
    expired = 0
    for statement in over.order_by("expires_at")[:_AT_A_TIME]:
        with transaction.atomic():
            User.objects.touch(statement.user_id)
            here = Statement.objects.filter(pk=statement.pk, state=State.READY)
            expired += here.update(state=State.EXPIRED)
        statements.remove_file(statement)
    statement_files.remove_old_drafts(now.timestamp())
    return expired


def give_up_dead() -> int:
    """Give up the statements whose writers died until nobody tries any more, and return how many those were."""
    unfinished = Statement.objects.unfinished().select_related("user", "plan", "circle").order_by("id")
    by_key = {statements.row_key(statement.pk): statement for statement in unfinished[:_AT_A_TIME]}
    dead = OutboxRow.objects.filter(dedupe_key__in=by_key, dead_at__isnull=False)
    keys = list(dead.values_list("dedupe_key", flat=True))
    for key in keys:
        with transaction.atomic():
            User.objects.touch(by_key[key].user_id)
            reason = "Something went wrong while it was written. Ask for it again later."
            statement_writing.give_up(by_key[key], reason)
    return len(keys)
